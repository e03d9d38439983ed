"""Compares a result on a GPU with that on the CPU; each comparison returns one line."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deploy.gpu.machine import Environment, Wrong
from export import config
from local import photos
from sidecar import images
from sidecar.models import contract

PHOTOS = 23
INFERENCE = str(Path(__file__).with_name("inference.py"))
CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
# Neighbours that differ are equally far away: CPU and GPU sum in different orders.
SAME_NEIGHBOURS = 0.999
RECALL_APART = 0.02  # k-means starts at other points


@dataclass(frozen=True)
class Subject:
    """Names a version of the model to compare.

    Args:
        repository: the model repository.
        version: its number.
    """

    repository: Path
    version: int


def inference(environment: Environment, subject: Subject, provider: str, other: str = CPU) -> str:
    """Compares the features that a provider gives with those of another.

    Raises:
        Refused: it can't be run here.
        Wrong: it fails, or gives features that the contract would not accept.
    """
    stated = contract.read(subject.repository, subject.version)
    model = contract.folder(subject.repository, subject.version) / contract.MODEL_FILE
    pixels = _pixels(stated.resize, stated.crop)
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "images.npy", pixels)
        mine, shares = _features(environment, model, Path(folder), provider)
        wanted, _ = _features(environment, model, Path(folder), other)
    if not stated.accepts(mine[0]):
        raise Wrong("the golden image has other features than contract.json says")
    least = float((mine * wanted).sum(axis=1).min())
    if not least >= stated.golden_cosine:
        raise Wrong(f"least cosine with the CPU {least:.5f}, below {stated.golden_cosine}")
    computed = ", ".join(f"{name} {count}" for name, count in sorted(shares.items()))
    return f"least cosine with the CPU {least:.6f} over {len(pixels)} images; nodes: {computed}"


def training(environment: Environment, wish: str, size: int = 20_000, dimension: int = 256) -> str:
    """Compares an index trained on the device `wish` with one that the CPU trained.

    Raises:
        Refused: it can't be run here.
        Wrong: it fails, finds less, or has other true neighbours.
    """
    mine, wanted = (
        json.loads(environment.run("-m", "deploy.gpu.training", one, str(size), str(dimension)))
        for one in (wish, "cpu")
    )
    return agreement(mine, wanted)


def agreement(mine: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Compares the figures of one training with those of another; raises as `training`."""
    pairs = zip(mine["truth"], wanted["truth"], strict=True)
    same = float(np.mean([len(set(a) & set(b)) / len(b) for a, b in pairs]))
    if not same >= SAME_NEIGHBOURS:
        raise Wrong(f"only {same:.4f} of the true neighbours are the CPU's")
    recall, aim = float(mine["recall"]), float(wanted["recall"])
    if not recall >= aim - RECALL_APART:
        raise Wrong(f"recall@10 {recall:.4f}, where the CPU's index has {aim:.4f}")
    return f"recall@10 {recall:.4f}, the CPU's {aim:.4f}; the same true neighbours: {same:.4f}"


def _pixels(resize: int, crop: int) -> NDArray[np.uint8]:
    """Returns the golden image and packaged photos: uint8 [1 + PHOTOS, S, S, 3]."""
    cuts = [images.pixels(jpeg, resize, crop) for _, jpeg in photos.variations(PHOTOS)]
    return np.stack([contract.golden_image(crop), *cuts])


def _features(
    environment: Environment, model: Path, folder: Path, provider: str
) -> tuple[NDArray[np.float32], dict[str, int]]:
    """Returns a provider's features for the folder's images, and each provider's count of nodes."""
    options = _options(model, folder) if provider == TENSORRT else {}
    words = (str(model.resolve()), f"{folder}/images.npy", f"{folder}/features.npy", provider)
    printed = json.loads(environment.run(INFERENCE, *words, json.dumps(options)))
    return np.load(folder / "features.npy"), printed["nodes"]


def _options(model: Path, folder: Path) -> dict[str, str]:
    """Returns TensorRT's options as Triton's backend makes them from config.pbtxt's parameters."""
    crop = int(json.loads((model.parent / contract.CONTRACT_FILE).read_text())["crop"])
    given = config.tensorrt_parameters([crop])
    renamed = {
        "trt_fp16_enable": str(int(given.pop("precision_mode") == "FP16")),
        "trt_max_workspace_size": given.pop("max_workspace_size_bytes"),
    }
    here = {name: str(folder) for name in given if name.endswith("_cache_path")}
    return given | renamed | here
