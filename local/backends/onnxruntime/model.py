"""Triton's ONNX Runtime backend in Python, for a server that has no C++ one.

It accepts and refuses the same parameters and models as the C++ backend of Triton 24.10 (`rules`):
a repository that works here works in the container. It runs on the CPU.

Where the config sets no threads, the cores are divided among all instances but one, which is left
for requests that overtake. An instance cuts its batch into small parts that run side by side on
one thread each: 24 images on 2 cores took 139 ms, where one run on two threads took 175
(int8; fp32 284 against 348). Fewer images than cores run as one batch on all cores.
"""

import json
import os
from collections import defaultdict
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb  # type: ignore[import-not-found]
from rules import Refused, check, check_runtime, controls, number, parameter, switch  # type: ignore[import-not-found]

LEVELS = {
    0: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    -1: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    1: onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    2: onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
}
MODES = (onnxruntime.ExecutionMode.ORT_SEQUENTIAL, onnxruntime.ExecutionMode.ORT_PARALLEL)
SPINNING = "session.intra_op.allow_spinning"  # idle threads would take the cores from the clients
INITIALIZERS = "session.use_device_allocator_for_initializers"
SHRINKAGE = "memory.enable_memory_arena_shrinkage"
NICE = 10  # the priority of a thread that works on a batch
PART = 2  # images: no lane waits long for another to finish
Outputs = dict[str, Any]  # name -> array [N, ...]


class TritonPythonModel:
    """Serves one version of a model, as Triton's Python backend wants it."""

    def initialize(self, args: dict[str, str]) -> None:
        """Opens the version's ONNX file and checks it against config.pbtxt."""
        config = json.loads(args["model_config"])
        folder = Path(args["model_repository"])
        try:
            check_runtime(_asked(folder / "config.pbtxt"))
            path = _model_file(folder / args["model_version"], config)
            self.graph = Graph(path, config)
            check(config, self.graph.session)
        except Refused as error:
            raise pb.TritonModelException(f"unable to load '{config['name']}': {error}") from error
        self.inputs = [entry["name"] for entry in config["input"]] + controls(config)
        self.outputs = [entry["name"] for entry in config["output"]]
        self.is_scattering = bool(config.get("batch_output"))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers a dynamic batch: one run for all requests of the same shape.

        Raises:
            TritonModelException: all of them failed.
        """
        responses: list[Any] = [None] * len(requests)
        groups: dict[Any, list[int]] = defaultdict(list)
        failed: list[str] = []
        tensors = [self._tensors(request) for request in requests]
        for position, arrays in enumerate(tensors):
            groups[tuple(array.shape[1:] for array in arrays)].append(position)
        for group in groups.values():
            asked = [requests[at] for at in group]
            try:
                answers = self._run([tensors[at] for at in group], asked)
            except Exception as error:  # ONNX Runtime can raise anything: only this shape fails
                failed.append(f"inference failed: {error}")
                answers = [_failure(failed[-1]) for _ in group]
            for position, answer in zip(group, answers, strict=True):
                responses[position] = answer
        if len(failed) == len(groups):
            # Only so the server counts failures: an answer that is an error is a success to it.
            raise pb.TritonModelException("; ".join(failed))
        return responses

    def _tensors(self, request: Any) -> list[Any]:
        return [pb.get_input_tensor_by_name(request, name).as_numpy() for name in self.inputs]

    def _run(self, tensors: list[Any], requests: list[Any]) -> list[Any]:
        """Joins inputs along the batch, runs once for all requested outputs, splits the results."""
        if self.is_scattering:
            raise NotImplementedError("this stand-in loads batch_output, and can't answer with it")
        asked = [self._in_order(request.requested_output_names()) for request in requests]
        joined = (_join(parts) for parts in zip(*tensors, strict=True))
        feed = dict(zip(self.inputs, joined, strict=True))
        outputs = self.graph.run(sorted({name for names in asked for name in names}), feed)
        answers, start = [], 0
        for arrays, names in zip(tensors, asked, strict=True):
            stop = start + len(arrays[0])
            parts = [pb.Tensor(name, _plain(outputs[name][start:stop])) for name in names]
            answers.append(pb.InferenceResponse(output_tensors=parts))
            start = stop
        return answers

    def _in_order(self, names: Collection[str]) -> list[str]:
        """Returns outputs in the order of the config. The C++ backend answers in the order asked,
        which a Python backend can't know: it gets a set."""
        return [name for name in self.outputs if name in names]


class Graph:
    """Runs an ONNX file on the cores of this machine.

    Args:
        path: the file.
        config: the model's config.pbtxt, as Triton gives it.
    Raises:
        Refused: a parameter is wrong, or ONNX Runtime refuses the file.
    """

    def __init__(self, path: Path, config: dict[str, Any]) -> None:
        self.cores = len(os.sched_getaffinity(0))
        threads = number(config, "intra_op_thread_count", 0)
        self.run_options = _run_options(config)
        self.session = _open(path, _session_options(config, threads if threads > 0 else self.cores))
        self.lanes = None
        if threads <= 0 and self.cores > 1:
            instances = sum(group["count"] for group in config["instance_group"])
            busy = max(1, instances - 1)  # the last one is for requests that overtake
            self.lanes = ThreadPoolExecutor(max(1, self.cores // busy), initializer=_step_back)
            self.single = _open(path, _session_options(config, 1))

    def run(self, wanted: list[str], feed: dict[str, Any]) -> Outputs:
        """Computes the outputs `wanted` for a batch."""
        images = len(next(iter(feed.values())))
        if self.lanes is None or images < self.cores:
            return self._compute(self.session, wanted, feed)
        starts = range(0, images, PART)
        parts = [{name: a[at : at + PART] for name, a in feed.items()} for at in starts]
        results = list(self.lanes.map(lambda part: self._compute(self.single, wanted, part), parts))
        return {name: np.concatenate([result[name] for result in results]) for name in wanted}

    def _compute(self, session: Any, wanted: list[str], feed: dict[str, Any]) -> Outputs:
        return dict(zip(wanted, session.run(wanted, feed, self.run_options), strict=True))


def _asked(path: Path) -> str:
    """Returns what a config.pbtxt asks for; "" where it came with the request to load."""
    return path.read_text() if path.exists() else ""


def _failure(text: str) -> Any:
    """Makes an answer with an error of its own: one TritonError in two answers is a crash."""
    return pb.InferenceResponse(error=pb.TritonError(text))


def _plain(array: Any) -> Any:
    """Returns text as the bytes that the server carries."""
    return (
        np.char.encode(array.astype(str), "utf-8").astype(object)
        if array.dtype == object
        else array
    )


def _join(parts: tuple[Any, ...]) -> Any:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _model_file(folder: Path, config: dict[str, Any]) -> Path:
    path = folder / (config.get("default_model_filename") or "model.onnx")
    if path.is_dir():
        path = path / "model.onnx"
    if not path.exists():
        raise Refused(f"there is no file {path}")
    return path


def _open(path: Path, options: Any) -> Any:
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # a damaged file, an IR above 10, an opset above 21, a bad graph
        raise Refused(f"ONNX Runtime refuses {path.name}: {error}") from error


def _session_options(config: dict[str, Any], threads: int) -> Any:
    """Returns session options by the parameters' names in the C++ backend."""
    options = onnxruntime.SessionOptions()
    level = int(config.get("optimization", {}).get("graph", {}).get("level", 0))
    options.graph_optimization_level = LEVELS.get(level, LEVELS[0])
    mode = number(config, "execution_mode", 0)
    if mode not in (0, 1):
        raise Refused(f"execution_mode is {mode}, where 0 and 1 are known")
    options.execution_mode = MODES[mode]
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = max(0, number(config, "inter_op_thread_count", 0))
    options.enable_cpu_mem_arena = switch(config, "enable_mem_arena", True)
    options.enable_mem_pattern = switch(config, "enable_mem_pattern", True)
    options.add_session_config_entry(SPINNING, "0")
    _register_operations(options, config)
    if INITIALIZERS in config.get("parameters", {}):
        options.add_session_config_entry(INITIALIZERS, parameter(config, INITIALIZERS, ""))
    return options


def _register_operations(options: Any, config: dict[str, Any]) -> None:
    """Loads the libraries of operators that the config names."""
    for library in config.get("model_operations", {}).get("op_library_filename", []):
        try:
            options.register_custom_ops_library(library)
        except Exception as error:  # there is no such file, or it is no such library
            raise Refused(f"ONNX Runtime refuses {library}: {error}") from error


def _step_back() -> None:
    """Lowers this thread's priority: a single image, or the service, goes first."""
    os.setpriority(os.PRIO_PROCESS, 0, NICE)  # of the calling thread alone, in Linux


def _run_options(config: dict[str, Any]) -> Any:
    options = onnxruntime.RunOptions()
    if SHRINKAGE in config.get("parameters", {}):
        options.add_run_config_entry(SHRINKAGE, parameter(config, SHRINKAGE, ""))
    return options
