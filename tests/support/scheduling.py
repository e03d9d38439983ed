"""Which process of a parallel run has which files."""

import re
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from local.stack import ROOT

DATABASES = "databases of {folder}"
# What a file uses, and the group whose files run in one process: it is made there once.
GROUPS = {
    r"\btiny_stack\b": "the tiny stack",
    r"(?s)\A(?!.*\ndef stack\().*def test_\w+\([^)]*\bstack: Stack": "the stack",
    r"\bserved: Stack": "the client's stack",
    r"\bvisit: Visit\b": "the stack of the pages",
    r"\b(postgres_server|database_url|catalogue_url|def build\(house)\b": DATABASES,
}
# One process would still work on these when all others are done.
SHARES = {DATABASES.format(folder="catalogue"): 3}


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Files go to whoever is free, those of a group to one process, in the order collected."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return group(ROOT / nodeid.split("::")[0])


@cache
def group(file: Path) -> str:
    """The group of a file; without one, it is one of its own."""
    text = file.read_text()
    found = (name for pattern, name in GROUPS.items() if re.search(pattern, text))
    name = next(found, f"{file}").format(folder=file.parent.name)
    if name in SHARES:
        name += f", {crc32(file.name.encode()) % SHARES[name] + 1} of {SHARES[name]}"
    return name
