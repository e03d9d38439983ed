"""Fills a catalogue with many images past HTTP and the queue of adds, which would take hours."""

from collections.abc import Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue import Catalogue, ModelRecord, NewImage, TopKeywords

AT_ONCE = 1024  # images a commit
SCORES = np.array([0.5, 0.2, 0.1], np.float16)  # of an image's keywords


def fill(catalogue: Catalogue, images: Iterable[NewImage]) -> None:
    """Stores images in large commits."""
    source = iter(images)
    while batch := list(islice(source, AT_ONCE)):
        catalogue.adds.add_all(batch)


def blank(name: str, model: ModelRecord, features: NDArray[np.float32]) -> NewImage:
    """Returns an image with features, float32 [D], as many keywords as a photo has on average, and
    no photo."""
    keywords = TopKeywords(np.argsort(-features)[: len(SCORES)].astype(np.uint16), SCORES)
    return NewImage(name, "0" * 64, b"\xff", {model: features}, keywords={model: keywords})
