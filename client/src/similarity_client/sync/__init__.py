"""The sync client."""

from similarity_client.sync.client import Similarity
from similarity_client.sync.task import Task

__all__ = ["Similarity", "Task"]
