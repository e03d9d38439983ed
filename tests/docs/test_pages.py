"""The pages as a whole: links lead somewhere, decisions and glossary are whole, words are plain."""

import re
from pathlib import Path

import pytest

from local.stack import ROOT
from sidecar.settings import Settings

# ARCHITECTURE.md is written anew with the packages.
TOP = sorted(ROOT.glob("*.md"))
PAGES = {
    f"{page.relative_to(ROOT)}": page for page in [*TOP, *sorted((ROOT / "docs").rglob("*.md"))]
}
OF_OTHERS = {
    "COMPOSE_FILE",
    "GOMP_SPINCOUNT",
    "NO_COLOR",
    "OMP_WAIT_POLICY",
}  # variables of other programs
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in headings}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(name: str) -> None:
    page = PAGES[name]
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text()
    linked = {(ROOT / "docs" / target).resolve() for target in re.findall(r"\]\(([^)#]+)\)", index)}
    pages = {page for page in PAGES.values() if "decisions" not in page.parts}
    assert pages - linked == {ROOT / "docs" / "index.md"}


def test_decisions_are_numbered_and_short_and_say_why() -> None:
    numbers = [path.name[:4] for path in DECISIONS]
    assert numbers == [f"{n:04}" for n in range(1, len(DECISIONS) + 1)]
    for path in DECISIONS:
        text = path.read_text()
        assert text.startswith(f"# {path.name[:4]}. "), path.name
        parts = re.findall(r"^## (.*)$", text, re.M)
        assert parts == ["Context", "Decision", "Consequences"], path.name
        assert 10 <= len(text.splitlines()) <= 25, path.name


def test_the_glossary_has_the_words_that_the_service_uses() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text()
    words = re.findall(r"^\| ([^|]+) \| [^|]+ \| \[", text, re.M)
    assert len(words) == len(set(words))
    assert {
        *("features", "generation", "catalogue", "task", "version", "model", "contract"),
        *("canonical JPEG", "tombstone", "segment", "snapshot", "lease", "attempt", "recall"),
        *("NPROB", "operating point", "dynamic batching", "golden image", "joining"),
    } <= set(words)


@pytest.mark.parametrize("name", PAGES)
def test_every_setting_and_target_of_a_page_is_known(name: str) -> None:
    page = PAGES[name].read_text()
    makefile = (ROOT / "Makefile").read_text()
    files = (
        *(".env.example", "docker-compose*.yml", "local/*.py", "tests/*/conftest.py"),
        "client/src/*/settings.py",
    )
    code = [path for pattern in files for path in ROOT.glob(pattern)]
    known = makefile + "".join(path.read_text() for path in code)
    settings = {setting.upper() for setting in Settings.model_fields}
    named = set(re.findall(r"`([A-Z]+_[A-Z_]+)", page)) - settings - OF_OTHERS
    assert {one for one in named if one not in known} == set()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    assert set(re.findall(r"(?:^    |`)make ([a-z][a-z-]*)", page, re.M)) <= targets


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_keep_to_plain_words(name: str) -> None:
    others = re.compile(r"\b(told|tells?|whoever|those who|pictures?)\b")
    assert others.findall(PAGES[name].read_text().lower()) == []
