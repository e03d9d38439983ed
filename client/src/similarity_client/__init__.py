"""The client of the image similarity service.

    with Similarity("http://127.0.0.1:5000") as similarity:
        similarity.add("cat.jpg", id="cat-1")
        print(similarity.search("cat.jpg").result)

`Similarity` is sync, `AsyncSimilarity` async; both have the same calls. docs/client.md has more.
"""

from similarity_client.asynchronous import AsyncSimilarity, AsyncTask
from similarity_client.calls.examples import Example
from similarity_client.errors import ServiceAway, SimilarityError
from similarity_client.photo import sha256_of
from similarity_client.retry import Retries
from similarity_client.sync import Similarity, Task
from similarity_client.upload import Progress, Report, UploadStopped
from similarity_client.version import VERSION, NewerService
from similarity_client.waiting import TaskFailed

__version__ = VERSION

__all__ = [
    "AsyncSimilarity",
    "AsyncTask",
    "Example",
    "NewerService",
    "Progress",
    "Report",
    "Retries",
    "ServiceAway",
    "Similarity",
    "SimilarityError",
    "Task",
    "TaskFailed",
    "UploadStopped",
    "__version__",
    "sha256_of",
]
