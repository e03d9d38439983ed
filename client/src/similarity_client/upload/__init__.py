"""Uploads any number of files, in constant memory; one that was cut off goes on where it ended.

    paths ──► look (hash, ask which are stored) ──► waiting, bounded ──► send, as wide as is well

Threads do it, for the async client too: files are read by calls that block.
"""

from similarity_client.upload.entry import LARGEST_BYTES, Entries, Entry, of_path
from similarity_client.upload.naming import IdFrom
from similarity_client.upload.plan import MetadataOf, Plan, Said, plan
from similarity_client.upload.report import OnFile, Progress, Report, UploadStopped
from similarity_client.upload.run import Upload

__all__ = [
    "LARGEST_BYTES",
    "Entries",
    "Entry",
    "IdFrom",
    "MetadataOf",
    "OnFile",
    "Plan",
    "Progress",
    "Report",
    "Said",
    "Upload",
    "UploadStopped",
    "of_path",
    "plan",
]
