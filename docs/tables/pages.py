"""The pages that hold tables, and what makes each table."""

from pathlib import Path

from docs.tables import engines, figures, sizing
from docs.tables.markdown import fill, table
from sidecar.index.nprob import RECALL_TARGETS
from sidecar.settings import Settings

FOLDER = Path(__file__).parent.parent
DECISIONS = sorted((FOLDER / "decisions").glob("[0-9]*.md"))


def pages() -> list[Path]:
    """Lists the pages, those of decisions included."""
    return sorted(FOLDER.rglob("*.md"))


def write_all() -> None:
    """Writes the tables of all pages anew, and prints which pages changed."""
    for page in pages():
        text = written(page)
        if text != page.read_text():
            page.write_text(text)
            print(f"{page}: tables written anew")


def written(page: Path) -> str:
    """Reads a page, and returns it with its tables made anew."""
    return fill(page.read_text(), made)


def made(name: str) -> str:
    """Makes a table by its name: one of `benchmarks.json`, or one of the functions below.

    Raises:
        KeyError: there is no such table.
    """
    if name in OTHERS:
        return OTHERS[name]()
    measured = figures.read()[name]
    rows = ([figures.shown(cell) for cell in row] for row in measured["rows"].values())
    return table(measured["columns"], rows)


def _sizing() -> str:
    return table(["images", *(f"{size:,}" for size in sizing.SIZES)], sizing.rows())


def _engines_sizing() -> str:
    return table(engines.COLUMNS, engines.rows())


def _settings() -> str:
    rows = (
        (f"`{name.upper()}`", f"`{field.default}`", field.description or "")
        for name, field in Settings.model_fields.items()
    )
    return table(["variable", "default", "what it is"], rows)


def _promises() -> str:
    return table(
        ["`NPROB`", *map(str, RECALL_TARGETS)],
        [["recall@10", *map(_two_places, RECALL_TARGETS.values())]],
    )


def _decisions() -> str:
    heads = (path.read_text().partition("\n")[0] for path in DECISIONS)
    titles = (head.removeprefix("# ").split(". ", 1) for head in heads)
    rows = (
        (number, f"[{title}]({path.name})")
        for path, (number, title) in zip(DECISIONS, titles, strict=True)
    )
    return table(["number", "decision"], rows)


def _two_places(recall: float) -> str:
    return f"{recall:.2f}" if round(recall, 2) == recall else str(recall)


OTHERS = {
    "decisions": _decisions,
    "engines_sizing": _engines_sizing,
    "promises": _promises,
    "settings": _settings,
    "sizing": _sizing,
}
