"""The rules that a graph must keep, so that every Triton loads it under the one config.pbtxt."""

from pathlib import Path

from export import graph, runtime
from export.errors import ExportRefused

IR_MAX = 10  # ONNX Runtime 1.19.2, which Triton 24.10 carries, refuses a later file
OPSET_MAX = 21
TENSORS = {
    "image": ("tensor(uint8)", [-1, -1, -1, 3]),
    "features": ("tensor(float)", [-1, -1]),
    "keywords": ("tensor(float)", [-1, -1]),
}


def check(path: Path) -> None:
    """Checks a finished ONNX file against the rules.

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
    _check_tensors(path.name, runtime.tensors(path))


def _check_tensors(file: str, found: dict[str, tuple[str, list[int]]]) -> None:
    if found.keys() != TENSORS.keys():
        raise ExportRefused(f"{file} has the tensors {sorted(found)}, not {sorted(TENSORS)}")
    for name, expected in TENSORS.items():
        if found[name] != expected:
            raise ExportRefused(
                f"{file} gives '{name}' as {found[name][0]} {found[name][1]}, where config.pbtxt"
                f" says {expected[0]} {expected[1]}"
            )
