"""The house from above: what one finds from the listing alone."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_MODULES = 35  # that a glance takes in
PACKAGES = [path.parent for path in sorted((ROOT / "sidecar").rglob("__init__.py"))]


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_folder_says_what_it_is_for_and_is_taken_in_at_a_glance(folder: Path) -> None:
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert len([*folder.glob("*.py")]) - 1 <= MOST_MODULES


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_face_that_lists_its_modules_lists_those_that_are_there(folder: Path) -> None:
    """A list of modules in the docstring of a folder: a name, two spaces or more, a sentence."""
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    heads = re.findall(r"^([a-z][a-z0-9_, ]*[a-z0-9]) {2,}\S", said, re.MULTILINE)
    named = {name for head in heads for name in head.split(", ")}
    there = {path.stem for path in folder.glob("*.py")} | {path.name for path in folder.iterdir()}
    assert named <= there
