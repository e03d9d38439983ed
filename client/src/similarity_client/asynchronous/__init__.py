"""The async client."""

from similarity_client.asynchronous.client import AsyncSimilarity
from similarity_client.asynchronous.task import AsyncTask

__all__ = ["AsyncSimilarity", "AsyncTask"]
