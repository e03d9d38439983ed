"""Runs, describes and quantises graphs. The one door to onnxruntime in this package.

How int8 is made, measured for efficientnet-lite0 on 1,000 ImageNet photos (fp32: top-1 0.855) on a
CPU with AVX2 and without VNNI:

    uint8 x int8, all 8 bits       0.809   pairs of products overflow 16 bits and saturate
    int8 x int8, all 8 bits        0.811   the same, and slower
    uint8 x uint8                  0.852   exact, but 12 images/s; older runtimes refuse it
    uint8 x 7 bits                 0.836   no overflow, so the same on every CPU
    + 8 bits in depthwise weights  0.844   their kernel sums in 32 bits: no overflow there
    + stem in fp32                 0.847   and no slower: it has few channels

The last is used, with the two blocks after the stem in fp32 too. How near the features then are to
fp32's (mean and least cosine on 2,060 photos), precision at 5 on 1,060 of them by 53 labels (fp32:
.8232), and milliseconds of processor time for eight images, in one run:

    stem alone in fp32         .9837  .808   .8126   81.5
    and the first block        .9920  .964   .8168   84.9
    and the second             .9933  .974   .8175   86.2

Their clips as well changed nothing; the third block too cost 8 ms and gave nothing. What remains
between kernels (AVX2 against exact arithmetic) was, before those blocks, a cosine of 0.998 at worst
over photos and 0.9997 for the golden image.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime import quantization as ort_quantization

from export.errors import ExportRefused
from export.graph import Convolutions

QUANTISED_OPERATORS = ["Conv", "Add", "Gemm", "Clip"]
BATCH = 10  # images a run
ERRORS_ONLY = 3  # onnxruntime's severity


def run(path: Path, images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Runs the very file over images.

    Args:
        path: an ONNX file of a version.
        images: uint8 [N, S, S, 3], RGB.
    Returns:
        features float32 [N, D] and keywords float32 [N, K].
    Raises:
        ExportRefused: ONNX Runtime doesn't take the file.
    """
    features, keywords = _outputs(path, images, ["features", "keywords"])
    return features, keywords


def regions(path: Path, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns what each region of images adds to their features, float32 [N, H, W, D]; arguments
    and errors as `run`."""
    return _outputs(path, images, ["regions"])[0]


def _outputs(path: Path, images: NDArray[np.uint8], names: list[str]) -> list[NDArray[np.float32]]:
    """Returns outputs of a file over images, batch by batch."""
    session = _session(path)
    batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
    outputs = [session.run(names, {"image": batch}) for batch in batches]
    return [np.concatenate(each) for each in zip(*outputs, strict=True)]


def tensors(path: Path) -> dict[str, tuple[str, list[int]]]:
    """Returns the inputs and outputs of a graph as ONNX Runtime infers them.

    Returns:
        name -> (type as ONNX Runtime spells it, dims with -1 where it infers none).
    """
    session = _session(path)
    found = [*session.get_inputs(), *session.get_outputs()]
    return {
        tensor.name: (tensor.type, [dim if isinstance(dim, int) else -1 for dim in tensor.shape])
        for tensor in found
    }


def simplify(source: Path, target: Path) -> None:
    """Folds constants and padding, by rules that hold on every CPU; quantising needs it."""
    options = _options()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    _session(source, options)


def quantise(source: Path, target: Path, parts: Convolutions, images: NDArray[np.uint8]) -> None:
    """Writes the int8 form of a simplified graph, as the module's docstring says.

    Args:
        source: an fp32 ONNX file, simplified.
        target: where the int8 file goes.
        parts: the convolutions of the source.
        images: uint8 [N, S, S, 3], on which the ranges of the activations are measured.
    """
    types = ort_quantization.QuantType
    full = {"quant_type": types.QInt8, "symmetric": True, "reduce_range": False, "axis": 0}
    with _quiet():
        ort_quantization.quantize_static(
            str(source),
            str(target),
            _Calibration(images),
            quant_format=ort_quantization.QuantFormat.QDQ,
            op_types_to_quantize=QUANTISED_OPERATORS,
            nodes_to_exclude=list(parts.first),
            per_channel=True,
            reduce_range=True,
            activation_type=types.QUInt8,
            weight_type=types.QInt8,
            calibrate_method=ort_quantization.CalibrationMethod.MinMax,
            extra_options={"TensorQuantOverrides": {name: [full] for name in parts.depthwise}},
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences the quantiser's advice to simplify first, which was done."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


class _Calibration(ort_quantization.CalibrationDataReader):  # type: ignore[misc]
    """Gives the quantiser its images, a batch at a time."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        starts = range(0, len(images), BATCH)
        self._batches: Iterator[NDArray[np.uint8]] = iter(
            images[start : start + BATCH] for start in starts
        )

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"image": batch}


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    return options


def _session(path: Path, options: Any = None) -> Any:
    try:
        return onnxruntime.InferenceSession(
            str(path), options or _options(), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's exceptions share no public root
        raise ExportRefused(f"ONNX Runtime doesn't take {path.name}: {error}") from error
