"""Renders config.pbtxt for where the model runs, and keeps one that was changed by hand.

    cpu        batches of 8
    cuda       batches of 32; any precision
    tensorrt   batches of 32, half precision; the versions are exported as fp32

The texts are templates, so that each number stands beside its reason. The head of a rendered file
says what it was made for and the SHA-256 of the rest: while both agree, an export renders it anew.

int8 is not for TensorRT. It takes symmetric scales alone (zero points of 0), and int8 as exported
here has the uint8 activations that CPUs want: the graph would fall into hundreds of pieces, none of
which the profile names. On CUDA the same file runs, in fp32 between its roundings: right, and
slower than fp32 itself.

Sources: triton-inference-server/onnxruntime_backend, README.md and src/onnxruntime.cc (names and
values of parameters; an unknown one for "tensorrt" is refused; accelerators of GPUs are read for
instances on GPUs alone); triton-inference-server/core, src/model_config_utils.cc (KIND_AUTO without
a GPU is KIND_CPU); microsoft/onnxruntime, tensorrt_execution_provider.cc (with a profile, the
engine is built when a session is made; the cache compares profiles, and is locked).
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from export import graph
from export.errors import ExportRefused
from export.publish import CONFIG_FILE
from sidecar.models import contract
from sidecar.models.contract import MODEL, MODEL_FILE

BATCHES = {"cpu": 8, "cuda": 32, "tensorrt": 32}  # images in one run, by target
TARGETS = tuple(BATCHES)
MOST_THREADS = 1024
NUMBER = re.compile(
    r"key\s*:\s*[\"'](int(?:ra|er)_op_thread_count)[\"']\s*,?\s*value\s*:?\s*"
    r"\{\s*string_value\s*:\s*[\"']([^\"']*)[\"']"
)
ENGINES = "/engines"  # in Triton's container; a volume there outlives it
WORKSPACE_BYTES = 1 << 30
HEAD = re.compile(
    r"# Made by: python -m export config --target (\w+) --processes (\d+)\n"
    r"# SHA-256 of what follows, while nobody has changed it: (\w{64})\n\n"
)


@dataclass(frozen=True)
class Purpose:
    """Says what a config.pbtxt is made for.

    Args:
        target: one of TARGETS.
        processes: how many of the sidecar's answer HTTP.
    """

    target: str = "cpu"
    processes: int = 2


def render(purpose: Purpose, sizes: Sequence[int]) -> str:
    """Returns the text of config.pbtxt.

    Args:
        sizes: S of each version, pixels; only TensorRT asks.
    """
    text = _template(CONFIG_FILE).substitute(
        max_batch_size=BATCHES[purpose.target], instances=purpose.processes + 1
    )
    if purpose.target != "cpu":
        text += _template("config.cuda.pbtxt").template
    if purpose.target == "tensorrt":
        lines = (
            f'  parameters {{ key: "{key}" value: "{value}" }}'
            for key, value in tensorrt_parameters(sizes).items()
        )
        text += _template("config.tensorrt.pbtxt").substitute(parameters="\n".join(lines))
    head = (
        f"# Made by: python -m export config --target {purpose.target}"
        f" --processes {purpose.processes}\n"
        f"# SHA-256 of what follows, while nobody has changed it: {_digest(text)}\n\n"
    )
    return head + text


def tensorrt_parameters(sizes: Sequence[int]) -> dict[str, str]:
    """Returns Triton's parameters of TensorRT for versions of these sizes S, pixels.

    The profile is tuned for full batches of the largest images: adds fill them, and they are most
    of a GPU's work.
    """
    batch, least, most = BATCHES["tensorrt"], min(sizes), max(sizes)
    full = f"image:{batch}x{most}x{most}x3"
    return {
        "precision_mode": "FP16",
        "max_workspace_size_bytes": str(WORKSPACE_BYTES),
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": ENGINES,
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": ENGINES,
        "trt_profile_min_shapes": f"image:1x{least}x{least}x3",
        "trt_profile_opt_shapes": full,
        "trt_profile_max_shapes": full,
    }


def purpose_of(text: str) -> Purpose | None:
    """Returns what a text was rendered for; None where it was changed by hand since."""
    head = HEAD.match(text)
    if head is None or head[1] not in TARGETS or head[3] != _digest(text[head.end() :]):
        return None
    return Purpose(head[1], int(head[2]))


def read(repository: Path) -> str | None:
    """Returns the text of a repository's config.pbtxt; None where there is none."""
    path = repository / MODEL / CONFIG_FILE
    return path.read_text(encoding="utf-8") if path.exists() else None


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


def _template(name: str) -> Template:
    return Template(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
