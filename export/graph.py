"""Reads and cleans ONNX files. With `regions` the one door to onnx."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from export.errors import ExportRefused

DEFAULT_DOMAIN = ("", "ai.onnx")
FIRST = 6  # convolutions: the stem, and the first two blocks of an EfficientNet-Lite


@dataclass(frozen=True)
class Stamp:
    """Holds the versions that an ONNX file names.

    Args:
        ir: version of the file format.
        opset: version of the standard operators.
        domains: names of the other operator sets that the graph needs.
    """

    ir: int
    opset: int
    domains: tuple[str, ...]


@dataclass(frozen=True)
class Convolutions:
    """Names the parts of a network that int8 treats differently.

    Args:
        first: names of the nodes of the first six convolutions, or as many as there are.
        depthwise: names of the weights of the grouped convolutions.
    """

    first: tuple[str, ...]
    depthwise: tuple[str, ...]


def stamp(path: Path) -> Stamp:
    """Checks a file as ONNX and reads its versions.

    Raises:
        ExportRefused: the file is damaged, or no valid graph.
    """
    try:
        onnx.checker.check_model(str(path), full_check=True)
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # protobuf, checker and inference errors share no root
        raise ExportRefused(f"{path.name} is no valid ONNX file: {error}") from error
    versions = {entry.domain: entry.version for entry in model.opset_import}
    opset = max((versions[domain] for domain in DEFAULT_DOMAIN if domain in versions), default=0)
    others = tuple(sorted(domain for domain in versions if domain not in DEFAULT_DOMAIN))
    return Stamp(model.ir_version, opset, others)


def convolutions(path: Path) -> Convolutions:
    """Finds the first and the grouped convolutions of a graph."""
    nodes = [node for node in onnx.load(str(path)).graph.node if node.op_type == "Conv"]
    grouped = [
        node.input[1]
        for node in nodes
        if any(entry.name == "group" and entry.i > 1 for entry in node.attribute)
    ]
    return Convolutions(tuple(node.name for node in nodes[:FIRST]), tuple(grouped))


def head(path: Path) -> NDArray[np.float32] | None:
    """Returns the weights of the layer that makes keywords of the pooled features.

    Returns:
        float32 [K, D]; None where no layer takes the features as they are.
    """
    model = onnx.load(str(path))
    weights = {each.name: each for each in model.graph.initializer}
    pooled = {node.input[0] for node in model.graph.node if node.op_type == "ReduceL2"}
    for node in model.graph.node:
        if node.op_type not in ("Gemm", "MatMul") or node.input[0] not in pooled:
            continue
        if node.input[1] in weights:
            found = onnx.numpy_helper.to_array(weights[node.input[1]])
            transposed = any(each.name == "transB" and each.i for each in node.attribute)
            return np.asarray(found if transposed else found.T, np.float32)
    return None


def clean(path: Path) -> None:
    """Drops what ONNX Runtime's tools leave in a file: unused operator sets and shapes.

    Shapes of inner tensors are dropped so that a size seen at export is promised nowhere.
    """
    model = onnx.load(str(path))
    used = {node.domain for node in model.graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    del model.graph.value_info[:]
    del model.metadata_props[:]
    path.write_bytes(model.SerializeToString(deterministic=True))


def sign(path: Path) -> None:
    """Names the first tensor after the weights.

    ONNX Runtime keeps TensorRT's engines by the names of the file, the inputs and the nodes'
    outputs, and not by the weights: a network trained anew would be answered by the engine of the
    one before.

    Source: microsoft/onnxruntime, TRTGenerateId in tensorrt_execution_provider_utils.h.
    """
    model = onnx.load(str(path))
    cast = next((node for node in model.graph.node if "image" in node.input), None)
    if cast is None:
        raise ExportRefused(f"{path.name} makes nothing of its input 'image'")
    old = cast.output[0]
    new = f"values_{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    path.write_bytes(model.SerializeToString(deterministic=True))


def takes_bytes(path: Path) -> bool:
    """Says whether the bytes of the input go into casts alone: TensorRT takes them nowhere else."""
    nodes = onnx.load(str(path)).graph.node
    return {node.op_type for node in nodes if "image" in node.input} == {"Cast"}


def is_quantised(path: Path) -> bool:
    """Says whether a graph rounds to int8 anywhere."""
    return any(node.op_type == "QuantizeLinear" for node in onnx.load(str(path)).graph.node)
