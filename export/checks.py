"""What a graph must be, so that every Triton takes it under the one config.pbtxt."""

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
    """Check the file itself against the rules.

    Raises:
        ExportRefused: it breaks one; the text says which.
    """
    stamp = graph.stamp(path)
    if stamp.ir > IR_MAX:
        raise ExportRefused(f"{path.name} has IR version {stamp.ir}; at most {IR_MAX} loads")
    if not 1 <= stamp.opset <= OPSET_MAX:
        raise ExportRefused(f"{path.name} has opset {stamp.opset}; at most {OPSET_MAX} loads")
    if stamp.domains:
        raise ExportRefused(f"{path.name} needs operators of {', '.join(stamp.domains)}")
    _check_tensors(path.name, runtime.tensors(path))


def _check_tensors(file: str, found: dict[str, tuple[str, list[int]]]) -> None:
    if found.keys() != TENSORS.keys():
        raise ExportRefused(f"{file} has the tensors {sorted(found)}, not {sorted(TENSORS)}")
    for name, wanted in TENSORS.items():
        if found[name] != wanted:
            raise ExportRefused(
                f"{file} gives '{name}' as {found[name][0]} {found[name][1]}, where Triton's config"
                f" says {wanted[0]} {wanted[1]}"
            )
