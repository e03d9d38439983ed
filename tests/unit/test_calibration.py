"""How well the probability of the same image holds is measured by made twins."""

import numpy as np
import pytest

from sidecar.index.calibration import Pairs, pairs_of
from sidecar.index.probability import GENERAL, Constants

OTHERS = np.linspace(0.5, 1.0, 10).astype(np.float32)


def drawn(by: Constants, count: int) -> Pairs:
    """Pairs that are the same as often as some constants say."""
    random = np.random.default_rng(7)
    dist = random.uniform(0, 1, count)
    likely = by.probabilities(dist.astype(np.float32), 1.0)
    return Pairs(dist, random.uniform(0, 1, count) < likely, count)


def test_a_probability_that_holds_has_hardly_an_error() -> None:
    other = Constants(4.0, 30.0)
    pairs = drawn(other, 50_000)
    assert pairs.measured(other).ece < 0.005
    assert pairs.measured(GENERAL).ece > 0.2
    assert drawn(GENERAL, 50_000).measured(GENERAL).ece < 0.005


def test_the_error_is_that_of_the_bins_by_their_sizes() -> None:
    """Of a probability of 1, 1/1 + 0/3 are true: an error of (0 + 3) / 4, when these are all."""
    sure = Constants(50.0, 1.0)
    pairs = Pairs(np.zeros(4), np.array([True, False, False, False]), 2)
    found = pairs.measured(sure)
    assert found.ece == pytest.approx(0.75)
    assert (found.precision, found.recall, found.twins) == (0.25, 0.5, 2)
    never = pairs.measured(Constants(-50.0, 1.0))
    assert (never.precision, never.recall) == (None, 0.0)
    assert never.ece == pytest.approx(0.25)


def test_a_twin_has_its_image_among_its_ten_nearest_or_not() -> None:
    first = np.concatenate([[np.float32(0.1)], OTHERS])
    pairs = pairs_of([(first, 0), (OTHERS, None), (OTHERS[:9], 0)])
    assert pairs.twins == 3
    assert len(pairs.dist) == 20  # of nine no distance says what is near
    assert np.flatnonzero(pairs.same).tolist() == [0]
    assert pairs.dist[0] == pytest.approx(0.1 / OTHERS[8])
    assert pairs.dist[-1] == 1.0


def test_an_exact_copy_is_a_pair_and_no_tenth() -> None:
    copies = np.concatenate([[np.float32(0)], OTHERS])
    pairs = pairs_of([(copies, 0)])
    assert (pairs.dist[0], pairs.same[0]) == (0.0, True)
    assert pairs.dist[1] == pytest.approx(0.5)


def test_without_pairs_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="ten others"):
        pairs_of([(OTHERS[:3], 0)]).measured(GENERAL)
