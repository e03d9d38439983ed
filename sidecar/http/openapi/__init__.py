"""The document of the API, OpenAPI 3.1: written by hand in YAML, answered as JSON.

Its parts are one YAML document that was cut at its headings: joined in this order they share the
anchors that `start.yaml` has under `x-shared`.
"""

import json
from importlib.resources import files
from typing import Any

PARTS = ("start", "images", "search", "tasks", "groups", "service", "answers", "schemas")
SHARED = "x-shared"  # what the parts have by name; the document has it where it is used


def document() -> dict[str, Any]:
    """Returns the document, read anew."""
    import yaml  # here: most processes are never asked for the document

    # libyaml's where it is there, which reads ten times as fast.
    kind: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    folder = files(__name__)
    loader = kind("".join((folder / f"{part}.yaml").read_text("utf-8") for part in PARTS))
    try:
        found: dict[str, Any] = loader.get_single_data()
    finally:
        loader.dispose()
    del found[SHARED]
    return found


def content() -> bytes:
    """Returns the document as it is answered, in JSON."""
    return json.dumps(document(), ensure_ascii=False).encode()
