"""The engines of the index for tests: what is asked of one is asked of both."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.ports import LaunchRefused

KINDS = ("local", pytest.param("milvus", marks=pytest.mark.long))


def settings_of(kind: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Returns the settings of an engine. A catalogue has collections of its own, so tests share a
    server."""
    if kind == "local":
        return {"INDEX_ENGINE": "local"}
    server: dict[str, str] = request.getfixturevalue("milvus_server")
    return server


@contextmanager
def insist_on_milvus() -> Iterator[None]:
    """Skips a test whose Milvus can't be started: it takes root, so only `make test-milvus` insists
    on it."""
    try:
        yield
    except LaunchRefused as error:
        if os.environ.get("MILVUS_TESTS"):
            raise
        pytest.skip(str(error))
