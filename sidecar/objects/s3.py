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

from sidecar.objects.s3_errors import explained, is_missing
from sidecar.objects.store import Listed, Passed, Use, quiet

PART, MOST_PARTS = 16 << 20, 10_000  # of a large file; so many make up an object at most
AT_ONCE_BYTES = 4 * PART  # on their way at once: a slow line is shared by few
PIECE = 1 << 20  # of a file that is read
CONNECT_S = 5
WHOLE_S = 6 * 3600  # for one request that reads: a large file over a slow line
TRIES = 4
DELETED_AT_ONCE = 1000
OURS = "AWS_"
NO_REGION = "us-east-1"  # of servers other than Amazon's, which know none


class S3Store:
    """Keeps objects below the prefix of a bucket."""

    def __init__(self, url: str, use: Use) -> None:
        """Takes `s3://bucket/prefix`; reaches for nothing yet."""
        for name in [name for name, value in os.environ.items() if name.startswith(OURS)]:
            if not os.environ[name]:
                del os.environ[name]  # as with settings: what is empty counts as missing
        self._url, self._use = url, use
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        self._region = region or NO_REGION
        self._bucket = self._connected(WHOLE_S, use.silence_s)
        # To the library it is silence, too, while a request is still being sent.
        self._writing = self._connected(use.writing_s, use.writing_s)

    def _connected(self, timeout_s: float, silence_s: float) -> Bucket:
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
        return Bucket.from_url(
            self._url,
            region=self._region,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_S),
                "read_timeout": timedelta(seconds=silence_s),
                "timeout": timedelta(seconds=timeout_s),
            },
            retry_config={
                "max_retries": TRIES,
                "retry_timeout": timedelta(seconds=self._use.trying_s),
            },
        )

    def put(self, name: str, content: Path | bytes, passed: Passed = quiet) -> None:
        with self._translated():
            if isinstance(content, bytes):
                obstore.put(self._writing, name, content, chunk_size=PART)
                return
            part = max(PART, -(-content.stat().st_size // MOST_PARTS))
            at_once = max(1, AT_ONCE_BYTES // part)
            pieces = _pieces(content, passed)
            obstore.put(self._writing, name, pieces, chunk_size=part, max_concurrency=at_once)

    def read(self, name: str) -> Iterator[bytes]:
        with self._translated():
            for piece in obstore.get(self._bucket, name).stream():
                yield bytes(piece)

    def begins(self, name: str, length: int) -> bytes:
        with self._translated():
            return bytes(obstore.get_range(self._bucket, name, start=0, length=length))

    def listed(self, prefix: str) -> dict[str, Listed]:
        with self._translated():
            return {
                each["path"]: Listed(each["size"], each["last_modified"].timestamp())
                for page in obstore.list(self._bucket, prefix, chunk_size=DELETED_AT_ONCE)
                for each in page
            }

    def is_empty(self) -> bool:
        with self._translated():
            return not next(iter(obstore.list(self._bucket, chunk_size=1)), [])

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            with self._translated():
                try:
                    obstore.delete(self._bucket, name)
                except FileNotFoundError:
                    continue

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns the errors of the library into ours; an object that is missing stays a
        FileNotFoundError."""
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            text = str(error)
            if isinstance(error, FileNotFoundError) and is_missing(text):
                raise
            line = explained(text, self._region)
            raise self._use.error(f"{self._use.of(self._url)}: {line}") from error


def _pieces(path: Path, passed: Passed) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            passed(piece)
            yield piece
