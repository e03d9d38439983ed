"""Keeps the document of the API as a release has it: `python -m docs.openapi`, before its tag.

A test refuses what would break a client of the newest that is kept.
"""

import json
from pathlib import Path
from typing import Any

from sidecar.http import openapi

FOLDER = Path(__file__).parent


def kept() -> Path:
    """Returns where the newest of the kept documents lies."""
    return max(FOLDER.glob("openapi-*.json"), key=_numbers)


def keep() -> Path:
    """Keeps the document under the first two numbers of its version, and returns where."""
    document: dict[str, Any] = openapi.document()
    version = ".".join(document["info"]["version"].split(".")[:2])
    path = FOLDER / f"openapi-{version}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return path


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in path.stem.removeprefix("openapi-").split(".")]


if __name__ == "__main__":
    print(keep())
