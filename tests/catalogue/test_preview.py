"""Previews of an upgrade as far as they need no Triton."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sidecar.errors import FeaturesUnavailable, SwitchRefused, TooBusy, UnknownVersion
from sidecar.tasks import paired, side_by_side
from sidecar.tasks.admission import Admission
from sidecar.tasks.candidate import Candidates
from sidecar.tasks.preview import Previews
from tests.support.house import NOWHERE, House, describe


@pytest.fixture
def house(catalogue_url: str, tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, catalogue_url)
    house.generations.folder.mkdir()
    describe(house.repository, 2, "b" * 64)
    yield house
    house.catalogue.close()


def of(house: House) -> Previews:
    admission = Admission(house.generations, house.repository)
    candidates = Candidates(house.catalogue, admission, house.repository)
    return Previews(house.catalogue, candidates, house.repository, NOWHERE)


def test_what_an_upgrade_refuses_is_refused(house: House) -> None:
    with pytest.raises(UnknownVersion):
        of(house).upgrade(9)
    with pytest.raises(SwitchRefused):
        of(house).upgrade(1)
    with pytest.raises(FeaturesUnavailable):  # Triton is away
        of(house).upgrade(2)


def test_one_preview_is_made_at_a_time(house: House) -> None:
    previews = of(house)
    with previews.candidates.trying(), pytest.raises(TooBusy):
        previews.upgrade(2)


def test_the_sample_is_drawn_out_of_all_images_and_has_none_twice(house: House) -> None:
    images = house.catalogue.images
    assert paired._drawn(images) == []
    house.add(1, 40)
    few = paired._drawn(images)
    assert sorted(few) == sorted(each for _, each in images.page(0, 40))
    house.add(41, 400)
    many = paired._drawn(images)
    assert len({*many}) == len(many) > 200
    seqs = [seq for seq, each in images.page(0, 400) if each in {*many}]
    assert min(seqs) < 100
    assert max(seqs) > 300


def test_both_sides_name_the_nearest_but_the_query_itself() -> None:
    random = np.random.default_rng(0)
    made = [random.normal(size=(50, width)).astype(np.float32) for width in (8, 32)]
    one, other = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in made)
    ids = [f"image-{number}" for number in range(50)]
    found = side_by_side.answered(ids, one, other, 12)
    assert [each.id for each in found] == ids[:12]
    for query, each in enumerate(found):
        for nearest, side in zip((each.before, each.after), (one, other), strict=True):
            dist = ((side - side[query]) ** 2).sum(axis=1)
            wanted = [place for place in np.argsort(dist) if place != query][:10]
            assert nearest.result == [ids[place] for place in wanted]
            assert nearest.dist == pytest.approx(dist[wanted], abs=1e-5)
        assert each.shared == len({*each.before.result} & {*each.after.result})
    shares = [each.shared / 10 for each in side_by_side.answered(ids, one, other, 50)]
    assert side_by_side.agreement(one, other) == pytest.approx(np.mean(shares))
    assert side_by_side.agreement(one, one) == 1
    assert side_by_side.agreement(one[:10], other[:10]) is None
