"""Whether the versions in a repository and their one config.pbtxt go together."""

import re
from pathlib import Path

from export import graph
from export.config import Purpose
from export.errors import ExportRefused
from sidecar.models import contract
from sidecar.models.contract import MODEL_FILE

MOST_THREADS = 1024
NUMBER = re.compile(
    r"key\s*:\s*[\"'](int(?:ra|er)_op_thread_count)[\"']\s*,?\s*value\s*:?\s*"
    r"\{\s*string_value\s*:\s*[\"']([^\"']*)[\"']"
)


def check(purpose: Purpose, repository: Path, but: int = 0) -> None:
    """Refuses a target that a version in the repository can't run on.

    Args:
        but: a version that is about to be replaced, and is not checked.
    Raises:
        ExportRefused: a version can't run on it; the text names the version and what to do.
    """
    if purpose.target == "tensorrt":
        for version in contract.versions(repository):
            if version != but:
                check_tensorrt(contract.folder(repository, version) / MODEL_FILE, version)


def check_tensorrt(model: Path, version: int) -> None:
    """Refuses an ONNX file that TensorRT would not take in one piece."""
    if graph.is_quantised(model):
        raise ExportRefused(
            f"version {version} is int8, which TensorRT does not take: --target cuda runs it"
            " beside one of fp32 until it is retired"
        )
    if not graph.takes_bytes(model):
        raise ExportRefused(
            f"version {version} is of an earlier release, and TensorRT does not take its input of"
            " bytes: export it again, as another version"
        )


def sizes(repository: Path, coming: tuple[int, int] | None = None) -> list[int]:
    """Returns S of each version in a repository, pixels, ascending.

    Args:
        coming: number and S of a version that is about to be published.
    """
    found = {v: contract.read(repository, v).crop for v in contract.versions(repository)}
    return sorted({**found, **dict([coming] if coming else [])}.values())


def check_numbers(text: str) -> None:
    """Refuses a number of threads in a config.pbtxt that was changed by hand, where it would end
    the server: the C++ backend reads it by std::stoi and catches nothing.

    Raises:
        ExportRefused: the text names the parameter and its limit.
    """
    for name, value in NUMBER.findall(re.sub(r"#.*", "", text)):
        if not value.isdecimal() or int(value) > MOST_THREADS:
            raise ExportRefused(
                f"config.pbtxt sets {name} to '{value}': it must be 0 to {MOST_THREADS} threads"
            )
