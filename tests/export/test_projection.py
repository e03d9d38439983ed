"""The projection of an export: fewer features, as learned from photos and the keyword head."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from export import graph, projection, runtime
from tests.support.exporting import SHORT, SMALL, export, model
from tests.support.versions import SIZE_32, put

FEW = 4  # of the small network's eight features


@pytest.fixture
def every(tmp_path: Path) -> Path:
    """The small network's file with all its features."""
    put("small-32", 1, tmp_path / "every")
    return model(tmp_path / "every", 1)


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    from campaigns.networks import small  # here and below: no process needs torch to collect this
    from export import pipeline, samples
    from export.networks import Network

    network = Network(small(), resize=40, crop=32)
    return samples.packaged(network, 0, pipeline.PROJECTION_PHOTOS)


def test_the_file_gives_the_features_projected_and_of_norm_1(
    every: Path, pixels: NDArray[np.uint8], tmp_path: Path, labels: tuple[str, str]
) -> None:
    assert export(tmp_path / "few", *SMALL, *labels, *SHORT, "--dimension", f"{FEW}") == 0
    whole = runtime.run(every, pixels)[0]
    learned = projection.learn(whole, graph.head(every), FEW)
    expected = (whole - learned.mean) @ learned.axes
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    got = runtime.run(model(tmp_path / "few", 1), pixels)[0]
    assert got.shape == (len(pixels), FEW)
    assert np.abs(got - expected).max() < 1e-4


def test_the_head_is_the_layer_that_takes_the_features(every: Path) -> None:
    from campaigns.networks import small

    found = graph.head(every)
    assert found is not None
    assert np.array_equal(found, small().head.weight.detach().numpy())  # type: ignore[union-attr, operator]


def test_the_axes_are_those_of_both_and_evened_out() -> None:
    """Photos that differ in the first number alone, a head that differs in the second half as much:
    each is an axis, and the third number counts for nothing."""
    photos = np.array([[1, 0, 0], [-1, 0, 0]], np.float32)
    head = np.array([[0, 3, 0], [0, -3, 0]], np.float32)
    by_both = np.abs(projection.learn(photos, head, 2).axes)
    assert by_both.max(1)[:2] == pytest.approx(0.5**-0.125)  # a variance of one half each
    assert by_both[2] == pytest.approx(0, abs=1e-6)
    alone = np.abs(projection.learn(photos, None, 1).axes)[:, 0]
    assert alone == pytest.approx([1, 0, 0], abs=1e-6)


def test_a_number_that_the_network_or_the_photos_do_not_have_is_refused(
    refusal: Callable[..., str], labels: tuple[str, str]
) -> None:
    more = refusal(*SMALL, *labels, *SHORT, "--dimension", "9")
    assert "--dimension 9: the network gives 8 features; take fewer, or 0 for all" in more
    wide = ("--module", "campaigns.networks:tiny", *SIZE_32, *labels, *SHORT)
    lacking = refusal(*wide, "--dimension", "512")
    assert "512 features take 665 photos more (--calibration DIR), or --dimension 0" in lacking
