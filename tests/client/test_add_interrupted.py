"""`similarity add`, killed, with a sidecar that is killed: a short `campaigns.interrupted`."""

from itertools import islice
from pathlib import Path

import pytest
from PIL import ImageOps

from campaigns.broken_photos import Folder
from campaigns.interrupted import interrupt
from campaigns.killed_runs import PARALLEL
from local.stack import Stack
from tests.support.calls import unused
from tests.support.image_files import decoded, encode

pytestmark = pytest.mark.long

PHOTOS, BROKEN = 120, 6


def test_nothing_is_lost_or_added_twice_whatever_is_killed(
    served: Stack, collection: dict[str, bytes], tmp_path: Path
) -> None:
    # Upside down: other tests of this stack know what is most like the collection's own.
    some = islice(collection.values(), PHOTOS)
    files = [encode(ImageOps.flip(decoded(file)), "JPEG") for file in some]
    folder = Folder(tmp_path / "photos", f"{unused()}-", files, BROKEN)
    assert len(folder.broken) == BROKEN
    outcome = interrupt(served, folder)
    assert outcome.wrong == []
    # What was in flight when either was killed may come again.
    largest = sorted(map(len, files))[-2 * PARALLEL :]
    assert outcome.twice * sum(map(len, files)) <= sum(largest)
