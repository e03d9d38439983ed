"""What an export with --explain adds: a file whose regions sum to the features."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from export import checks, runtime
from export.errors import ExportRefused
from sidecar.files import sha256_of
from sidecar.models import contract
from tests.support.exporting import SHORT, SMALL, export, model
from tests.support.versions import SIZE_32

pytestmark = pytest.mark.long

EXPLAIN = "--explain"
INT8 = ("--precision", "int8", "--version", "1")


def regions_of(repository: Path) -> Path:
    return contract.folder(repository, 1) / contract.REGIONS_FILE


@pytest.fixture
def photos() -> NDArray[np.uint8]:
    from campaigns.networks import small  # here: no process needs torch to collect this
    from export import samples
    from export.networks import Network

    return samples.packaged(Network(small(), resize=40, crop=32), 0, 6)


@pytest.mark.parametrize("precision", [SHORT, INT8], ids=["fp32", "int8"])
@pytest.mark.parametrize("dimension", ["0", "4"])
def test_the_regions_sum_to_the_features(
    tmp_path: Path,
    labels: tuple[str, str],
    photos: NDArray[np.uint8],
    precision: tuple[str, ...],
    dimension: str,
) -> None:
    words = (*SMALL, *labels, *precision, "--dimension", dimension, EXPLAIN)
    assert export(tmp_path, *words) == 0
    said = contract.read(tmp_path, 1)
    assert said.regions == (8, 8)
    assert said.regions_sha256 == sha256_of(regions_of(tmp_path))
    found = runtime.regions(regions_of(tmp_path), photos)
    features = runtime.run(model(tmp_path, 1), photos)[0]
    assert found.shape == (len(photos), 8, 8, said.dimension)
    assert np.abs(found.sum((1, 2)) - features).max() < 1e-5
    assert np.ptp(found, axis=(1, 2)).min() > 1e-4  # no even share of the features


def test_a_region_knows_its_own_part_of_the_image_alone(
    tmp_path: Path, labels: tuple[str, str], photos: NDArray[np.uint8]
) -> None:
    """The small network's places see few pixels: one that changes in a corner changes that share,
    and all others as the norm does, by one factor."""
    assert export(tmp_path, *SMALL, *labels, *SHORT, "--dimension", "0", EXPLAIN) == 0
    changed = photos[:1].copy()
    changed[0, :2, :2] = 255 - changed[0, :2, :2]
    pair = np.concatenate([photos[:1], changed])
    before, after = runtime.regions(regions_of(tmp_path), pair)
    factors = after[1:, 1:] / np.where(before[1:, 1:] == 0, np.nan, before[1:, 1:])
    assert np.nanmax(factors) - np.nanmin(factors) < 1e-3
    assert np.abs(after[0, 0] - before[0, 0] * np.nanmean(factors)).max() > 1e-3


def test_the_model_and_its_contract_are_else_as_without(
    tmp_path: Path, labels: tuple[str, str]
) -> None:
    for folder, more in (("plain", ()), ("explained", (EXPLAIN,))):
        assert export(tmp_path / folder, *SMALL, *labels, *SHORT, *more) == 0
    plain, explained = (contract.read(tmp_path / each, 1) for each in ("plain", "explained"))
    assert (plain.regions, plain.regions_sha256) == (None, None)
    assert plain.sha256 == explained.sha256 == sha256_of(model(tmp_path / "explained", 1))
    assert plain.golden_features == explained.golden_features
    assert not regions_of(tmp_path / "plain").exists()


def test_force_adds_them_to_a_version_and_takes_them_away(
    tmp_path: Path, labels: tuple[str, str]
) -> None:
    assert export(tmp_path, *SMALL, *labels, *SHORT) == 0
    before = sha256_of(model(tmp_path, 1))
    assert export(tmp_path, *SMALL, *labels, *SHORT, EXPLAIN, "--force") == 0
    assert contract.read(tmp_path, 1).regions == (8, 8)
    assert sha256_of(model(tmp_path, 1)) == before
    assert export(tmp_path, *SMALL, *labels, *SHORT, "--force") == 0
    assert contract.read(tmp_path, 1).regions is None
    assert not regions_of(tmp_path).exists()


def test_a_network_that_pools_no_map_is_refused(
    refusal: Callable[..., str], labels: tuple[str, str]
) -> None:
    flat = ("--module", "campaigns.networks:tiny", *SIZE_32, *labels, *SHORT)
    assert "no mean over the places of a map" in refusal(*flat, "--dimension", "0", EXPLAIN)


def test_regions_that_sum_to_something_else_are_refused(
    tmp_path: Path, labels: tuple[str, str], photos: NDArray[np.uint8]
) -> None:
    assert export(tmp_path, *SMALL, *labels, *SHORT, EXPLAIN) == 0
    path = regions_of(tmp_path)
    found, features = runtime.regions(path, photos), runtime.run(model(tmp_path, 1), photos)[0]
    checks.check_regions(path, found, features)
    with pytest.raises(ExportRefused, match=r"sum to other features, 1\.0e-03 apart"):
        checks.check_regions(path, found, features + np.float32(1e-3))
    with pytest.raises(ExportRefused, match="has the tensors"):
        checks.check_regions(model(tmp_path, 1), found, features)
