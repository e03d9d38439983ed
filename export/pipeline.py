"""Makes a version step by step, from a network to a published folder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export import (
    checks,
    config,
    fitting,
    graph,
    networks,
    publish,
    regions,
    runtime,
    same_image,
    samples,
)
from export import projection as projections
from export.config import Purpose
from export.errors import ExportRefused
from export.networks import Network
from export.projection import Projection
from sidecar.files import sha256_of
from sidecar.models import contract
from sidecar.models import golden as golden_photo
from sidecar.models.contract import Contract

IMAGENET_LABELS = Path(__file__).with_name("imagenet.txt")
# 60, 100 and 200 packaged photos gave lite0 the same top-1 (0.845, 0.844, 0.844).
CALIBRATION_PHOTOS = 60
COMPARED_PHOTOS = 40
PROJECTION_PHOTOS = 100  # see projection.py
DIMENSION = 512  # of features, where a network gives more
ROWS_AN_AXIS = 1.5  # photos and labels that a projection takes for each of its axes
# The least cosine, on the golden image, between what a server gives and what is recorded.
# fp32: other kernels differ by 1e-6, half precision by about 1e-4; int8 of lite0 is at 0.9915.
# int8: kernels with other roundings (unfused ones against AVX2's) are at 0.9998; fp32 is at 0.9915,
# and at 0.9932 for the golden photo.
GOLDEN_COSINE = {"fp32": 0.999, "int8": 0.9965}
PARITY_COSINE = 0.9999  # of torch and ONNX Runtime on one photo, both fp32
INT8_COSINE = 0.9  # mean, of int8 and fp32; below that int8 broke the network

Say = Callable[[str], None]


@dataclass(frozen=True)
class Order:
    """Says what to make.

    Args:
        network: ready to be exported.
        architecture: the network's name, for people.
        precision: "fp32" or "int8".
        version: its number in the repository.
        labels: the K keywords, in the order of the logits.
        dimension: how many features the version gives; 0 keeps all, None decides.
        calibration: a folder of images for int8, the projection and the probability of the same
            image; None takes the packaged photos.
        explain: whether the version can say what each region adds to the features.
        purpose: what config.pbtxt is made for; None leaves it as it is.
    """

    network: Network
    architecture: str
    precision: str
    version: int
    labels: tuple[str, ...]
    dimension: int | None
    calibration: Path | None
    explain: bool
    purpose: Purpose | None


def read_labels(path: Path) -> tuple[str, ...]:
    """Reads a labels file: one keyword a line, in the order of the logits.

    Raises:
        ExportRefused: the file can't be read, or a line is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ExportRefused(f"--labels {path} can't be read: {error}") from error
    if not lines or not all(line.strip() for line in lines):
        raise ExportRefused(f"--labels {path} must have one keyword on each line, and none empty")
    return tuple(line.strip() for line in lines)


def make(order: Order, repository: Path, force: bool, say: Say) -> Path:
    """Exports, checks and publishes a version; returns its folder.

    Raises:
        ExportRefused: the version breaks a rule; the repository is as before.
    """
    publish.check_free(repository, order.version, force)
    _check_purpose(order, repository)
    with publish.staging(repository, order.version) as staged:
        folder = staged / "version"
        folder.mkdir()
        model = folder / contract.MODEL_FILE
        say(f"exporting {order.architecture} to ONNX")
        _write_fp32(order, staged / "fp32.onnx", say)
        if order.precision == "int8":
            _write_int8(order, staged, model, say)
        else:
            (staged / "fp32.onnx").rename(model)
        graph.sign(model)
        checks.check(model)
        sizes = _write_regions(order, folder, model, say) if order.explain else None
        _write_contract(order, folder, model, sizes, say)
        text = _config(order, repository, model, say)
        return publish.publish(staged, repository, order.version, force, text)


def _check_purpose(order: Order, repository: Path) -> None:
    """Refuses what can't run on its target, before the work is done."""
    if order.purpose:
        fitting.check(order.purpose, repository, but=order.version)
        if order.purpose.target == "tensorrt" and order.precision == "int8":
            raise ExportRefused("--target tensorrt takes no int8: use --precision fp32")


def _config(order: Order, repository: Path, model: Path, say: Say) -> str | None:
    """Returns the config.pbtxt under which the new version can be loaded too."""
    if order.purpose is None:
        say("note: config.pbtxt was changed by hand and stays as it is")
        return None
    if order.purpose.target == "tensorrt":
        fitting.check_tensorrt(model, order.version)
    crops = fitting.sizes(repository, (order.version, order.network.crop))
    return config.render(order.purpose, crops)


def _write_fp32(order: Order, path: Path, say: Say) -> None:
    """Writes the graph with torch and compares it with torch on real photos."""
    networks.to_onnx(order.network, path)
    projection = _projection(order, path, say)
    if projection is not None:
        networks.to_onnx(order.network, path, projection)
    graph.clean(path)
    checks.check(path)
    pixels = samples.packaged(order.network, 0, 8)
    features, keywords = runtime.run(path, pixels)
    torch_features, torch_keywords = networks.run(order.network, pixels, projection)
    if keywords.shape[1] != len(order.labels):
        raise ExportRefused(
            f"{len(order.labels)} labels for {keywords.shape[1]} logits of the network (--labels)"
        )
    cosine = float((features * torch_features).sum(1).min())
    difference = float(np.abs(keywords - torch_keywords).max())
    say(f"against torch: least cosine {cosine:.6f}, largest difference {difference:.1e}")
    if not cosine >= PARITY_COSINE:
        raise ExportRefused(
            f"the ONNX graph gives other features than torch: least cosine {cosine:.6f}, below"
            f" {PARITY_COSINE}"
        )


def _projection(order: Order, path: Path, say: Say) -> Projection | None:
    """Learns the projection of a version; None where it keeps all features.

    Args:
        path: the graph that gives them all.
    """
    if order.dimension == 0:
        return None
    every = runtime.run(path, samples.packaged(order.network, 0, 1))[0].shape[1]
    wanted = order.dimension or DIMENSION
    if every <= wanted:
        if order.dimension is None:
            return None
        raise ExportRefused(
            f"--dimension {wanted}: the network gives {every} features; take fewer, or 0 for all"
        )
    pixels = samples.calibration(order.network, order.calibration, PROJECTION_PHOTOS)
    head = graph.head(path)
    lacking = round(ROWS_AN_AXIS * wanted) - len(pixels) - (0 if head is None else len(head))
    if lacking > 0:
        lacks = f"{wanted} features take {lacking} photos more (--calibration DIR)"
        if order.dimension is None:
            say(f"note: all {every} features are kept; {lacks}")
            return None
        raise ExportRefused(f"--dimension {wanted}: {lacks}, or --dimension 0 keeps all {every}")
    say(f"projecting {every} features to {wanted}, by {len(pixels)} photos")
    return projections.learn(runtime.run(path, pixels)[0], head, wanted)


def _write_int8(order: Order, staged: Path, target: Path, say: Say) -> None:
    """Writes the int8 graph and compares it with fp32 on photos that did not calibrate it."""
    pixels = samples.calibration(order.network, order.calibration, CALIBRATION_PHOTOS)
    say(f"calibrating on {len(pixels)} photos")
    fp32 = staged / "fp32.onnx"
    runtime.simplify(fp32, staged / "simple.onnx")
    parts = graph.convolutions(staged / "simple.onnx")
    runtime.quantise(staged / "simple.onnx", target, parts, pixels)
    graph.clean(target)
    unseen = samples.packaged(order.network, CALIBRATION_PHOTOS, COMPARED_PHOTOS)
    features, keywords = runtime.run(target, unseen)
    fp32_features, fp32_keywords = runtime.run(fp32, unseen)
    cosine = float((features * fp32_features).sum(1).mean())
    same = float((keywords.argmax(1) == fp32_keywords.argmax(1)).mean())
    say(f"against fp32: mean cosine {cosine:.4f}, same first keyword {same:.0%}")
    if not cosine >= INT8_COSINE:
        raise ExportRefused(
            f"int8 breaks this network: mean cosine {cosine:.4f} with fp32, below {INT8_COSINE};"
            " use --precision fp32"
        )
    golden = contract.golden_image(order.network.crop)[None]
    near = float((runtime.run(target, golden)[0] * runtime.run(fp32, golden)[0]).sum())
    if near >= GOLDEN_COSINE["int8"]:
        say(f"note: the golden image (cosine {near:.4f}) fits int8 and fp32 alike")


def _write_regions(order: Order, folder: Path, model: Path, say: Say) -> tuple[int, int]:
    """Writes the graph of the regions; returns how many rows and columns there are."""
    path = folder / contract.REGIONS_FILE
    regions.write(model, path)
    crop = order.network.crop
    photo = golden_photo.photo(order.network.resize, crop)
    images = np.stack([contract.golden_image(crop), photo])
    found = runtime.regions(path, images)
    checks.check_regions(path, found, runtime.run(model, images)[0])
    rows, columns = found.shape[1:3]
    say(f"regions: {rows} x {columns} of an image, which sum to its features")
    return rows, columns


def _write_contract(
    order: Order, folder: Path, model: Path, sizes: tuple[int, int] | None, say: Say
) -> None:
    resize, crop = order.network.resize, order.network.crop
    golden, keywords = runtime.run(model, contract.golden_image(crop)[None])
    photo, _ = runtime.run(model, golden_photo.photo(resize, crop)[None])
    labels = folder / contract.LABELS_FILE
    labels.write_text("\n".join(order.labels) + "\n", encoding="utf-8")
    contract.write(
        folder,
        Contract(
            version=order.version,
            architecture=order.architecture,
            precision=order.precision,
            resize=resize,
            crop=crop,
            dimension=golden.shape[1],
            keywords=keywords.shape[1],
            sha256=sha256_of(model),
            golden_features=tuple(float(value) for value in golden[0]),
            golden_cosine=GOLDEN_COSINE[order.precision],
            golden_photo=tuple(float(value) for value in photo[0]),
            labels_sha256=sha256_of(labels),
            same_image=same_image.constants(order.network, model, order.calibration, say),
            regions=sizes,
            regions_sha256=sha256_of(folder / contract.REGIONS_FILE) if sizes else None,
        ),
    )
