"""Which version is put away where one does not load: the guilty alone, on the real Triton."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sidecar.catalogue import Catalogue, open_catalogue
from sidecar.errors import FeaturesUnavailable, ModelRefused
from sidecar.files import sha256_of
from sidecar.models import contract as contracts
from sidecar.models.contract import golden_image
from sidecar.models.loader import ModelLoader
from sidecar.models.registry import ModelRegistry
from sidecar.models.triton import TritonClient
from tests.support.databases import new_file
from tests.support.triton_server import serving
from tests.support.versions import put

GOOD = {2: "signed-one", 3: "signed-two"}


class Plant:
    """A Triton that serves version 1, in use, and versions that may be put beside it."""

    def __init__(self, folder: Path, triton: TritonClient, catalogue: Catalogue) -> None:
        self.folder, self.triton, self.catalogue = folder, triton, catalogue
        self.models = ModelRegistry(folder / "r", catalogue.models, triton)
        self.loader = ModelLoader(folder / "r", catalogue.models, triton, self.models)
        self.versions = folder / "r" / "keywording"

    def put(self, version: int, number: int | None = None) -> Path:
        """Puts a good version into the repository, under its number or another one."""
        target = self.versions / f"{number or version}"
        shutil.copytree(self.folder / "shelf" / "keywording" / f"{version}", target)
        if number is not None:
            contract = contracts.read(self.folder / "shelf", version)
            contracts.write(target, replace(contract, version=number))
        return target

    def put_garbage(self, number: int) -> Path:
        """Puts a version there whose contract names the file of version 1, and whose file is no
        model."""
        target = self.versions / f"{number}"
        shutil.copytree(self.versions / "1", target)
        (target / "model.onnx").write_bytes(b"garbage")
        return target

    def rejected(self) -> set[str]:
        return {path.name.split("-")[0] for path in (self.folder / "r" / "rejected").glob("*")}

    def served(self) -> set[int]:
        return {number for number in range(1, 8) if self.triton.is_ready(number)}

    def clear(self) -> None:
        """Leaves version 1 alone, loaded."""
        for path in self.versions.glob("[2-9]"):
            shutil.rmtree(path)
        for name in ("rejected", "retired"):
            shutil.rmtree(self.folder / "r" / name, ignore_errors=True)
        assert self.triton.load() == ""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, TritonClient]]:
    folder = tmp_path_factory.mktemp("guilty")
    put("small-32", 1, folder / "r")
    for number, name in GOOD.items():
        put(name, number, folder / "shelf")
    with serving(folder / "r", folder) as server:
        yield folder, TritonClient(server.url, timeout_s=30)


@pytest.fixture
def plant(served: tuple[Path, TritonClient], tmp_path: Path) -> Iterator[Plant]:
    catalogue = open_catalogue(new_file(tmp_path), 30)
    plant = Plant(*served, catalogue)
    assert plant.models.in_use().record.version == 1
    yield plant
    plant.clear()
    catalogue.close()


def test_garbage_beside_a_good_version_is_put_away_and_the_good_one_is_loaded(
    plant: Plant,
) -> None:
    plant.put_garbage(5)
    plant.put_garbage(6)
    plant.put(2)
    model = plant.loader.load(2)
    assert (model.record.version, plant.served()) == (2, {1, 2})
    assert plant.rejected() == {"5", "6"}
    assert contracts.numbers(plant.folder / "r") == [1, 2]


def test_garbage_that_is_asked_for_is_put_away_and_a_good_version_beside_it_stays(
    plant: Plant,
) -> None:
    plant.put(2)
    garbage = plant.put_garbage(5)
    contract = contracts.read(plant.folder / "r", 1)
    contracts.write(garbage, replace(contract, version=5, sha256="0" * 64))
    with pytest.raises(ModelRefused, match=r"version 5: model\.onnx is not the model of its"):
        plant.loader.load(5)
    assert plant.rejected() == {"5"}
    assert plant.served() == {1, 2}


def test_a_version_that_is_what_its_contract_says_and_does_not_load_is_put_away_with_the_reason(
    plant: Plant,
) -> None:
    garbage = plant.put_garbage(5)
    plant.put(2)
    sha256 = sha256_of(garbage / "model.onnx")
    contract = contracts.read(plant.folder / "r", 1)
    contracts.write(garbage, replace(contract, version=5, sha256=sha256))
    with pytest.raises(ModelRefused, match=r"does not serve version 5: .*ONNX Runtime refuses"):
        plant.loader.load(5)
    assert plant.rejected() == {"5"}
    assert plant.served() == {1, 2}


def test_a_version_that_was_retired_is_out_of_triton_whatever_lies_beside_it(plant: Plant) -> None:
    plant.put(2)
    plant.loader.load(2)
    plant.put_garbage(5)
    plant.loader.retire(2)
    plant.loader.unload(2)
    assert plant.served() == {1}
    assert plant.rejected() == {"5"}


def test_a_retirement_that_triton_does_not_heed_is_an_error(plant: Plant) -> None:
    plant.put(2)
    plant.loader.load(2)
    config = plant.versions / "config.pbtxt"
    text = config.read_text()
    config.write_text("nonsense {")
    plant.loader.retire(2)
    try:
        with pytest.raises(FeaturesUnavailable, match=r"still serves version 2: .*failed to poll"):
            plant.loader.unload(2)
    finally:
        config.write_text(text)
    plant.loader.unload(2)
    assert plant.served() == {1}


def test_no_version_is_put_away_for_a_config_that_fits_none(plant: Plant) -> None:
    plant.put(2)
    config = plant.versions / "config.pbtxt"
    text = config.read_text()
    for spoiled in ("nonsense {", text.replace("TYPE_UINT8", "TYPE_FP32")):
        config.write_text(spoiled)
        try:
            with pytest.raises(ModelRefused, match="does not serve version 2"):
                plant.loader.load(2)
        finally:
            config.write_text(text)
        assert contracts.numbers(plant.folder / "r") == [1, 2]
        assert plant.rejected() == set()
    assert plant.loader.load(2).record.version == 2
    assert plant.served() == {1, 2}


def test_a_file_that_returns_under_another_number_is_verified_under_that_one(plant: Plant) -> None:
    plant.put(3)
    old = plant.loader.load(3).record
    other = ModelRegistry(plant.folder / "r", plant.catalogue.models, plant.triton)
    assert other.verified(3, old.sha256).record == old  # a process of the sidecar
    plant.loader.retire(3)
    plant.loader.unload(3)
    plant.catalogue.models.retire(old)
    plant.put(3, number=4)
    record = plant.loader.load(4).record
    assert (record.version, record.sha256) == (4, old.sha256)
    image = golden_image(32)[None]
    model = other.verified(4, record.sha256)  # it has not looked since
    assert model.record == record
    features = plant.triton.features(image, model.contract)
    assert model.contract.accepts(features[0])
    assert features.shape == (1, 8)
    assert np.linalg.norm(features) == pytest.approx(1, abs=1e-3)


def test_what_a_version_says_is_checked_again_when_its_files_change(plant: Plant) -> None:
    model = plant.models.in_use()
    labels = plant.versions / "1" / "labels.txt"
    whole = labels.read_bytes()
    labels.write_bytes(whole.splitlines(True)[0])
    plant.models.refresh()
    try:
        for asked in (plant.models.in_use, plant.models.check):
            with pytest.raises(ModelRefused, match=r"labels\.txt"):
                asked()
    finally:
        labels.write_bytes(whole)
    plant.models.check()
    assert plant.models.in_use() is not model
    plant.models.refresh()
    again = plant.models.in_use()
    plant.models.refresh()
    assert plant.models.in_use() is again


def test_a_contract_that_never_was_true_of_the_preprocessing_is_refused(plant: Plant) -> None:
    folder = plant.versions / "1"
    whole = (folder / "contract.json").read_bytes()
    contract = contracts.read(plant.folder / "r", 1)
    assert contract.golden_photo is not None
    turned = contract.golden_photo[::-1]
    contracts.write(folder, replace(contract, golden_photo=turned))
    plant.models.refresh()
    try:
        with pytest.raises(ModelRefused, match="the preprocessing here is not that of the export"):
            plant.models.in_use()
    finally:
        (folder / "contract.json").write_bytes(whole)
    assert plant.models.in_use().record.version == 1


def test_a_good_version_that_is_the_same_file_as_another_is_refused_and_stays(plant: Plant) -> None:
    plant.put(2)
    plant.loader.load(2)
    plant.put(2, number=4)
    with pytest.raises(ModelRefused, match="version 4 is the same file as version 2"):
        plant.loader.load(4)
    assert plant.rejected() == set()
    assert plant.served() == {1, 2, 4}
