"""The real Triton server under our launcher: it serves, it refuses, it says why it can't start."""

import shutil
import signal
import socket
import venv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import tritonclient.grpc as triton
from numpy.typing import NDArray

from local import photos
from local.environment import private
from local.process import NotReady, settled, wait_until
from local.stack import Stack
from sidecar import images
from sidecar.models import contract
from tests.support.triton_server import Server, launch, serving
from tests.support.versions import put


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 is efficientnet-lite0, version 2 a small network of another size, D and K."""
    folder = tmp_path_factory.mktemp("repository")
    put("lite0-fp32", 1, folder)
    put("small-32", 2, folder)
    return folder


@pytest.fixture(scope="module")
def server(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(repository, tmp_path_factory.mktemp("server")) as running:
        yield running


def infer(
    url: str, version: int, pixels: NDArray[np.uint8], *outputs: str, model: str = "keywording"
) -> dict[str, NDArray[np.float32]]:
    client = triton.InferenceServerClient(url)
    given = triton.InferInput("image", pixels.shape, "UINT8")
    given.set_data_from_numpy(pixels)
    wanted = [triton.InferRequestedOutput(name) for name in outputs]
    answer = client.infer(model, [given], model_version=str(version), outputs=wanted)
    return {name: answer.as_numpy(name) for name in outputs}


@pytest.mark.parametrize("version", [1, 2])
def test_the_golden_image_gives_the_recorded_features(
    server: Server, repository: Path, version: int
) -> None:
    said = contract.read(repository, version)
    golden = contract.golden_image(said.crop)[None]
    answer = infer(server.url, version, golden, "features", "keywords")
    assert said.accepts(answer["features"][0])
    assert np.allclose(answer["features"][0], said.golden_features, atol=1e-5)
    assert answer["keywords"].shape == (1, said.keywords)
    assert answer["keywords"].sum() == pytest.approx(1, abs=1e-4)


def test_a_request_of_many_images_is_answered_in_their_order(server: Server) -> None:
    pixels = np.stack([images.pixels(jpeg, 256, 224) for _, jpeg in photos.variations(7)])
    together = infer(server.url, 1, pixels, "features")["features"]
    alone = [infer(server.url, 1, one[None], "features")["features"][0] for one in pixels]
    assert np.allclose(together, np.stack(alone), atol=1e-5)


def counted(server: Server) -> tuple[float, float]:
    """Images and runs of version 1 so far."""
    return server.metric("nv_inference_count", 1), server.metric("nv_inference_exec_count", 1)


@pytest.mark.long
def test_concurrent_requests_share_batches_and_get_their_own_answers(server: Server) -> None:
    pixels = [images.pixels(jpeg, 256, 224)[None] for _, jpeg in photos.variations(60)]
    alone = [infer(server.url, 1, one, "features")["features"] for one in pixels[:5]]
    before, runs_before = settled(lambda: counted(server))
    with ThreadPoolExecutor(20) as pool:
        shared = list(pool.map(lambda one: infer(server.url, 1, one, "features"), pixels))
    # The server counts a batch after its answers are out.
    wait_until(lambda: counted(server)[0] >= before + 60, lambda: "all images are counted", 10)
    assert 60 / (settled(lambda: counted(server))[1] - runs_before) > 1.5
    for one, answer in zip(alone, shared, strict=False):
        assert np.allclose(answer["features"], one, atol=1e-5)


def test_bad_requests_fail_alone_and_leave_the_server_alive(server: Server) -> None:
    good, bad = contract.golden_image(224)[None], np.zeros((1, 1, 1, 3), np.uint8)
    alone = infer(server.url, 1, good, "features")["features"]

    def ask(pixels: NDArray[np.uint8]) -> NDArray[np.float32] | str:
        try:
            return infer(server.url, 1, pixels, "features")["features"]
        except triton.InferenceServerException as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, [good, bad] * 24))
    assert all(np.allclose(answer, alone, atol=1e-5) for answer in answers[::2])
    assert all("inference failed" in answer for answer in answers[1::2])


@pytest.mark.long
def test_a_version_comes_and_goes_while_another_is_asked(repository: Path, tmp_path: Path) -> None:
    shutil.copytree(repository, tmp_path / "r")
    model = tmp_path / "r" / "keywording"
    (model / "2").rename(tmp_path / "2")
    with serving(tmp_path / "r", tmp_path) as running:
        client = triton.InferenceServerClient(running.url)
        assert not client.is_model_ready("keywording", "2")
        (tmp_path / "2").rename(model / "2")
        client.load_model("keywording")
        small = contract.golden_image(32)[None]
        assert infer(running.url, 2, small, "features")["features"].shape == (1, 8)
        (model / "2").rename(tmp_path / "2")
        client.load_model("keywording")
        assert not client.is_model_ready("keywording", "2")
        golden = infer(running.url, 1, contract.golden_image(224)[None], "features")["features"]
        assert contract.read(repository, 1).accepts(golden[0])


@pytest.mark.long
def test_a_folder_that_is_being_staged_is_no_model_and_no_version(
    repository: Path, tmp_path: Path
) -> None:
    shutil.copytree(repository, tmp_path / "r")
    shutil.copytree(repository / "keywording" / "2", tmp_path / "r" / "keywording" / ".staging-3-1")
    with serving(tmp_path / "r", tmp_path) as running:
        index = triton.InferenceServerClient(running.url).get_model_repository_index().models
        assert {(entry.name, entry.version) for entry in index} == {
            ("keywording", "1"),
            ("keywording", "2"),
        }


@pytest.mark.long
def test_a_signal_ends_the_server_and_what_it_started(repository: Path, tmp_path: Path) -> None:
    with serving(repository, tmp_path) as running:
        group = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
        children = [int(text) for text in group.read_text().split()]
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait() == 0
    assert all(not Path(f"/proc/{child}").exists() for child in children)


Change = Callable[[Path], None]


def config(old: str, new: str) -> Change:
    """Change config.pbtxt."""

    def change(model: Path) -> None:
        path = model / "config.pbtxt"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return change


def parameter(name: str, value: str) -> Change:
    text = f'parameters {{ key: "{name}" value {{ string_value: "{value}" }} }}\n'
    return config("version_policy", text + "version_policy")


def graph(edit: Callable[[onnx.ModelProto], object]) -> Change:
    """Change the ONNX file."""

    def change(model: Path) -> None:
        path = model / "1" / "model.onnx"
        loaded = onnx.load(str(path))
        edit(loaded)
        path.write_bytes(loaded.SerializeToString())

    return change


def fix(tensor: str, dim: int, value: int) -> Change:
    """Give a tensor of the graph a known dim."""

    def edit(loaded: onnx.ModelProto) -> None:
        tensors = {entry.name: entry for entry in [*loaded.graph.input, *loaded.graph.output]}
        tensors[tensor].type.tensor_type.shape.dim[dim].dim_value = value

    return graph(edit)


def opset(loaded: onnx.ModelProto) -> None:
    loaded.opset_import[0].version = 22


REFUSALS: dict[str, tuple[Change, str]] = {
    "another count of inputs": (
        config("input [", 'input [ { name: "x", data_type: TYPE_UINT8, dims: [ 1 ] }, '),
        "2 inputs, the model 1",
    ),
    "an unknown output": (config('"features"', '"embedding"'), "has no 'embedding'"),
    "an unknown input": (config('"image"', '"picture"'), "has no 'picture'"),
    "an input of another type": (config("TYPE_UINT8", "TYPE_FP32"), "'image' is TYPE_FP32"),
    "an output of another type": (config("TYPE_FP32", "TYPE_FP16"), "'features' is TYPE_FP16"),
    "an open dim where the input's is fixed": (
        config("[ -1, -1, 3 ]", "[ -1, -1, -1 ]"),
        "'image' has the dims [-1, -1, -1, 3]",
    ),
    "a height that the model fixes": (fix("image", 1, 224), "'image' has the dims [-1, 224"),
    "a fixed dim where the output's is open": (
        config(
            '"features", data_type: TYPE_FP32, dims: [ -1',
            '"features", data_type: TYPE_FP32, dims: [ 8',
        ),
        "'features' has the dims [-1, -1] in the model, [-1, 8] in the config",
    ),
    "a D that can be inferred": (fix("features", 1, 8), "'features' has the dims [-1, 8]"),
    "a batch that is fixed": (fix("image", 0, 1), "can't be batched"),
    "too few dims": (config("[ -1, -1, 3 ]", "[ -1, 3 ]"), "'image' has the dims"),
    "an optional input": (config("TYPE_UINT8,", "TYPE_UINT8, optional: true,"), "optional"),
    "an IR of 11": (graph(lambda loaded: setattr(loaded, "ir_version", 11)), "IR version"),
    "an opset of 22": (graph(opset), "Opset 22"),
    "a damaged file": (lambda model: damage(model / "1" / "model.onnx"), "ONNX Runtime refuses"),
    "another file's name": (
        config("version_policy", 'default_model_filename: "net.onnx"\nversion_policy'),
        "there is no file",
    ),
    "threads that are no number": (parameter("intra_op_thread_count", "all"), "is 'all'"),
    "an unknown execution mode": (parameter("execution_mode", "2"), "execution_mode is 2"),
    "a switch of no truth value": (parameter("enable_mem_arena", "maybe"), "neither true nor"),
}


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


@dataclass(frozen=True)
class Shelf:
    """A server that loads models by their names, out of a folder that grows."""

    url: str
    repository: Path

    def place(self, name: str, change: Change) -> None:
        """Puts the small network into the repository as a model of its own, changed."""
        model = self.repository / name
        shutil.copytree(self.repository / "keywording" / "2", model / "1")
        text = (self.repository / "keywording" / "config.pbtxt").read_text()
        (model / "config.pbtxt").write_text(text.replace('name: "keywording"', f'name: "{name}"'))
        change(model)

    def load(self, name: str) -> str:
        """What the server says when it is to load a model: nothing where it does."""
        try:
            triton.InferenceServerClient(self.url).load_model(name)
        except triton.InferenceServerException as error:
            return str(error)
        return ""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    folder = tmp_path_factory.mktemp("shelf")
    put("small-32", 2, folder / "r")
    with serving(folder / "r", folder) as running:
        yield Shelf(running.url, folder / "r")


@pytest.mark.parametrize("case", REFUSALS)
def test_what_the_containers_backend_refuses_is_refused(shelf: Shelf, case: str) -> None:
    change, reason = REFUSALS[case]
    name = case.replace(" ", "-").replace("'", "")
    shelf.place(name, change)
    assert reason in shelf.load(name)


def test_a_server_whose_model_is_refused_does_not_start(tmp_path: Path) -> None:
    change, reason = REFUSALS["an unknown output"]
    put("small-32", 1, tmp_path / "r")
    change(tmp_path / "r" / "keywording")
    process = launch(
        private(tmp_path) | {"MODEL_REPOSITORY": str(tmp_path / "r")}, tmp_path / "triton.log"
    )
    assert process.wait() != 0
    assert reason in (tmp_path / "triton.log").read_text()


def test_a_stack_is_not_waited_for_when_a_part_of_it_has_ended(tmp_path: Path) -> None:
    stack = Stack(tmp_path, MODEL_REPOSITORY=str(tmp_path / "nowhere"))
    stack.start("triton")
    stack.wait(lambda: stack.ended("triton"), "it has ended")
    with pytest.raises(NotReady, match=r"(?s)triton has ended.*no exported model in .*nowhere"):
        stack.wait_ready()


@pytest.mark.parametrize(
    ("parameter_name", "value"),
    [("intra_op_thread_count", "1"), ("enable_mem_arena", "off"), ("execution_mode", "1")],
)
def test_what_the_containers_backend_takes_is_taken(
    shelf: Shelf, parameter_name: str, value: str
) -> None:
    shelf.place(parameter_name, parameter(parameter_name, value))
    assert shelf.load(parameter_name) == ""
    golden = contract.golden_image(32)[None]
    features = infer(shelf.url, 1, golden, "features", model=parameter_name)["features"]
    assert contract.read(shelf.repository, 2).accepts(features[0])


def said(variables: dict[str, str], folder: Path) -> str:
    """What a launch that must fail says, in one line."""
    process = launch(variables, folder / "launch.log")
    assert process.wait() == 1
    (line,) = (folder / "launch.log").read_text().splitlines()
    return line


@pytest.mark.parametrize("variable", ["TRITON_URL", "TRITON_HTTP_PORT", "TRITON_METRICS_PORT"])
def test_a_taken_port_is_named_with_its_variable(
    repository: Path, tmp_path: Path, variable: str
) -> None:
    variables = private(tmp_path) | {"MODEL_REPOSITORY": str(repository)}
    port = variables[variable].rpartition(":")[2]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(port)))
        taken.listen()
        line = said(variables, tmp_path)
    assert f"port {port} is taken; set {variable}" in line


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"TRITON_ENV": "nowhere"}, "no Triton environment in nowhere (TRITON_ENV)"),
        ({"MODEL_REPOSITORY": "nowhere"}, "no exported model in nowhere (MODEL_REPOSITORY); run:"),
        ({"TRITON_URL": "10.0.0.1:8001"}, "is another machine's"),
        ({"TRITON_URL": "dns:///localhost:99999"}, "names no port"),
        ({"TRITON_HTTP_PORT": "99999"}, "TRITON_HTTP_PORT=99999 names no port"),
        ({"TRITON_LOG": "loud"}, "TRITON_LOG=loud is none of"),
    ],
)
def test_a_launch_that_cant_work_says_why(
    repository: Path, tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    variables = private(tmp_path) | {"MODEL_REPOSITORY": str(repository)}
    assert reason in said(variables | change, tmp_path)


def test_an_environment_without_the_servers_packages_is_refused(
    repository: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "env"
    venv.create(environment)
    variables = private(tmp_path) | {"TRITON_ENV": str(environment)}
    assert "has nvidia-pytriton not at all, it must be 0.7.0" in said(variables, tmp_path)
