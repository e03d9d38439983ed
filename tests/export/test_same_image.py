"""The constants of the same image that an export fits by photos of one's own."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from export import same_image
from local import photos
from sidecar.index.calibration import Pairs
from sidecar.index.probability import GENERAL, Constants
from sidecar.models import contract
from tests.support.versions import put
from tests.unit.test_calibration import drawn

OTHER = Constants(5.0, 20.0)


def test_many_pairs_give_the_constants_by_which_they_were_drawn() -> None:
    made = same_image.fitted(drawn(OTHER, 200_000))
    assert made.a == pytest.approx(OTHER.a, abs=0.2)
    assert made.b == pytest.approx(OTHER.b, abs=0.8)


def test_few_pairs_change_the_general_constants_little() -> None:
    few, none = same_image.fitted(drawn(OTHER, 30)), same_image.fitted(drawn(OTHER, 1))
    assert abs(few.a - GENERAL.a) < abs(OTHER.a - GENERAL.a)
    assert abs(few.b - GENERAL.b) < abs(OTHER.b - GENERAL.b)
    assert none.a == pytest.approx(GENERAL.a, abs=0.3)
    apart = Pairs(np.array([0.1, 0.9] * 20), np.array([True, False] * 20), 20)
    assert same_image.fitted(apart).b < 20  # alone they would have it without end


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put("lite0-int8", 1, tmp_path_factory.mktemp("lite")) / contract.MODEL_FILE


def fit(model: Path, folder: Path | None) -> tuple[contract.SameImage | None, list[str]]:
    from export.networks import Network  # here: no process needs torch to collect this

    said: list[str] = []
    network = Network(cast(Any, None), 256, 224)  # whose sizes alone are asked for
    return same_image.constants(network, model, folder, said.append), said


@pytest.mark.release
@pytest.mark.long
def test_a_folder_of_photos_gives_constants_that_hold_better(model: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no photo")
    few = same_image.FEWEST - 1
    for number, (_, file) in enumerate(photos.variations(same_image.FEWEST)):
        (tmp_path / f"{number}.jpg").write_bytes(file)
        if number + 1 == few:
            none, [note] = fit(model, tmp_path)
            assert (none, "1 photos more" in note) == (None, True)
    made, [said] = fit(model, tmp_path)
    assert made is not None
    assert made.photos == same_image.FEWEST
    assert made.ece < 0.15  # of cuts that overlap; by the general constants it is above 0.2
    assert f"by {made.photos} photos" in said
    assert made.a < GENERAL.a


def test_without_a_folder_the_general_constants_are_kept(model: Path) -> None:
    assert fit(model, None) == (None, [])
