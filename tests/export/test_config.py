"""config.pbtxt, rendered: what Triton reads in it, when it is made anew, when it is left alone."""

from pathlib import Path

import onnx
import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from export import config, fitting, graph, runtime
from export.config import Purpose
from sidecar.models import contract
from tests.support import exporting

# Triton's names in README.md of the onnxruntime_backend at 24.10; it refuses any other.
KNOWN = {
    "precision_mode",
    "max_workspace_size_bytes",
    "trt_engine_cache_enable",
    "trt_engine_cache_path",
    "trt_timing_cache_enable",
    "trt_timing_cache_path",
    "trt_profile_min_shapes",
    "trt_profile_opt_shapes",
    "trt_profile_max_shapes",
}


def parsed(text: str) -> ModelConfig:
    return text_format.Parse(text, ModelConfig())


def export(repository: Path, version: int, *more: str, crop: int = 32) -> int:
    labels = repository.parent / "labels.txt"
    labels.write_text("cat\ndog\nfox\n")
    size = ("--resize", str(crop + 8), "--crop", str(crop), "--labels", str(labels))
    small = ("--module", "campaigns.networks:small", "--version", str(version))
    precision = () if "--precision" in more else ("--precision", "fp32")
    return exporting.run(["--repository", str(repository), *small, *size, *precision, *more])


def configure(repository: Path, *words: str) -> int:
    return exporting.run(["config", "--repository", str(repository), *words])


def written(repository: Path) -> Path:
    return repository / "keywording" / "config.pbtxt"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Version 1 takes 32 pixels; the config is for TensorRT."""
    assert export(tmp_path / "r", 1, "--target", "tensorrt") == 0
    return tmp_path / "r"


@pytest.mark.parametrize(("target", "batch"), [("cpu", 8), ("cuda", 32), ("tensorrt", 32)])
def test_triton_reads_what_was_meant(target: str, batch: int) -> None:
    read = parsed(config.render(Purpose(target, processes=3), [224]))
    assert (read.name, read.backend, read.max_batch_size) == ("keywording", "onnxruntime", batch)
    [group] = read.instance_group
    assert (group.kind, group.count) == (ModelInstanceGroup.KIND_AUTO, 4)
    assert {entry.name: list(entry.dims) for entry in [*read.input, *read.output]} == {
        "image": [-1, -1, 3],
        "features": [-1],
        "keywords": [-1],
    }
    assert read.dynamic_batching.priority_levels == 3
    assert read.version_policy.HasField("all")
    algorithm = {"cpu": ""}.get(target, "1")
    assert read.parameters["cudnn_conv_algo_search"].string_value == algorithm


def test_tensorrt_gets_half_precision_kept_engines_and_a_profile_of_all_sizes() -> None:
    read = parsed(config.render(Purpose("tensorrt"), [260, 224]))
    [accelerator] = read.optimization.execution_accelerators.gpu_execution_accelerator
    assert accelerator.name == "tensorrt"
    assert set(accelerator.parameters) == KNOWN
    assert accelerator.parameters["precision_mode"] == "FP16"
    shapes = [accelerator.parameters[f"trt_profile_{name}_shapes"] for name in ("min", "max")]
    assert shapes == ["image:1x224x224x3", "image:32x260x260x3"]
    for target in ("cpu", "cuda"):
        read = parsed(config.render(Purpose(target), [224]))
        assert not read.optimization.execution_accelerators.gpu_execution_accelerator


@pytest.mark.parametrize(
    ("processes", "cores", "threads"), [(2, 0, ""), (2, 1, "1"), (2, 2, "1"), (2, 16, "8")]
)
def test_threads_come_from_the_cores_that_will_serve(
    processes: int, cores: int, threads: str
) -> None:
    text = config.render(Purpose("cpu", processes, cores), [224])
    assert parsed(text).parameters["intra_op_thread_count"].string_value == threads
    fitting.check_numbers(text)


@pytest.mark.long
def test_cores_are_for_a_cpu_and_stay_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = tmp_path / "r"
    assert export(repository, 1, "--cores", "8") == 0
    assert configure(repository, "--processes", "4") == 0
    assert config.purpose_of(written(repository).read_text()) == Purpose("cpu", 4, 8)
    assert configure(repository, "--target", "cuda", "--cores", "8") == 2
    assert "--cores goes with --target cpu, not cuda" in capsys.readouterr().err
    assert configure(repository, "--cores", "1025") == 2
    assert "--cores can be 1024 at most" in capsys.readouterr().err
    assert configure(repository, "--target", "cuda") == 0
    assert config.purpose_of(written(repository).read_text()) == Purpose("cuda", 4)
    assert configure(repository, "--target", "cpu", "--cores", "8") == 0
    assert configure(repository, "--cores", "0") == 0
    assert config.purpose_of(written(repository).read_text()) == Purpose("cpu", 4)


@pytest.mark.parametrize("target", config.TARGETS)
def test_a_text_knows_what_it_was_made_for_until_it_is_changed(target: str) -> None:
    purpose = Purpose(target, 5, 8 if target == "cpu" else 0)
    text = config.render(purpose, [224])
    assert config.purpose_of(text) == purpose
    assert config.purpose_of(text.replace("count: 6", "count: 7")) is None
    assert config.purpose_of(text.split("\n\n", 1)[1]) is None


def test_the_first_export_is_for_a_cpu_and_for_the_sidecars_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROCESSES", "6")
    assert export(tmp_path / "r", 1) == 0
    assert config.purpose_of(written(tmp_path / "r").read_text()) == Purpose("cpu", 6)
    monkeypatch.delenv("HTTP_PROCESSES")
    assert export(tmp_path / "r", 2) == 0
    assert config.purpose_of(written(tmp_path / "r").read_text()) == Purpose("cpu", 6)


def test_a_version_of_another_size_joins_the_profile(repository: Path) -> None:
    assert export(repository, 2, crop=64) == 0
    read = parsed(written(repository).read_text())
    [accelerator] = read.optimization.execution_accelerators.gpu_execution_accelerator
    assert accelerator.parameters["trt_profile_min_shapes"] == "image:1x32x32x3"
    assert accelerator.parameters["trt_profile_max_shapes"] == "image:32x64x64x3"


def test_a_version_of_the_same_size_leaves_the_file_untouched(repository: Path) -> None:
    before = written(repository).stat()
    assert export(repository, 2) == 0
    after = written(repository).stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_what_was_changed_by_hand_stays_unless_forced(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned = written(repository).read_text().replace("count: 3", "count: 9")
    written(repository).write_text(tuned)
    assert export(repository, 2, crop=64) == 0
    assert "config.pbtxt was changed by hand and stays" in capsys.readouterr().out
    assert export(repository, 3, "--target", "cuda") == 2
    assert configure(repository) == 2
    assert configure(repository, "--target", "cuda") == 2
    assert written(repository).read_text() == tuned
    assert configure(repository, "--force", "--target", "cuda", "--processes", "4") == 0
    assert config.purpose_of(written(repository).read_text()) == Purpose("cuda", 4)


def test_what_is_not_asked_for_stays(repository: Path) -> None:
    assert configure(repository, "--processes", "4") == 0
    assert config.purpose_of(written(repository).read_text()) == Purpose("tensorrt", 4)
    assert configure(repository, "--target", "cuda") == 0
    assert config.purpose_of(written(repository).read_text()) == Purpose("cuda", 4)


def test_tensorrt_and_int8_are_kept_apart(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(repository, 2, "--precision", "int8") == 2
    assert "--precision fp32" in capsys.readouterr().err
    assert export(repository, 2, "--precision", "int8", "--target", "cuda") == 0
    assert configure(repository, "--target", "tensorrt") == 2
    assert "version 2 is int8" in capsys.readouterr().err
    assert export(repository, 3, "--target", "tensorrt") == 2
    assert "version 2 is int8" in capsys.readouterr().err
    assert config.purpose_of(written(repository).read_text()) == Purpose("cuda", 2)


def test_a_graph_that_turns_bytes_before_it_casts_them_is_not_for_tensorrt(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As earlier releases exported it."""
    path = contract.folder(repository, 1) / "model.onnx"
    model = onnx.load(str(path))
    node = onnx.helper.make_node("Identity", ["image"], ["bytes"])
    model.graph.node[0].input[0] = "bytes"
    model.graph.node.insert(0, node)
    path.write_bytes(model.SerializeToString())
    assert configure(repository, "--target", "tensorrt") == 2
    assert "version 1 is of an earlier release" in capsys.readouterr().err


def test_an_empty_repository_has_nothing_to_configure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert configure(tmp_path) == 2
    assert "there is no version" in capsys.readouterr().err


def first_tensor(path: Path) -> str:
    nodes = onnx.load(str(path)).graph.node
    [name] = {node.output[0] for node in nodes if "image" in node.input}
    return str(name)


def test_an_engine_of_other_weights_has_another_name(repository: Path, tmp_path: Path) -> None:
    """ONNX Runtime names it by the outputs of the nodes that its first optimisations leave."""
    assert export(repository, 2) == 0
    assert export(repository, 3, "--mean", "0", "0", "0") == 0
    models = [contract.folder(repository, version) / "model.onnx" for version in (1, 2, 3)]
    assert all(graph.takes_bytes(model) for model in models)
    first, same, other = (first_tensor(model) for model in models)
    assert first == same != other
    runtime.simplify(models[2], tmp_path / "simple.onnx")
    assert first_tensor(tmp_path / "simple.onnx") == other
