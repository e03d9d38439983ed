"""Objects under names, each written once and read whole: in a folder, or in a bucket that speaks
S3. What they hold is for others to know. Face: `ObjectStore`, `Listed`, `Use`, `open_store`,
`Breaker`, `is_bucket`, `check`; and for objects named by their SHA-256 `FileDigest`, `download`,
`is_sound`, `sweep`.
"""

from sidecar.objects.breaker import Breaker
from sidecar.objects.content import FileDigest, WrongContent, download, is_sound, sweep
from sidecar.objects.opening import check, is_bucket, open_store
from sidecar.objects.store import BACKUP, INDEX, PICTURES, Listed, ObjectStore, Use

__all__ = [
    "BACKUP",
    "INDEX",
    "PICTURES",
    "Breaker",
    "FileDigest",
    "Listed",
    "ObjectStore",
    "Use",
    "WrongContent",
    "check",
    "download",
    "is_bucket",
    "is_sound",
    "open_store",
    "sweep",
]
