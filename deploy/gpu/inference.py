"""Runs a model by one execution provider of ONNX Runtime; needs only onnxruntime and numpy.

    python inference.py MODEL IMAGES.npy FEATURES.npy PROVIDER [OPTIONS as JSON]

It prints one JSON object: ONNX Runtime's version, and how many nodes each provider computed.
"""

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

NO_PROVIDER = 3  # exit status: ONNX Runtime went on without it


def main(model: str, images: str, features: str, provider: str, options: str = "{}") -> int:
    """Runs a model over images and prints which provider computed it."""
    with tempfile.TemporaryDirectory() as folder:
        session = _session(model, provider, json.loads(options), folder)
        if provider not in session.get_providers():
            print(f"{provider} is not available", file=sys.stderr)
            return NO_PROVIDER
        pixels: NDArray[np.uint8] = np.load(images)
        parts = [part for part in (pixels[:1], pixels[1:]) if len(part)]  # alone, and in a batch
        runs = [session.run(["features"], {"image": part})[0] for part in parts]
        np.save(features, np.concatenate(runs))
        nodes = _shares(Path(session.end_profiling()))
        print(json.dumps({"onnxruntime": onnxruntime.__version__, "nodes": nodes}))
    return 0


def _session(model: str, provider: str, options: dict[str, str], folder: str) -> Any:
    wanted = onnxruntime.SessionOptions()
    wanted.enable_profiling = True
    wanted.profile_file_prefix = f"{folder}/profile"
    providers: list[Any] = [(provider, options)]
    if provider == "TensorrtExecutionProvider":
        providers.append("CUDAExecutionProvider")
    return onnxruntime.InferenceSession(model, wanted, providers=providers)


def _shares(profile: Path) -> dict[str, int]:
    """Counts nodes by the provider that computed them, in both runs together."""
    found = (event.get("args", {}).get("provider") for event in json.loads(profile.read_text()))
    return Counter(provider for provider in found if provider)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
