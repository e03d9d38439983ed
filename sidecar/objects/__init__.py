"""Objects under names, each written once and read whole: in a folder, or in a bucket that speaks
S3. What they hold is for others to know. Face: `ObjectStore`, `Listed`, `open_store`.
"""

from sidecar.objects.store import Listed, ObjectStore, check, open_store

__all__ = ["Listed", "ObjectStore", "check", "open_store"]
