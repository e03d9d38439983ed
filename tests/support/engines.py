"""The engines of the index for tests: what is asked of one is asked of both."""

import pytest

KINDS = ("local", pytest.param("milvus", marks=pytest.mark.long))


def settings_of(kind: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Returns the settings of an engine. A catalogue has collections of its own, so tests share a
    server."""
    if kind == "local":
        return {"INDEX_ENGINE": "local"}
    server: dict[str, str] = request.getfixturevalue("milvus_server")
    return server
