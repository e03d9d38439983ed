"""Object stores of both kinds for tests: what is asked of one is asked of both."""

import uuid
from pathlib import Path

import pytest

KINDS = ("folder", "s3")


def new_store(kind: str, folder: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    """Returns the settings of an empty store: a folder, or a prefix of the tests' S3 server."""
    if kind == "folder":
        return {"INDEX_STORE": f"{folder}/store"}
    server: dict[str, str] = request.getfixturevalue("s3_server")
    return server | {"INDEX_STORE": f"{server['INDEX_STORE']}/{uuid.uuid4().hex}"}
