"""The engines of the index for tests: what is asked of one is asked of both."""

import os

import pytest

KINDS = ("local", pytest.param("milvus", marks=[pytest.mark.long, pytest.mark.release]))


def settings_of(kind: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Returns the settings of an engine. A catalogue has collections of its own, so tests share a
    server."""
    if kind == "local":
        return {"INDEX_ENGINE": "local"}
    server: dict[str, str] = request.getfixturevalue("milvus_server")
    return server


def only_when_asked_for() -> None:
    """Skips what takes a Milvus unless `make test-milvus` runs it: it takes root, and minutes."""
    if not os.environ.get("MILVUS_TESTS"):
        pytest.skip("`make test-milvus`, as root, runs these")
