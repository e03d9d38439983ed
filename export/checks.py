"""The rules that a graph must keep, so that every Triton loads it under the one config.pbtxt."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export import graph, runtime
from export.errors import ExportRefused

IR_MAX = 10  # ONNX Runtime 1.19.2, which Triton 24.10 carries, refuses a later file
OPSET_MAX = 21
Tensors = dict[str, tuple[str, list[int]]]  # as `runtime.tensors` returns them
TENSORS: Tensors = {
    "image": ("tensor(uint8)", [-1, -1, -1, 3]),
    "features": ("tensor(float)", [-1, -1]),
    "keywords": ("tensor(float)", [-1, -1]),
}


REGION_TENSORS: Tensors = {
    "image": TENSORS["image"],
    "regions": ("tensor(float)", [-1, -1, -1, -1]),
}
SUM = 1e-4  # between features and the sum of regions: fp32 leaves some 1e-7


def check(path: Path, tensors: Tensors = TENSORS) -> None:
    """Checks a finished ONNX file against the rules.

    Args:
        tensors: what it takes and gives.
    Raises:
        ExportRefused: the file breaks a rule; the text says which.
    """
    stamp = graph.stamp(path)
    if stamp.ir > IR_MAX:
        raise ExportRefused(f"{path.name} has IR version {stamp.ir}; Triton loads at most {IR_MAX}")
    if not 1 <= stamp.opset <= OPSET_MAX:
        raise ExportRefused(f"{path.name} has opset {stamp.opset}; Triton loads 1 to {OPSET_MAX}")
    if stamp.domains:
        raise ExportRefused(
            f"{path.name} needs operators of {', '.join(stamp.domains)}; Triton has standard ones"
        )
    _check_tensors(path.name, runtime.tensors(path), tensors)


def check_regions(path: Path, regions: NDArray[np.float32], features: NDArray[np.float32]) -> None:
    """Checks a finished file of regions, and that they sum to the features.

    Args:
        regions: float32 [N, H, W, D], which the file gives for N images.
        features: float32 [N, D], which the model gives for them.
    Raises:
        ExportRefused: as `check`.
    """
    check(path, REGION_TENSORS)
    apart = float(np.abs(regions.sum((1, 2)) - features).max())
    if not apart <= SUM:
        raise ExportRefused(
            f"{path.name}: the regions sum to other features, {apart:.1e} apart at most, where"
            f" {SUM} is allowed"
        )


def _check_tensors(file: str, found: Tensors, tensors: Tensors) -> None:
    if found.keys() != tensors.keys():
        raise ExportRefused(f"{file} has the tensors {sorted(found)}, not {sorted(tensors)}")
    for name, expected in tensors.items():
        if found[name] != expected:
            raise ExportRefused(
                f"{file} gives '{name}' as {found[name][0]} {found[name][1]}, where config.pbtxt"
                f" says {expected[0]} {expected[1]}"
            )
