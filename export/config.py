"""Renders config.pbtxt for where the model runs, and keeps one that was changed by hand.

    cpu        batches of 8; with --cores, threads for the machine that will serve
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

from export.publish import CONFIG_FILE
from sidecar.models.contract import MODEL

BATCHES = {"cpu": 8, "cuda": 32, "tensorrt": 32}  # images in one run, by target
TARGETS = tuple(BATCHES)
ENGINES = "/engines"  # in Triton's container; a volume there outlives it
WORKSPACE_BYTES = 1 << 30
UNSET_THREADS = (
    "# Threads: unset, for the Triton of make up, which divides the cores among the instances.\n"
    "# The one in the container gives each all of them: python -m export config --cores N\n"
)
THREADS = (
    "# Threads of an instance: $cores cores, among the processes of the sidecar.\n"
    'parameters { key: "intra_op_thread_count" value { string_value: "$threads" } }\n'
)
HEAD = re.compile(
    r"# Made by: python -m export config --target (\w+) --processes (\d+)(?: --cores (\d+))?\n"
    r"# SHA-256 of what follows, while nobody has changed it: (\w{64})\n\n"
)


@dataclass(frozen=True)
class Purpose:
    """Says what a config.pbtxt is made for.

    Args:
        target: one of TARGETS.
        processes: how many of the sidecar's answer HTTP.
        cores: of the machine that will serve, with the target cpu; 0 sets no threads.
    """

    target: str = "cpu"
    processes: int = 2
    cores: int = 0

    @property
    def arguments(self) -> str:
        """The words of the command that renders the same."""
        cores = f" --cores {self.cores}" if self.cores else ""
        return f"--target {self.target} --processes {self.processes}{cores}"

    @property
    def threads(self) -> int:
        """Of each instance: as many run at a time as there are processes, which have one call with
        adds in flight each."""
        return max(1, self.cores // self.processes)


def render(purpose: Purpose, sizes: Sequence[int]) -> str:
    """Returns the text of config.pbtxt.

    Args:
        sizes: S of each version, pixels; only TensorRT asks.
    """
    text = _template(CONFIG_FILE).substitute(
        max_batch_size=BATCHES[purpose.target], instances=purpose.processes + 1
    )
    threads = Template(THREADS if purpose.cores else UNSET_THREADS)
    text += threads.substitute(cores=purpose.cores, threads=purpose.threads)
    if purpose.target != "cpu":
        text += _template("config.cuda.pbtxt").template
    if purpose.target == "tensorrt":
        lines = (
            f'  parameters {{ key: "{key}" value: "{value}" }}'
            for key, value in tensorrt_parameters(sizes).items()
        )
        text += _template("config.tensorrt.pbtxt").substitute(parameters="\n".join(lines))
    head = (
        f"# Made by: python -m export config {purpose.arguments}\n"
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
    if head is None or head[1] not in TARGETS or head[4] != _digest(text[head.end() :]):
        return None
    return Purpose(head[1], int(head[2]), int(head[3] or 0))


def read(repository: Path) -> str | None:
    """Returns the text of a repository's config.pbtxt; None where there is none."""
    path = repository / MODEL / CONFIG_FILE
    return path.read_text(encoding="utf-8") if path.exists() else None


def _template(name: str) -> Template:
    return Template(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
