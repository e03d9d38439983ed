"""How features stand in the database: as float16 in the column `vector`, with their CRC-32, and the
keywords that their model gave with them beside."""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sidecar.catalogue.features import keyword_rows
from sidecar.catalogue.features.keyword_rows import TopKeywords
from sidecar.catalogue.model_rows import ModelRecord
from sidecar.errors import ModelRefused

DTYPE = np.dtype("<f2")


def to_row(
    seq: int, model: int, features: NDArray[np.float32], keywords: TopKeywords | None = None
) -> dict[str, Any]:
    """Returns the row of an image's features, float32 [D], by a model, and of its keywords where
    they were made."""
    vector = features.astype(DTYPE).tobytes()
    row = {"seq": seq, "model": model, "vector": vector, "crc": zlib.crc32(vector)}
    column = None if keywords is None else keyword_rows.to_column(seq, model, keywords)
    return row | {"keywords": column}


def from_row(vector: bytes) -> NDArray[np.float32]:
    """Returns the features in a row, float32 [D]."""
    return np.frombuffer(vector, DTYPE).astype(np.float32)


def fits(record: ModelRecord, features: NDArray[np.float32]) -> bool:
    """Says whether features have the length of those of their model."""
    return features.shape == (record.dimension,)


def check_length(record: ModelRecord, features: Mapping[int, NDArray[np.float32]]) -> None:
    """Raises ModelRefused unless all of these features are as long as the model's."""
    if not all(fits(record, each) for each in features.values()):
        raise ModelRefused(
            f"version {record.version} gave features of another length than the "
            f"{record.dimension} values that the catalogue keeps of an image by it"
        )
