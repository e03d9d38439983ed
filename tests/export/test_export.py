"""The export: what it writes, what it refuses, and what it leaves behind."""

import csv
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from deploy.gpu.comparing import CPU, INFERENCE
from deploy.gpu.machine import Environment
from export import checks, graph, runtime
from export.errors import ExportRefused
from local import photos
from sidecar import images
from sidecar.models import contract, version_files
from tests.support.exporting import LITE, SHORT, SMALL, export, model
from tests.support.versions import put

ROOT = Path(__file__).parents[2]
PHOTOS = ROOT.parent / "shared" / "data" / "dev"
REFUSED = "tests.support.networks"


@pytest.fixture(scope="session")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with efficientnet-lite0: version 1 is int8, version 2 fp32."""
    repository = tmp_path_factory.mktemp("lite")
    put("lite0-int8", 1, repository)
    put("lite0-fp32", 2, repository)
    return repository


@pytest.mark.parametrize(("version", "precision"), [(1, "int8"), (2, "fp32")])
def test_the_contract_says_what_the_file_gives(lite: Path, version: int, precision: str) -> None:
    said = contract.read(lite, version)
    features, keywords = runtime.run(model(lite, version), contract.golden_image(224)[None])
    assert (said.version, said.precision, said.resize, said.crop) == (version, precision, 256, 224)
    assert (said.dimension, said.keywords) == (512, 1000) == (features.shape[1], keywords.shape[1])
    assert said.sha256 == hashlib.sha256(model(lite, version).read_bytes()).hexdigest()
    assert said.accepts(features[0])
    assert np.linalg.norm(features[0]) == pytest.approx(1, abs=1e-5)
    assert keywords.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("version", "apart"), [(1, 1e-3), (2, 1e-5)])
def test_the_runtime_of_tritons_container_takes_the_file_and_gives_the_same(
    lite: Path, tmp_path: Path, version: int, apart: float
) -> None:
    """The stand-in's environment has it, from PyPI: ONNX Runtime 1.19.2, as Triton 24.10 does."""
    said = contract.read(lite, version)
    np.save(tmp_path / "images.npy", contract.golden_image(said.crop)[None])
    files = (str(model(lite, version)), f"{tmp_path}/images.npy", f"{tmp_path}/features.npy")
    answer = json.loads(Environment(ROOT / ".venvs" / "triton").run(INFERENCE, *files, CPU))
    assert answer["onnxruntime"] == "1.19.2"
    features = np.load(tmp_path / "features.npy")[0]
    assert said.accepts(features)
    assert np.abs(features - said.golden_features).max() <= apart
    stamp = graph.stamp(model(lite, version))
    assert (stamp.ir <= 10, stamp.opset <= 21, stamp.domains) == (True, True, ())


def test_int8_and_fp32_of_one_network_differ_on_the_golden_image(lite: Path) -> None:
    int8, fp32 = contract.read(lite, 1), contract.read(lite, 2)
    assert not int8.accepts(np.asarray(fp32.golden_features, np.float32))
    assert not fp32.accepts(np.asarray(int8.golden_features, np.float32))


def test_labels_are_imagenets_in_the_order_of_the_scores(lite: Path) -> None:
    from export import samples

    _, names = version_files.described(lite, 2)
    cup = next(path for path in photos.packaged() if path.stem == "coffee")
    jpeg = images.canonical(cup.read_bytes(), samples.RULES)
    keywords = runtime.run(model(lite, 2), images.pixels(jpeg, 256, 224)[None])[1]
    assert names[int(keywords.argmax())] == "espresso"
    assert len(set(names)) == 1000


def test_an_image_gives_the_same_alone_and_in_a_batch(lite: Path) -> None:
    pixels = np.stack([images.pixels(jpeg, 256, 224) for _, jpeg in photos.variations(3)])
    together = runtime.run(model(lite, 2), pixels)[0]
    alone = np.concatenate([runtime.run(model(lite, 2), one[None])[0] for one in pixels])
    assert np.allclose(together, alone, atol=1e-5)


EXPORTS = """
import json, sys
from export.__main__ import main
sys.exit(max(main(words) for words in json.loads(sys.argv[1])))
"""


def in_another_process(*lines: tuple[str, ...]) -> None:
    """Run command lines there, which loads torch once."""
    command = [sys.executable, "-c", EXPORTS, json.dumps(lines)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


@pytest.mark.release
@pytest.mark.long
def test_the_same_command_gives_the_same_file(
    lite: Path, tmp_path: Path, labels: tuple[str, str]
) -> None:
    int8 = (*SMALL, *labels, "--precision", "int8", "--version", "1")
    assert export(tmp_path / "small", *int8) == 0
    in_another_process(
        (*LITE, *SHORT, "--repository", f"{tmp_path}/lite"),
        (*int8, "--repository", f"{tmp_path}/again"),
    )
    assert model(tmp_path / "lite", 1).read_bytes() == model(lite, 2).read_bytes()
    assert model(tmp_path / "again", 1).read_bytes() == model(tmp_path / "small", 1).read_bytes()


def test_an_existing_version_stays_unless_forced(
    lite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = model(lite, 2).read_bytes()
    assert export(lite, *LITE, "--precision", "fp32", "--version", "2") == 2
    assert "exists; take another --version, or --force" in capsys.readouterr().err
    assert model(lite, 2).read_bytes() == before


def test_force_replaces_a_version_and_keeps_the_operators_config(
    tmp_path: Path, labels: tuple[str, str]
) -> None:
    assert export(tmp_path / "r", *SMALL, *labels, *SHORT) == 0
    config = tmp_path / "r" / "keywording" / "config.pbtxt"
    assert 'backend: "onnxruntime"' in config.read_text()
    config.write_text(config.read_text() + "# tuned\n")
    larger = ("--module", SMALL[1], "--resize", "80", "--crop", "64")
    assert export(tmp_path / "r", *larger, *labels, *SHORT, "--force") == 0
    assert contract.read(tmp_path / "r", 1).crop == 64
    assert config.read_text().endswith("# tuned\n")
    assert sorted(path.name for path in config.parent.iterdir()) == ["1", "config.pbtxt"]


def test_a_module_with_a_checkpoint_is_exported_with_its_weights(
    tmp_path: Path, labels: tuple[str, str]
) -> None:
    import torch  # here: a process that runs other tests has no use for it

    from campaigns.networks import small

    network = small().eval()
    torch.nn.init.constant_(network.head.bias, 0.5)  # type: ignore[union-attr, arg-type]
    torch.nn.init.constant_(network.layers[0].weight, 0.01)  # type: ignore[index, union-attr]
    torch.save(network.state_dict(), tmp_path / "w.pth")
    weights = ("--checkpoint", str(tmp_path / "w.pth"), "--mean", "0", "0", "0")
    arguments = (*SMALL, *labels, *SHORT, *weights, "--std", "1", "1", "1")
    assert export(tmp_path / "r", *arguments) == 0
    image = contract.golden_image(32)
    with torch.inference_mode():
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        features = network(pixels)[0][0].numpy()
    golden = np.asarray(contract.read(tmp_path / "r", 1).golden_features)
    assert np.allclose(golden, features / np.linalg.norm(features), atol=1e-5)
    assert version_files.described(tmp_path / "r", 1)[1] == ("cat", "dog", "fox")


def test_a_checkpoint_that_would_run_code_is_refused(
    tmp_path: Path, refusal: Callable[..., str], labels: tuple[str, str]
) -> None:
    import torch

    from campaigns.networks import small

    torch.save({"state_dict": small()}, tmp_path / "code.pth")
    weights = ("--checkpoint", str(tmp_path / "code.pth"))
    assert "does not fit" in refusal(*SMALL, *labels, *SHORT, *weights)


def test_a_files_mode_lets_another_user_read_it(tmp_path: Path, labels: tuple[str, str]) -> None:
    mask = os.umask(0o022)
    try:
        export(tmp_path / "r", *SMALL, *labels, *SHORT)
    finally:
        os.umask(mask)
    folder = tmp_path / "r" / "keywording" / "1"
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "model.onnx").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--arch", "vgg", *SHORT), "unknown --arch 'vgg'"),
        (("--arch", "timm/no_such", *SHORT), "timm"),
        ((*LITE, "--precision", "fp32", "--version", "0"), "'0' is no positive integer"),
        ((*LITE, "--precision", "fp32", "--version", "one"), "'one' is no positive integer"),
        ((*LITE, "--precision", "fp16", "--version", "1"), "invalid choice: 'fp16'"),
        ((*LITE, *SHORT, "--crop", "200"), "--crop: only with --module"),
        ((*LITE, *SHORT, "--labels", "missing.txt"), "there is no file 'missing.txt'"),
        ((*LITE, *SHORT, "--calibration", "tests/docs"), "has no readable image"),
        ((*SMALL, *SHORT), "--module needs --labels"),
        (SHORT, "one of the arguments --arch --module is required"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(
    refusal: Callable[..., str], arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in refusal(*arguments)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--module", REFUSED, *SMALL[2:]), "must read package.module:factory"),
        (("--module", "no.such:thing", *SMALL[2:]), "'no' is not installed"),
        (("--module", f"{REFUSED}:nothing", *SMALL[2:]), "there is no 'nothing'"),
        (("--module", f"{REFUSED}:no_network", *SMALL[2:]), "returned int"),
        (
            ("--module", f"{REFUSED}:failing", *SMALL[2:]),
            "fails: ValueError: no weights here",
        ),
        (("--module", f"{REFUSED}:one_output", *SMALL[2:]), "must take float32"),
        ((*SMALL[:2], "--resize", "30", "--crop", "32"), "--crop 32 is more than --resize 30"),
    ],
)
def test_a_bad_factory_is_refused_in_one_line(
    refusal: Callable[..., str], labels: tuple[str, str], arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in refusal(*arguments, *labels, *SHORT)


def test_labels_must_be_as_many_as_logits(tmp_path: Path, refusal: Callable[..., str]) -> None:
    (tmp_path / "two.txt").write_text("cat\ndog\n")
    arguments = (*SMALL, *SHORT, "--labels", str(tmp_path / "two.txt"))
    assert "2 labels for 3 logits" in refusal(*arguments)


def test_a_calibration_folder_without_images_is_refused(
    tmp_path: Path, refusal: Callable[..., str], labels: tuple[str, str]
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "notes.txt").write_text("no image")
    arguments = (*SMALL, *labels, "--precision", "int8", "--version", "1")
    line = refusal(*arguments, "--calibration", str(tmp_path / "photos"))
    assert "has no readable image" in line


def broken(source: Path, target: Path, how: str) -> Path:
    """A copy of a graph that breaks one rule."""
    graph_file = onnx.load(str(source))
    if how == "ir":
        graph_file.ir_version = 11
    elif how == "inferred":
        graph_file.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 8
    elif how == "name":
        graph_file.graph.input[0].name = "picture"
        for node in graph_file.graph.node:
            node.input[:] = ["picture" if name == "image" else name for name in node.input]
    elif how == "domain":
        graph_file.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    target.write_bytes(graph_file.SerializeToString())
    return target


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("ir", "IR version 11"),
        ("inferred", "gives 'features' as"),
        ("name", "not \\['features', 'image', 'keywords'\\]"),
        ("domain", "com.microsoft"),
    ],
)
def test_a_graph_that_triton_would_refuse_is_refused_here(
    tmp_path: Path, labels: tuple[str, str], how: str, reason: str
) -> None:
    export(tmp_path / "r", *SMALL, *labels, *SHORT)
    checks.check(model(tmp_path / "r", 1))
    with pytest.raises(ExportRefused, match=reason):
        checks.check(broken(model(tmp_path / "r", 1), tmp_path / "broken.onnx", how))


def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"garbage")
    with pytest.raises(ExportRefused, match="no valid ONNX file"):
        graph.stamp(tmp_path / "model.onnx")


def test_packaged_photos_are_files_and_their_variations_repeat_and_differ() -> None:
    assert {"astronaut.png", "coffee.png"} <= {path.name for path in photos.packaged()}
    first, again = list(photos.variations(40)), list(photos.variations(60))
    assert first == again[:40]
    assert len({jpeg for _, jpeg in again}) == len({name for name, _ in again}) == 60
    assert images.decode(first[0][1]).shape[2] == 3


@pytest.mark.skipif(not PHOTOS.exists(), reason="the photos for measuring aren't on this machine")
def test_accuracy_on_imagenet_photos(lite: Path) -> None:
    with (PHOTOS / "labels.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["source"] == "imagenet-sample"][::4]
    wanted = np.asarray([int(row["imagenet_idx"].split()[0]) for row in rows])
    files = [(PHOTOS / row["file"]).read_bytes() for row in rows]
    pixels = np.stack([images.pixels(jpeg, 256, 224) for jpeg in files])
    fp32 = (runtime.run(model(lite, 2), pixels)[1].argmax(1) == wanted).mean()
    int8 = (runtime.run(model(lite, 1), pixels)[1].argmax(1) == wanted).mean()
    assert fp32 >= 0.80  # 0.855 of all 1,000; a quarter of them has a standard error of 0.022
    assert int8 >= fp32 - 0.04
