"""Refuses what the C++ backend refuses: wrong parameters, and a config.pbtxt that does not fit the
model.

Settings for GPUs (accelerators, CUDA's parameters) are ignored, as the C++ backend does for an
instance on a CPU; without a GPU Triton makes KIND_AUTO such an instance.

Source: triton-inference-server/onnxruntime_backend, src/onnxruntime.cc and onnxruntime_utils.cc.
"""

import re
from typing import Any

# Types as config.pbtxt and as ONNX Runtime spell them.
TYPES = {
    "TYPE_BOOL": "tensor(bool)",
    "TYPE_UINT8": "tensor(uint8)",
    "TYPE_UINT16": "tensor(uint16)",
    "TYPE_UINT32": "tensor(uint32)",
    "TYPE_UINT64": "tensor(uint64)",
    "TYPE_INT8": "tensor(int8)",
    "TYPE_INT16": "tensor(int16)",
    "TYPE_INT32": "tensor(int32)",
    "TYPE_INT64": "tensor(int64)",
    "TYPE_FP16": "tensor(float16)",
    "TYPE_FP32": "tensor(float)",
    "TYPE_FP64": "tensor(double)",
    "TYPE_STRING": "tensor(string)",
}
SWITCHES = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


class Refused(Exception):
    """Says why the C++ backend would not load the model or its config."""


def parameter(config: dict[str, Any], name: str, default: str) -> str:
    """Returns a parameter of config.pbtxt as text."""
    return str(config.get("parameters", {}).get(name, {}).get("string_value", default))


def number(config: dict[str, Any], name: str, default: int) -> int:
    """Reads a parameter as C++'s stoi does: a number in front is enough."""
    text = parameter(config, name, str(default))
    found = re.match(r"\s*([+-]?\d+)", text)
    if not found or not -(2**31) <= int(found[1]) < 2**31:
        raise Refused(f"parameter {name} is '{text}', no whole number")
    return int(found[1])


def switch(config: dict[str, Any], name: str, default: bool) -> bool:
    """Reads a parameter as Triton reads a truth value."""
    text = parameter(config, name, str(default))
    if text.lower() not in SWITCHES:
        raise Refused(f"parameter {name} is '{text}', neither true nor false")
    return SWITCHES[text.lower()]


def check_runtime(config_text: str) -> None:
    """Refuses a config.pbtxt that asks for a Python backend. The server itself writes this runtime
    into the config that it hands over, so only the file says what was asked for."""
    if re.search(r"""^[^#]*\bruntime\s*:\s*["']model\.py["']""", config_text, re.MULTILINE):
        raise Refused("the C++ backend has no runtime model.py")


def check(config: dict[str, Any], session: Any) -> None:
    """Checks the config's tensors against those that ONNX Runtime infers."""
    if config.get("batch_input"):
        raise Refused("this stand-in has no batch_input")
    accelerators = config.get("optimization", {}).get("execution_accelerators", {})
    if accelerators.get("cpu_execution_accelerator"):
        raise Refused("this stand-in has no cpu_execution_accelerator")
    inputs = {entry.name: entry for entry in session.get_inputs()}
    outputs = {entry.name: entry for entry in session.get_outputs()}
    for name, entry in [*inputs.items(), *outputs.items()]:
        if not entry.type.startswith("tensor("):
            raise Refused(f"'{name}' of the model is {entry.type}, no tensor")
    count = len(config["input"]) + len(controls(config))
    if len(inputs) != count:
        raise Refused(f"the config has {count} inputs, the model {len(inputs)}")
    for name in set(controls(config)) - inputs.keys():
        raise Refused(f"the model has no '{name}', which sequence_batching asks for")
    batched = config.get("max_batch_size", 0) > 0
    for entry in config["input"]:
        if entry.get("optional") or entry.get("allow_ragged_batch"):
            raise Refused(f"input '{entry['name']}': optional and ragged inputs can't be batched")
        _check_tensor(entry, inputs, batched, exact=False)
    for entry in config["output"]:
        _check_tensor(entry, outputs, batched, exact=True)


def controls(config: dict[str, Any]) -> list[str]:
    """Returns the inputs that the server adds to the requests of a sequence."""
    batching = config.get("sequence_batching") or {}
    return [entry["name"] for entry in batching.get("control_input", [])]


def _dims(entry: dict[str, Any]) -> list[Any]:
    """Returns the dims that the model sees, which the server reshapes a tensor to and from."""
    reshaped = entry.get("reshape")
    dims: list[Any] = reshaped.get("shape", []) if reshaped else entry["dims"]
    return dims


def _check_tensor(entry: dict[str, Any], found: dict[str, Any], batched: bool, exact: bool) -> None:
    """Checks one tensor: its name, its type, and its dims, where -1 equals only -1.

    An input that the model leaves open may be narrowed by the config (`exact` is False); what the
    model fixes, the config must say.
    """
    name = entry["name"]
    if name not in found:
        raise Refused(f"the model has no '{name}'; it has {', '.join(sorted(found))}")
    if TYPES.get(entry["data_type"]) != found[name].type:
        raise Refused(
            f"'{name}' is {entry['data_type']} in the config, {found[name].type} in the model"
        )
    model = [dim if isinstance(dim, int) else -1 for dim in found[name].shape]
    dims = ([-1] if batched else []) + [int(dim) for dim in _dims(entry)]
    if batched and model[:1] != [-1]:
        raise Refused(f"'{name}' can't be batched: its first dim is fixed, {model}")
    fits = len(model) == len(dims) and all(
        dim == given or (dim == -1 and not exact) for dim, given in zip(model, dims, strict=True)
    )
    if not fits:
        raise Refused(f"'{name}' has the dims {model} in the model, {dims} in the config")
