"""A model proves itself before anything uses it: real versions, on the real Triton."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from local import photos
from sidecar.catalogue import Catalogue, NewImage, open_catalogue
from sidecar.errors import FeaturesUnavailable, ModelRefused
from sidecar.models import contract
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from tests.support.databases import new_file
from tests.support.triton_server import Server, serving
from tests.support.versions import put


class House:
    """Triton with int8 loaded as version 1, and a repository that a test may change."""

    def __init__(self, repository: Path, server: Server) -> None:
        self.repository = repository
        self.extractor = TritonClient(server.url, timeout_s=30)

    def replace(self) -> None:
        """Puts fp32 where int8 was, as an export with --force does."""
        shutil.rmtree(contract.folder(self.repository, 1))
        put("lite0-fp32", 1, self.repository)

    def models(self, catalogue: Catalogue) -> ModelRegistry:
        return ModelRegistry(self.repository, catalogue.models, self.extractor)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server]]:
    folder = tmp_path_factory.mktemp("models")
    put("lite0-int8", 1, folder / "loaded")
    with serving(folder / "loaded", folder) as running:
        yield folder / "loaded", running


@pytest.fixture
def house(server: tuple[Path, Server], tmp_path: Path) -> House:
    shutil.copytree(server[0], tmp_path / "repository")
    return House(tmp_path / "repository", server[1])


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    catalogue = open_catalogue(new_file(tmp_path), 30)
    yield catalogue
    catalogue.close()


def test_the_newest_version_is_adopted_and_answers(house: House, catalogue: Catalogue) -> None:
    model = house.models(catalogue).in_use()
    said = contract.read(house.repository, 1)
    assert (model.record.version, model.record.sha256) == (1, said.sha256)
    name, jpeg = next(iter(photos.variations(1)))
    features = model.features(jpeg)
    assert features.shape == (said.dimension,)
    assert features.dtype == np.dtype(np.float32)
    assert np.linalg.norm(features) == pytest.approx(1, abs=1e-3)
    assert model.keywords(jpeg).sum() == pytest.approx(1, abs=1e-3)
    assert name == "astronaut-0000"


def test_a_version_that_comes_later_is_not_taken_by_itself(
    house: House, catalogue: Catalogue
) -> None:
    house.models(catalogue).in_use()
    shutil.copytree(house.repository / "keywording" / "1", house.repository / "keywording" / "2")
    assert house.models(catalogue).in_use().record.version == 1


def test_fp32_under_the_number_of_a_loaded_int8_is_refused(
    house: House, catalogue: Catalogue
) -> None:
    house.replace()
    with pytest.raises(ModelRefused, match="does not give the features of its contract"):
        house.models(catalogue).in_use()


def test_another_file_than_the_catalogue_was_made_with_is_refused(
    house: House, catalogue: Catalogue
) -> None:
    model = house.models(catalogue).in_use()
    features = np.zeros(model.contract.dimension, np.float32)
    catalogue.adds.add(NewImage("cat", "sha", b"jpeg", {model.record: features}))
    house.replace()
    with pytest.raises(ModelRefused, match="not the model that the catalogue was made with"):
        house.models(catalogue).in_use()


def test_a_file_that_was_changed_behind_its_contract_is_refused(
    house: House, catalogue: Catalogue
) -> None:
    file = house.repository / "keywording" / "1" / "model.onnx"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ModelRefused, match="not the model"):
        house.models(catalogue).in_use()


def test_a_version_that_is_gone_is_unavailable_until_it_is_back(
    house: House, catalogue: Catalogue
) -> None:
    house.models(catalogue).in_use()
    folder = house.repository / "keywording" / "1"
    folder.rename(house.repository / "away")
    models = house.models(catalogue)
    with pytest.raises(FeaturesUnavailable, match="no version 1"):
        models.in_use()
    (house.repository / "away").rename(folder)
    assert models.in_use().record.version == 1


def test_an_empty_repository_says_how_to_fill_it(
    house: House, catalogue: Catalogue, tmp_path: Path
) -> None:
    models = ModelRegistry(tmp_path / "empty", catalogue.models, house.extractor)
    with pytest.raises(FeaturesUnavailable, match="python -m export"):
        models.in_use()
