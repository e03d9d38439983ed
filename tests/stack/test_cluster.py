"""Hosts that are killed and cut off, in network namespaces; `make cluster` runs a long campaign."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from campaigns.cluster import __main__ as cluster
from campaigns.cluster.models import MODELS, NEWER
from campaigns.cluster.needs import missing
from local import namespaces
from tests.support.versions import put

pytestmark = [pytest.mark.long, pytest.mark.release]

GENEROUS_S = 300  # for a host that comes back: another machine may be busy


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder into which PostgreSQL's user gets. Where there are no namespaces only CI insists."""
    if why := missing():
        assert not os.environ.get("CI"), why
        pytest.skip(why)
    with tempfile.TemporaryDirectory(prefix="cluster-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


def test_nothing_is_lost_where_hosts_are_killed_and_cut_off(folder: Path) -> None:
    put("tiny", 1, folder / MODELS)
    put("signed-one", 2, folder / NEWER)
    plan = {"troubles": 5, "seed": 3, "within_s": GENEROUS_S, "clients": 3, "searchers": 2}
    assert cluster.run(folder, plan) == 0


def test_a_writer_that_is_cut_off_gives_its_turn_to_others(folder: Path) -> None:
    words = ["-m", "tests.support.cut_off", str(folder)]
    assert namespaces.run_inside(words, network=False) == 0
