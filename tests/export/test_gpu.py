"""The checks of a GPU, where there is none: what they say, and that they notice what is wrong."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.gpu import comparing, machine
from deploy.gpu.__main__ import Check, main, subjects, table
from deploy.gpu.comparing import CPU, CUDA, Subject
from deploy.gpu.machine import Environment, Refused, Wrong
from local.stack import ROOT
from sidecar.models import contract
from tests.support import exporting

pytestmark = pytest.mark.long

TRITON = Environment(ROOT / ".venvs" / "triton")  # onnxruntime 1.19.2, for the CPU
OWN = Environment(Path(sys.prefix))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 and 2 have the same sizes and differ in their weights."""
    folder = tmp_path_factory.mktemp("gpu")
    labels = folder / "labels.txt"
    labels.write_text("cat\ndog\nfox\n")
    small = ["--module", "campaigns.networks:small", "--resize", "40", "--crop", "32"]
    words = ["--repository", str(folder / "r"), "--labels", str(labels), "--precision", "fp32"]
    assert exporting.run([*small, *words, "--version", "1"]) == 0
    assert exporting.run([*small, *words, "--version", "2", "--mean", "0", "0", "0"]) == 0
    return folder / "r"


def test_without_a_driver_all_that_could_not_be_compared_is_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "DRIVER", "libcuda-of-no-machine.so.1")
    assert main([]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith("no GPU: no NVIDIA driver on this machine")
    assert [one.split(":")[0] for one in rest] == [
        "could not  ONNX Runtime on CUDA, against the CPU",
        "could not  ONNX Runtime on TensorRT in half precision, against the CPU",
        "could not  FAISS on the GPU, against the CPU",
    ]
    assert main(["--present"]) == 1


def test_the_same_provider_on_both_sides_agrees(repository: Path) -> None:
    found = comparing.inference(TRITON, Subject(repository, 1), CPU)
    assert found.startswith("least cosine with the CPU 1.0000")
    assert "over 24 images; nodes: CPUExecutionProvider " in found


def test_a_provider_that_is_not_there_is_no_success(repository: Path) -> None:
    with pytest.raises(Refused, match="CUDAExecutionProvider is not available"):
        comparing.inference(TRITON, Subject(repository, 1), CUDA)


def test_a_missing_environment_is_named(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no environment"):
        comparing.inference(Environment(tmp_path), Subject(repository, 1), CPU)


def test_other_features_than_the_contracts_are_wrong(repository: Path, tmp_path: Path) -> None:
    folder = contract.folder(tmp_path, 1)
    folder.mkdir(parents=True)
    (folder / "contract.json").write_bytes(
        (contract.folder(repository, 1) / "contract.json").read_bytes()
    )
    (folder / "model.onnx").write_bytes(
        (contract.folder(repository, 2) / "model.onnx").read_bytes()
    )
    with pytest.raises(Wrong, match="the golden image has other features"):
        comparing.inference(TRITON, Subject(tmp_path, 1), CPU)


def test_a_program_that_fails_is_wrong(repository: Path, tmp_path: Path) -> None:
    (contract.folder(tmp_path, 1)).mkdir(parents=True)
    source = contract.folder(repository, 1) / "contract.json"
    (contract.folder(tmp_path, 1) / "contract.json").write_bytes(source.read_bytes())
    (contract.folder(tmp_path, 1) / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(Wrong, match=r"exit status 1: .*INVALID_PROTOBUF"):
        comparing.inference(TRITON, Subject(tmp_path, 1), CPU)


def test_two_trainings_on_the_cpu_agree() -> None:
    found = comparing.training(OWN, "cpu", size=3000, dimension=64)
    assert found.endswith("the same true neighbours: 1.0000")
    recall = float(found.split()[1].strip(","))
    assert 0.5 < recall <= 1


def test_a_training_on_a_gpu_that_is_not_there_fails() -> None:
    with pytest.raises(Wrong, match="DeviceUnavailable"):
        comparing.training(OWN, "gpu", size=3000, dimension=64)


def answer(recall: float, *truth: list[int]) -> dict[str, Any]:
    return {"recall": recall, "truth": truth}


def test_a_lower_recall_or_other_neighbours_are_wrong() -> None:
    cpu = answer(0.9, [1, 2], [3, 4])
    assert comparing.agreement(answer(0.885, [2, 1], [3, 4]), cpu).startswith("recall@10 0.8850")
    with pytest.raises(Wrong, match=r"recall@10 0.8700, where the CPU's index has 0.9000"):
        comparing.agreement(answer(0.87, [1, 2], [3, 4]), cpu)
    with pytest.raises(Wrong, match=r"only 0.7500 of the true neighbours"):
        comparing.agreement(answer(0.9, [1, 2], [3, 5]), cpu)


def test_only_what_ran_and_is_wrong_fails_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> str:
        raise Refused("no such library")

    def fail() -> str:
        raise Wrong("cosine 0.1")

    def todo(*checks: Check) -> Iterator[Check]:
        yield from checks

    assert table(todo(("a", lambda: "agrees"), ("b", refuse))) == 0
    assert table(todo(("c", fail), ("d", lambda: "agrees"))) == 1
    assert capsys.readouterr().out.splitlines() == [
        "ran        a: agrees",
        "could not  b: no such library",
        "WRONG      c: cosine 0.1",
        "ran        d: agrees",
    ]


@pytest.mark.release
def test_what_is_compared_has_a_version_of_fp32(repository: Path, tmp_path: Path) -> None:
    assert [one.version for one in subjects(repository, tmp_path)] == [1, 2]
    [made] = subjects(tmp_path / "empty", tmp_path / "made")
    assert contract.read(made.repository, made.version).precision == "fp32"
