"""What users say of their images: metadata, filters over it, and the columns that answer them.

An image's metadata is a flat JSON object, its document; a key in it is a field. A filter is parsed
once into conditions; `Columns` say of many documents at once which of them meet a condition.
"""

from sidecar.fields.columns import Columns
from sidecar.fields.conditions import (
    And,
    Condition,
    Exists,
    Filter,
    HasId,
    HasKeyword,
    Not,
    OneOf,
    Or,
    Within,
    names_images,
    only,
)
from sidecar.fields.document import MOST_BYTES, Document, checked, parsed, patched
from sidecar.fields.filters import parse_filter

__all__ = [
    "MOST_BYTES",
    "And",
    "Columns",
    "Condition",
    "Document",
    "Exists",
    "Filter",
    "HasId",
    "HasKeyword",
    "Not",
    "OneOf",
    "Or",
    "Within",
    "checked",
    "names_images",
    "only",
    "parse_filter",
    "parsed",
    "patched",
]
