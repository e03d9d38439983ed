"""Where the stand-in differed from the C++ backend of Triton 24.10, as that was built and run."""

import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
import tritonclient.grpc as triton
from onnx import TensorProto, helper

from local.process import settled, wait_until
from tests.support.triton_server import Server, serving
from tests.support.versions import put

Nodes = list[onnx.NodeProto]
Change = Callable[[onnx.ModelProto], object]
IMAGE = "image"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Shelf"]:
    folder = tmp_path_factory.mktemp("genuine")
    put("small-32", 1, folder / "r")
    with serving(folder / "r", folder) as server:
        yield Shelf(server, folder / "r")


class Shelf:
    """A server that loads models by their names, out of a folder that grows."""

    def __init__(self, server: Server, repository: Path) -> None:
        self.server, self.repository = server, repository
        self.client = triton.InferenceServerClient(server.url)

    def load(self, name: str, config: tuple[str, str], change: Change = lambda model: None) -> str:
        """Loads the small network as a model of its own, changed; returns what the server says."""
        folder = self.repository / name / "1"
        folder.mkdir(parents=True)
        source = self.repository / "keywording"
        loaded = onnx.load(str(source / "1" / "model.onnx"))
        change(loaded)
        (folder / "model.onnx").write_bytes(loaded.SerializeToString())
        text = (source / "config.pbtxt").read_text()
        assert config[0] in text
        text = text.replace('name: "keywording"', f'name: "{name}"').replace(*config)
        (folder.parent / "config.pbtxt").write_text(text)
        try:
            self.client.load_model(name)
        except triton.InferenceServerException as error:
            return str(error)
        return ""

    def infer(
        self, name: str, pixels: np.ndarray, outputs: tuple[str, ...] = ("features", "keywords")
    ) -> triton.InferResult:
        given = triton.InferInput(IMAGE, pixels.shape, "UINT8")
        given.set_data_from_numpy(pixels)
        wanted = [triton.InferRequestedOutput(output) for output in outputs]
        return self.client.infer(name, [given], outputs=wanted)

    def counted(self, what: str) -> float:
        """Returns how many requests of the first model went so."""
        port = self.server.variables["TRITON_METRICS_PORT"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            lines: list[str] = answer.read().decode().splitlines()
        found = [line for line in lines if line.startswith(f"nv_inference_request_{what}")]
        return float(next(line for line in found if 'model="keywording"' in line).split()[-1])


def pixels(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.uint64).reshape(shape).astype(np.uint8)


def test_a_failed_inference_is_counted_as_one(shelf: Shelf) -> None:
    def counts() -> np.ndarray:
        failure = 'failure{model="keywording",reason="BACKEND"'
        return np.array([shelf.counted("success"), shelf.counted(failure)])

    expected = counts() + 2
    shelf.infer("keywording", pixels(1, 32, 32, 3))
    for _ in range(2):
        with pytest.raises(triton.InferenceServerException, match="inference failed"):
            shelf.infer("keywording", pixels(1, 0, 0, 3))
    shelf.infer("keywording", pixels(1, 32, 32, 3))
    # The server counts after its answers are out, and each outcome by itself.
    wait_until(lambda: bool((counts() >= expected).all()), lambda: f"{counts()} are {expected}", 10)
    assert settled(lambda: counts().tolist()) == expected.tolist()


def test_outputs_come_in_the_order_of_the_config(shelf: Shelf) -> None:
    answer = shelf.infer("keywording", pixels(1, 32, 32, 3)).get_response()
    assert [output.name for output in answer.outputs] == ["features", "keywords"]


NO_CHANGE = ("version_policy", "version_policy")
SEQUENCE = """sequence_batching { control_input [ { name: "start"
  control [ { kind: CONTROL_SEQUENCE_START, fp32_false_true: [ 0, 1 ] } ] } ] }
#"""


def add_sequence(model: onnx.ModelProto) -> None:
    """Adds an output that is a sequence of tensors."""
    model.graph.node.append(helper.make_node("SequenceConstruct", ["features"], ["many"]))
    many = helper.make_tensor_sequence_value_info("many", TensorProto.FLOAT, None)
    model.graph.output.append(many)


def add_text(model: onnx.ModelProto) -> None:
    """Adds an output that is the text of the features."""
    model.graph.node.append(helper.make_node("Cast", ["features"], ["text"], to=TensorProto.STRING))
    text = helper.make_tensor_value_info("text", TensorProto.STRING, ["n", "d"])
    model.graph.output.append(text)


def add_start(model: onnx.ModelProto) -> None:
    """Adds an input that tells where a sequence begins, and passes it on."""
    model.graph.input.append(helper.make_tensor_value_info("start", TensorProto.FLOAT, ["n", 1]))
    model.graph.node.append(helper.make_node("Identity", ["start"], ["begun"]))
    model.graph.output.append(helper.make_tensor_value_info("begun", TensorProto.FLOAT, ["n", 1]))


def parameter(name: str, value: str) -> tuple[str, str]:
    text = f'parameters {{ key: "{name}" value {{ string_value: "{value}" }} }}\n'
    return "version_policy", text + "version_policy"


REFUSED: dict[str, tuple[tuple[str, str], Change, str]] = {
    "sequence-output": (NO_CHANGE, add_sequence, "'many' of the model is seq(tensor(float))"),
    "operations": (
        ("version_policy", 'model_operations { op_library_filename: "no.so" }\nversion_policy'),
        lambda model: None,
        "ONNX Runtime refuses no.so",
    ),
    "runtime": (
        ("version_policy", 'runtime: "model.py"\nversion_policy'),
        lambda model: None,
        "no runtime model.py",
    ),
    "many-threads": (
        parameter("intra_op_thread_count", "99999999999"),
        lambda model: None,
        "no whole number",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_genuine_backend_refuses_is_refused(shelf: Shelf, case: str) -> None:
    config, change, reason = REFUSED[case]
    assert reason in shelf.load(case, config, change)


def test_an_input_may_be_reshaped(shelf: Shelf) -> None:
    flat = ("dims: [ -1, -1, 3 ]", "dims: [ 1, -1, -1, 3 ], reshape { shape: [ -1, -1, 3 ] }")
    assert shelf.load("reshaped", flat) == ""
    image = pixels(2, 1, 32, 32, 3)
    got = shelf.infer("reshaped", image).as_numpy("features")
    plain = shelf.infer("keywording", image[:, 0]).as_numpy("features")
    assert np.allclose(got, plain, atol=1e-6)


def test_an_output_of_text_is_answered(shelf: Shelf) -> None:
    text = (
        '{ name: "features"',
        '{ name: "text", data_type: TYPE_STRING, dims: [ -1 ] },\n  { name: "features"',
    )
    assert shelf.load("text", text, add_text) == ""
    answer = shelf.infer("text", pixels(2, 32, 32, 3), ("features", "text"))
    numbers = np.vectorize(float)(answer.as_numpy("text"))
    assert np.allclose(numbers, answer.as_numpy("features"), atol=1e-6)


def test_sequences_are_batched(shelf: Shelf) -> None:
    text = (shelf.repository / "keywording" / "config.pbtxt").read_text()
    start = text.index("dynamic_batching")
    dynamic = text[start : text.index("# A new version", start)]
    begun = '{ name: "begun", data_type: TYPE_FP32, dims: [ 1 ] }, '
    old = 'output [\n  { name: "features"'
    folder_config = (dynamic, SEQUENCE.removesuffix("#"))

    def load() -> str:
        changed = text.replace(old, old.replace("{ name", begun + "{ name", 1))
        original = shelf.repository / "keywording" / "config.pbtxt"
        original.write_text(changed)
        try:
            return shelf.load("sequence", folder_config, add_start)
        finally:
            original.write_text(text)

    assert load() == ""
    given = triton.InferInput(IMAGE, [1, 32, 32, 3], "UINT8")
    given.set_data_from_numpy(pixels(1, 32, 32, 3))
    said = [
        shelf.client.infer(
            "sequence", [given], sequence_id=7, sequence_start=first, sequence_end=not first
        ).as_numpy("begun")
        for first in (True, False)
    ]
    assert [answer.tolist() for answer in said] == [[[1.0]], [[0.0]]]


def test_a_scattered_output_is_loaded_and_says_what_it_can_not(shelf: Shelf) -> None:
    kind = "kind: BATCH_SCATTER_WITH_INPUT_SHAPE"
    scatter = f'batch_output [ {{ target_name: "features", {kind}, source_input: "image" }} ]\n'
    assert shelf.load("scattered", ("version_policy", scatter + "version_policy")) == ""
    with pytest.raises(triton.InferenceServerException, match="can't answer with it"):
        shelf.infer("scattered", pixels(1, 32, 32, 3))


def test_a_switch_that_the_genuine_backend_does_not_read_is_taken(shelf: Shelf) -> None:
    assert shelf.load("shared", parameter("share_session_between_instances", "maybe")) == ""
