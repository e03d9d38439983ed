"""Makes the graph that says what each region of an image adds to its features.

Pooling is a mean over the P places of the last map, and what follows is linear once the two norms
are known. So with m_p the map at a place, f the pooled features and T the axes,

    region_p = ((m_p / |f| - mean) · T) / (P · norm),    whose sum over p is `features`.

What pooling lost to int8's rounding is spread over the places, or the sum would lack it. Another
image's features times each region is a map, whose sum is the similarity of the two.

The graph is a file of its own. As a third output it would cost each inference: ONNX Runtime
computes all outputs of a graph, asked for or not (unless `only_execute_path_to_fetches` is set),
and Triton's backend asks for all that config.pbtxt lists. And config.pbtxt, one for all versions,
could list none that a version lacks.

Source: triton-inference-server/onnxruntime_backend, src/onnxruntime.cc (ProcessRequests).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.errors import ExportRefused

REGIONS = "regions"
MEANS = ("ReduceMean", "GlobalAveragePool")
# Between the mean and the norm: what changes no number, or rounds it.
BETWEEN = ("Flatten", "Squeeze", "Reshape", "Identity", "QuantizeLinear", "DequantizeLinear")


def write(source: Path, target: Path) -> None:
    """Writes the graph from `image` to `regions`, float32 [N, H, W, D].

    Args:
        source: a finished ONNX file of a version, fp32 or int8.
    Raises:
        ExportRefused: its features are no mean over the places of a map.
    """
    model = onnx.load(str(source))
    graph = model.graph
    graph.node.extend(_tail(graph))
    graph.initializer.extend(_constants())
    del graph.output[:]
    sides = ["N", "H", "W", "D"]
    graph.output.append(helper.make_tensor_value_info(REGIONS, TensorProto.FLOAT, sides))
    _prune(graph)
    target.write_bytes(model.SerializeToString(deterministic=True))


def _constants() -> Iterable[onnx.TensorProto]:
    numbers = {"sides": [2, 3], "kept": [0, 2, 3], "rest": [-1]}
    return [
        numpy_helper.from_array(np.asarray(values, np.int64), f"{REGIONS}.{name}")
        for name, values in numbers.items()
    ]


def _tail(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Returns the nodes from the last map to the regions."""
    nodes = {output: node for node in graph.node for output in node.output}
    centred = next((node for node in graph.node if "centre" in node.input), None)
    norms = [node for node in graph.node if node.op_type == "ReduceL2"]
    pooled = norms[-1 if centred is None else -2].input[0]
    places = _map(nodes, pooled)
    norm = _divisor(graph, pooled)
    made: list[onnx.NodeProto] = []

    def make(kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"{REGIONS}.{len(made)}"
        made.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    shape = make("Shape", places)
    size = make("Gather", shape, f"{REGIONS}.sides")
    count = make("Cast", make("ReduceProd", size, keepdims=0), to=TensorProto.FLOAT)
    apart = make("Sub", places, make("ReduceMean", places, axes=[2, 3], keepdims=1))
    whole = make("Transpose", apart, perm=[2, 3, 0, 1])  # [H, W, N, C]: norms are [N, 1]
    unit = make("Div", make("Add", whole, pooled), norm)
    if centred is not None:
        unit = make("MatMul", make("Sub", unit, "centre"), "axes")
        axes = next(node for node in graph.node if centred.output[0] in node.input)
        unit = make("Div", unit, _divisor(graph, axes.output[0]))
    share = make("Transpose", make("Div", unit, count), perm=[2, 0, 1, 3])
    kept = make("Gather", shape, f"{REGIONS}.kept")
    form = make("Concat", kept, f"{REGIONS}.rest", axis=0)  # known at run time alone, see networks
    made.append(helper.make_node("Reshape", [share, form], [REGIONS]))
    return made


def _map(nodes: dict[str, onnx.NodeProto], pooled: str) -> str:
    """Returns the tensor [N, C, H, W] whose mean over the places the pooled features are."""
    node = nodes.get(pooled)
    while node is not None and node.op_type in BETWEEN:
        node = nodes.get(node.input[0])
    if node is None or node.op_type not in MEANS or not _is_over_places(node):
        raise ExportRefused(
            "--explain: the features of this network are no mean over the places of a map, so no"
            " region has a share of them; leave --explain out"
        )
    return str(node.input[0])


def _is_over_places(node: onnx.NodeProto) -> bool:
    axes = next((list(each.ints) for each in node.attribute if each.name == "axes"), [2, 3])
    return sorted(axes) in ([2, 3], [-2, -1])


def _divisor(graph: onnx.GraphProto, divided: str) -> str:
    """Returns the norm, [N, 1], by which a tensor is divided."""
    return next(
        str(node.input[1])
        for node in graph.node
        if node.op_type == "Div" and node.input[0] == divided
    )


def _prune(graph: onnx.GraphProto) -> None:
    """Drops what does not lead to the output."""
    needed, kept = {REGIONS}, []
    for node in reversed(graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    weights = [each for each in graph.initializer if each.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(weights)
