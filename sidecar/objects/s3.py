"""Objects in a bucket that speaks S3: the one door to obstore.

Credentials, region and endpoint come from the environment, by the names that Amazon's own tools
use: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL. Loaded only after a
fork: the library's threads would not survive one.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from sidecar.errors import IndexStoreUnavailable
from sidecar.objects.store import Listed

PART = 16 << 20  # of a large file: 10,000 parts at most make up an object
CONNECT_S, SILENCE_S = 5, 30
WHOLE = timedelta(hours=6)  # for one request: a large file over a slow line
TRIES, TRYING = 4, timedelta(seconds=30)
DELETED_AT_ONCE = 1000
MOST_TEXT = 400  # characters of an error, which may have a page of XML
OURS = "AWS_"
NO_REGION = "us-east-1"  # of servers other than Amazon's, which know none


class S3Store:
    """Keeps objects below the prefix of a bucket."""

    def __init__(self, url: str) -> None:
        """Takes `s3://bucket/prefix`; reaches for nothing yet."""
        for name in [name for name, value in os.environ.items() if name.startswith(OURS)]:
            if not os.environ[name]:
                del os.environ[name]  # as with settings: what is empty counts as missing
        self._url = url
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        self._bucket = Bucket.from_url(
            url,
            region=region or NO_REGION,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_S),
                "read_timeout": timedelta(seconds=SILENCE_S),
                "timeout": WHOLE,
            },
            retry_config={"max_retries": TRIES, "retry_timeout": TRYING},
        )

    def put(self, name: str, content: Path | bytes) -> None:
        with self._translated():
            obstore.put(self._bucket, name, content, chunk_size=PART)

    def read(self, name: str) -> Iterator[bytes]:
        with self._translated():
            for piece in obstore.get(self._bucket, name).stream():
                yield bytes(piece)

    def listed(self, prefix: str) -> dict[str, Listed]:
        with self._translated():
            return {
                each["path"]: Listed(each["size"], each["last_modified"].timestamp())
                for page in obstore.list(self._bucket, prefix, chunk_size=DELETED_AT_ONCE)
                for each in page
            }

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            with self._translated():
                try:
                    obstore.delete(self._bucket, name)
                except FileNotFoundError:
                    continue

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns the errors of the library into ours; what is missing stays a
        FileNotFoundError."""
        try:
            yield
        except FileNotFoundError:
            raise
        except (BaseError, OSError, ValueError) as error:
            text = str(error).partition("Debug source:")[0]  # which says all of it once more
            line = " ".join(text.split())[:MOST_TEXT]
            raise IndexStoreUnavailable(f"INDEX_STORE={self._url}: {line}") from error
