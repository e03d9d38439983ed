"""A stack of the client's own, which its tests may change."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from similarity_client import Similarity

from local.stack import Stack
from tests.client.command import Command
from tests.conftest import LIMITS, Trained
from tests.support.calls import unused

SETTINGS = {"HTTP_PROCESSES": "1", "KEEP_ORIGINALS": "1", "LOG_FORMAT": "json"}


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Stack]:
    """A trained stack by the tiny model that keeps originals."""
    folder = tmp_path_factory.mktemp("served")
    with trained(folder, **SETTINGS, **LIMITS) as stack:
        yield stack


@pytest.fixture
def similarity(served: Stack) -> Iterator[Similarity]:
    """A client of it."""
    with Similarity(served.url) as client:
        yield client


@pytest.fixture
def command(served: Stack, tmp_path: Path) -> Command:
    """The command `similarity` with that stack as its service."""
    return Command(served.url, tmp_path)


@pytest.fixture
def mark() -> str:
    """What the ids of a test begin with."""
    return unused()
