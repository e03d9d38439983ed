"""Archives, read file by file within bounds that hold whatever Python's own readers do.

`reading` recognises what an archive is; `tars` and `zips` read it, and `decompression` unpacks
piece by piece. `members` has a file of a batch and the limits of a batch.
"""

from sidecar.images.archives.reading import MAGIC_BYTES, files, is_archive

__all__ = ["MAGIC_BYTES", "files", "is_archive"]
