"""What a version says of itself: each file that breaks its word is refused, and says which."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sidecar.errors import FeaturesUnavailable, ModelRefused
from sidecar.files import sha256_of
from sidecar.models import contract as contracts
from sidecar.models import golden, version_files
from sidecar.models.contract import Contract, SameImage

LABELS = "cat\ndog\nfox\n"
GOLDEN = (0.6, 0.0, -0.8)
Said = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns the folder of version 2, as an export of this release leaves it."""
    folder = contracts.folder(tmp_path, 2)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"a model")
    (folder / "labels.txt").write_text(LABELS)
    contracts.write(
        folder,
        Contract(
            version=2,
            architecture="any",
            precision="fp32",
            resize=40,
            crop=32,
            dimension=3,
            keywords=3,
            sha256=sha256_of(folder / "model.onnx"),
            golden_features=GOLDEN,
            golden_cosine=0.999,
            golden_photo=GOLDEN,
            labels_sha256=sha256_of(folder / "labels.txt"),
        ),
    )
    return folder


def edit(folder: Path, change: Callable[[Said], object]) -> None:
    """Changes contract.json as somebody does by hand."""
    path = folder / "contract.json"
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))


def earlier(folder: Path) -> None:
    """Makes of it what a release before the checksums wrote."""
    contract = contracts.read(folder.parents[1], 2)
    contract = replace(contract, golden_photo=None, labels_sha256=None, contract_sha256=None)
    contracts.write(folder, contract)
    said = json.loads((folder / "contract.json").read_text())
    assert not {"golden_photo", "labels_sha256", "contract_sha256"} & said.keys()


def refusal(folder: Path) -> str:
    with pytest.raises(ModelRefused) as refused:
        version_files.read(folder.parents[1], 2)
    return str(refused.value)


def test_a_version_that_keeps_its_word_is_read(folder: Path, tmp_path: Path) -> None:
    files = version_files.read(tmp_path, 2)
    assert files.labels == ("cat", "dog", "fox")
    assert files.contract.golden_photo == GOLDEN
    assert files.is_unchanged()


def test_a_contract_of_an_earlier_release_stays_valid(folder: Path, tmp_path: Path) -> None:
    earlier(folder)
    files = version_files.read(tmp_path, 2)
    assert files.labels == ("cat", "dog", "fox")
    assert files.contract.accepts_photo(np.zeros(3, np.float32))


def test_a_contract_without_regions_has_the_checksum_of_the_release_before(folder: Path) -> None:
    """As computed by that release, which knew no regions."""
    said = json.loads((folder / "contract.json").read_text())
    assert not {"regions", "regions_sha256"} & said.keys()
    given = {name: value for name, value in said.items() if name != "version"}
    text = json.dumps({**given, "contract_sha256": None}, sort_keys=True)
    assert said["contract_sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_a_contract_with_regions_is_read_and_checked(folder: Path, tmp_path: Path) -> None:
    contract = contracts.read(tmp_path, 2)
    contracts.write(folder, replace(contract, regions=(7, 7), regions_sha256="a" * 64))
    assert contracts.read(tmp_path, 2).regions == (7, 7)
    edit(folder, lambda said: said.update(regions=[7, 8]))
    assert "its checksum is another" in refusal(folder)
    edit(folder, lambda said: said.update(regions=[7]))
    assert "regions" in refusal(folder)
    edit(folder, lambda said: said.pop("regions"))
    assert "regions and regions_sha256 go together" in refusal(folder)


def test_a_version_may_be_put_back_under_another_number(folder: Path, tmp_path: Path) -> None:
    edit(folder, lambda said: said.update(version=5))
    assert "the contract of version 2 says 5" in refusal(folder)
    folder.rename(folder.with_name("5"))
    assert version_files.read(tmp_path, 5).contract.version == 5


BY_HAND: dict[str, tuple[Callable[[Said], object], str]] = {
    "resize doubled": (lambda said: said.update(resize=80), "changed after the export"),
    "a golden number": (lambda said: said["golden_features"].reverse(), "changed after the export"),
    "a lower bound": (lambda said: said.update(golden_cosine=0.1), "changed after the export"),
    "no checksum": (lambda said: said.pop("contract_sha256"), "changed after the export"),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_a_contract_that_was_changed_by_hand_is_refused(folder: Path, case: str) -> None:
    change, reason = BY_HAND[case]
    edit(folder, change)
    assert reason in refusal(folder)


SCHEMA: dict[str, tuple[Callable[[Said], object], str]] = {
    "resize as text": (lambda said: said.update(resize="256"), "resize: Input should be a valid"),
    "resize 0": (lambda said: said.update(resize=0), "resize: Input should be greater"),
    "resize as half a pixel": (lambda said: said.update(resize=40.5), "resize: Input should be"),
    "resize of a billion": (lambda said: said.update(resize=10**9), "resize: Input should be less"),
    "a crop over resize": (lambda said: said.update(crop=41), "crop 41 is more than resize 40"),
    "a cosine as text": (lambda said: said.update(golden_cosine="x"), "golden_cosine: Input"),
    "a cosine that is none": (lambda said: said.update(golden_cosine=float("nan")), "golden_cos"),
    "a golden number as text": (
        lambda said: said["golden_features"].__setitem__(1, "0"),
        "golden_features.1: Input should be a valid number",
    ),
    "too few golden numbers": (lambda said: said["golden_features"].pop(), "2 golden features"),
    "no golden numbers": (lambda said: said.pop("golden_features"), "golden_features: Field req"),
    "a list for a number": (lambda said: said.update(dimension=[3]), "dimension: Input should be"),
    "an unknown precision": (lambda said: said.update(precision="fp8"), "precision: String"),
    "an unknown field": (lambda said: said.update(color=1), "color: Unexpected keyword"),
    "a checksum that is none": (lambda said: said.update(sha256="abc"), "sha256: String should"),
}


@pytest.mark.parametrize("case", SCHEMA)
def test_a_contract_that_breaks_the_schema_is_refused(folder: Path, case: str) -> None:
    earlier(folder)
    change, reason = SCHEMA[case]
    edit(folder, change)
    assert reason in refusal(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe{}", b"[" * 100_000])
def test_a_file_that_is_no_contract_is_refused(folder: Path, content: bytes) -> None:
    (folder / "contract.json").write_bytes(content)
    assert "contract.json is damaged" in refusal(folder)


LABEL_FILES = {
    "cut": b"cat\ndog\n",
    "empty": b"",
    "not UTF-8": b"cat\ndog\nf\xe4x\n",
    "with an empty line": b"cat\n\nfox\n",
    "shifted": b"dog\nfox\ncat\n",
}


@pytest.mark.parametrize("case", LABEL_FILES)
def test_labels_that_are_not_those_of_the_export_are_refused(folder: Path, case: str) -> None:
    (folder / "labels.txt").write_bytes(LABEL_FILES[case])
    assert "labels.txt" in refusal(folder)


@pytest.mark.parametrize("case", [case for case in LABEL_FILES if case != "shifted"])
def test_without_a_checksum_labels_must_be_as_many_as_the_scores(folder: Path, case: str) -> None:
    earlier(folder)
    (folder / "labels.txt").write_bytes(LABEL_FILES[case])
    assert "labels.txt" in refusal(folder)


@pytest.mark.parametrize("name", ["contract.json", "labels.txt", "model.onnx"])
def test_a_file_that_is_missing_or_a_folder_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in refusal(folder)
    (folder / name).mkdir()
    assert name in refusal(folder)


def test_a_model_that_its_contract_does_not_name_is_refused(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"another")
    assert "version 2: model.onnx is not the model of its contract" in refusal(folder)


def test_a_version_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(FeaturesUnavailable, match="no version 2"):
        version_files.read(tmp_path, 2)


@pytest.mark.parametrize("name", ["contract.json", "labels.txt", "model.onnx"])
def test_a_change_of_any_file_is_noticed_and_a_vanished_version_is_not(
    folder: Path, tmp_path: Path, name: str
) -> None:
    files = version_files.read(tmp_path, 2)
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
    assert not files.is_unchanged()
    folder.rename(tmp_path / "away")
    assert files.is_unchanged()


def test_the_golden_photo_depends_on_the_scale_and_not_on_the_call() -> None:
    once = golden.photo(256, 224).astype(int)
    assert once.shape == (224, 224, 3)
    assert (golden.photo(256, 224) == once).all()
    assert np.abs(golden.photo(512, 224) - once).mean() > 20
    assert np.abs(golden.photo(250, 224) - once).mean() > 1


def with_constants(folder: Path, **said: float) -> None:
    contract = contracts.read(folder.parents[1], 2)
    made = SameImage(**{"a": 6.5, "b": 17.0, "ece": 0.004, "photos": 300, **said})  # type: ignore[arg-type]
    contracts.write(folder, replace(contract, same_image=made))


def test_a_version_may_have_constants_of_its_own(folder: Path) -> None:
    before = json.loads((folder / "contract.json").read_text())
    assert "same_image" not in before  # as earlier releases wrote it
    with_constants(folder)
    read = contracts.read(folder.parents[1], 2)
    assert read.same_image == SameImage(6.5, 17.0, 0.004, 300)
    said = json.loads((folder / "contract.json").read_text())
    assert said["same_image"] == {"a": 6.5, "b": 17.0, "ece": 0.004, "photos": 300}
    assert said["contract_sha256"] != before["contract_sha256"]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda said: said["same_image"].update(a=7.0), "checksum"),
        (lambda said: said.pop("same_image"), "checksum"),
        (lambda said: said["same_image"].update(b=0), "same_image.b"),
        (lambda said: said["same_image"].update(a="6"), "same_image.a"),
        (lambda said: said["same_image"].update(c=1), "same_image.c"),
        (lambda said: said["same_image"].pop("ece"), "same_image.ece"),
    ],
)
def test_wrong_constants_are_refused(
    folder: Path, change: Callable[[Said], object], wrong: str
) -> None:
    with_constants(folder)
    edit(folder, change)
    with pytest.raises(ModelRefused, match=wrong):
        contracts.read(folder.parents[1], 2)
