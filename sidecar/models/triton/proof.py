"""Proves that a server serves the very model of a contract, and that images are prepared here as
the export did."""

from sidecar.errors import ModelRefused
from sidecar.models import golden
from sidecar.models.contract import Contract, golden_image
from sidecar.models.triton.endpoint import FEATURES, KEYWORDS, Endpoint


def prove(server: Endpoint, contract: Contract) -> None:
    """Has a server compute the golden image and the golden photo of a contract.

    Raises:
        ModelRefused: it and the preprocessing here give other features than the contract has.
        FeaturesUnavailable: as `TritonClient.features`.
    """
    version = contract.version
    image = golden_image(contract.crop)[None]
    features, keywords = server.infer(image, contract, (FEATURES, KEYWORDS))
    if not contract.accepts(features[0]):
        raise ModelRefused(
            f"Triton's version {version} does not give the features of its contract: "
            "another file was loaded under this number"
        )
    if keywords.shape != (1, contract.keywords):
        raise ModelRefused(
            f"version {version} gives keywords of the shape {[*keywords.shape[1:]]}, where its "
            f"contract has {contract.keywords}"
        )
    pixels = golden.photo(contract.resize, contract.crop)
    if not contract.accepts_photo(server.features(pixels[None], contract)[0]):
        raise ModelRefused(
            f"version {version} gives other features of the golden photo than its contract: "
            "the preprocessing here is not that of the export"
        )
