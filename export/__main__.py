"""The command line of the export: it reads the arguments and publishes one version."""

import argparse
import sys
import time
from pathlib import Path

from export import configure, networks, pipeline, publish
from export.arguments import Parser, file, folder, natural, positive
from export.config import Purpose
from export.errors import ExportRefused
from export.networks import Network
from export.pipeline import Order
from sidecar.errors import SimilarityError

DESCRIPTION = "Make a version of the keywording model: torch -> ONNX -> checked -> repository."
EXAMPLES = """
examples:
  ImageNet weights that come with pip, for a CPU:
    python -m export --arch efficientnet-lite0 --precision int8 --version 1
  the same for a GPU, as another version:
    python -m export --arch efficientnet-lite0 --precision fp32 --version 2 --target cuda
  only config.pbtxt, for what is in the repository (see python -m export config --help):
    python -m export config --target tensorrt
  calibrated on photos like those that will be searched:
    python -m export --arch efficientnet-lite2 --precision int8 --version 3 --calibration photos/
  a timm model (pip install timm), with your own weights and labels:
    python -m export --arch timm/resnet50 --checkpoint w.pth --labels l.txt \\
        --precision fp32 --version 4
  any torch module:
    python -m export --module shop.network:build --checkpoint w.pth --resize 256 --crop 224 \\
        --labels l.txt --precision fp32 --version 5

A factory (shop.network:build above) takes no arguments and returns an nn.Module whose forward takes
float32 [N, 3, S, S], RGB, (x / 255 - mean) / std, and returns (features [N, D], logits [N, K]): the
pooled features before any normalisation, and one logit for each line of --labels. The graph adds
the rest: bytes to floats before it, L2 norm and softmax after it. A checkpoint holds tensors only
(torch.load with weights_only).
"""
FACTORY_OPTIONS = ("resize", "crop", "mean", "std")


def main(words: list[str] | None = None) -> int:
    """Runs the command line; returns 0 when a version was published, 2 when it was refused.

    Args:
        words: the arguments; None takes this process's own.
    """
    begun = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - begun:5.1f} s] {line}", flush=True)

    words = sys.argv[1:] if words is None else words
    try:
        if words[:1] == ["config"]:
            say(configure.run(words[1:]))
        else:
            say(_export(words, say))
    except (ExportRefused, SimilarityError) as error:
        print("export: " + " ".join(str(error).split()), file=sys.stderr)
        return 2
    return 0


def _export(words: list[str], say: pipeline.Say) -> str:
    """Makes a version as the arguments say."""
    arguments = _parser().parse_args(words)
    publish.check_free(arguments.repository, arguments.version, arguments.force)
    order = _order(arguments, configure.purpose(arguments))
    return f"published {pipeline.make(order, arguments.repository, arguments.force, say)}"


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m export",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    network = parser.add_mutually_exclusive_group(required=True)
    known = ", ".join(networks.EFFICIENTNET_LITE)
    network.add_argument("--arch", metavar="NAME", help=f"{known}, or timm/<name>")
    network.add_argument("--module", metavar="package.module:factory", help="see below")
    parser.add_argument(
        "--precision",
        choices=("int8", "fp32"),
        required=True,
        help="int8 for a CPU, fp32 for a GPU",
    )
    _add_version_options(parser)
    parser.add_argument("--checkpoint", type=file, metavar="FILE", help="weights to load")
    parser.add_argument("--labels", type=file, metavar="FILE", help="one keyword a line")
    parser.add_argument(
        "--calibration",
        type=folder,
        metavar="DIR",
        help="photos like yours, without labels: they set int8's ranges, choose the features, and"
        " say when two images are the same",
    )
    parser.add_argument(
        "--dimension",
        type=natural,
        metavar="D",
        help=f"features of an image; 0 keeps all the network has; default: {pipeline.DIMENSION}",
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="a file more, by which searches can be explained: what matches where",
    )
    configure.add_options(parser)
    _add_factory_options(parser)
    return parser


def _add_version_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--version", type=positive, required=True, metavar="N", help="number to make"
    )
    parser.add_argument(
        "--repository",
        type=Path,
        default=Path("model_repository"),
        metavar="DIR",
        help="the model repository; default: model_repository",
    )
    parser.add_argument("--force", action="store_true", help="replace a version of this number")


def _add_factory_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("with --module")
    group.add_argument("--resize", type=positive, metavar="R", help="short side, pixels")
    group.add_argument("--crop", type=positive, metavar="S", help="centre crop, pixels; at most R")
    for name in ("mean", "std"):
        group.add_argument(f"--{name}", type=float, nargs=3, help="in 0..1; default: ImageNet's")


def _order(arguments: argparse.Namespace, purpose: Purpose | None) -> Order:
    """Finds the network and its labels.

    Raises:
        ExportRefused: arguments that don't go together.
    """
    if arguments.module:
        network = _from_factory(arguments)
    else:
        given = [f"--{name}" for name in FACTORY_OPTIONS if getattr(arguments, name) is not None]
        if given:
            raise ExportRefused(f"{', '.join(given)}: only with --module; --arch has its own")
        network = networks.named(arguments.arch, arguments.checkpoint)
    return Order(
        network=network,
        architecture=arguments.arch or arguments.module,
        precision=arguments.precision,
        version=arguments.version,
        labels=pipeline.read_labels(arguments.labels or pipeline.IMAGENET_LABELS),
        dimension=arguments.dimension,
        calibration=arguments.calibration,
        explain=arguments.explain,
        purpose=purpose,
    )


def _from_factory(arguments: argparse.Namespace) -> Network:
    missing = [name for name in ("resize", "crop", "labels") if getattr(arguments, name) is None]
    if missing:
        raise ExportRefused("--module needs " + " and ".join(f"--{name}" for name in missing))
    if arguments.crop > arguments.resize:
        raise ExportRefused(f"--crop {arguments.crop} is more than --resize {arguments.resize}")
    return Network(
        networks.from_factory(arguments.module, arguments.checkpoint),
        arguments.resize,
        arguments.crop,
        tuple(arguments.mean or networks.IMAGENET_MEAN),
        tuple(arguments.std or networks.IMAGENET_STD),
    )


if __name__ == "__main__":
    sys.exit(main())
