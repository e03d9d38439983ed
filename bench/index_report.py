"""Prints the figures of `bench.index` as tables, and draws them."""

from pathlib import Path
from typing import Any

from docs.tables.markdown import table

Figures = dict[str, Any]


def print_tables(size: int, figures: Figures) -> None:
    """Prints all that was measured at a size, in Markdown."""
    print(f"\n## {size:,} images\n")
    _print_table(["", "", "beside it"], _costs(size, figures))
    searches = figures["searches"]
    rows = [
        [nprob, one["lists"], one["candidates"], f"{one['recall']:.4f}", f"{one['ms']:.2f}"]
        for nprob, one in searches.items()
    ]
    _print_table(["NPROB", "lists", "candidates", "recall@10", "ms, one thread"], rows)
    if "hnsw" in figures:
        hnsw = figures["hnsw"]
        print(f"HNSW32: made in {hnsw['s']:.0f} s, {hnsw['peak'] / 1e9:.1f} GB of memory\n")
        head = ["HNSW32, efSearch", "recall@10", "ms, one thread", "ours at this recall or more"]
        _print_table(head, [[ef, *_beside(one, searches)] for ef, one in hnsw["ef"].items()])
    for kind in ("train", "update"):
        starts = ", ".join(f"{name} {at:.2f}" for name, at in figures[kind]["phases"].items())
        print(f"{kind}: {starts} (seconds from the start); report: {figures[kind]['report']}")
    print(flush=True)


def _costs(size: int, figures: Figures) -> list[list[str]]:
    train, update, small = figures["train"], figures["update"], figures["small update"]
    plain, added = figures["plain train"], figures["plain update"]
    cores = [
        [f"searches/s, NPROB 5, {n} at once", f"{rate:,.0f}", ""]
        for n, rate in figures["cores"].items()
    ]
    return [
        ["training, s", f"{train['s']:.1f}", _ratio(train, plain, "plain FAISS")],
        ["… of which clustering and sampling, s", _clustering(train), f"{plain['clustering']:.1f}"],
        ["updating by 10 %, s", f"{update['s']:.2f}", _ratio(update, added, "and a write")],
        ["updating by 1 %, s", f"{small['s']:.2f}", ""],
        ["bytes an image", f"{train['bytes'] / size:,.0f}", ""],
        ["written by 10 %, MB", _mb(update["written"]), f"{_mb(added['bytes'])} are new"],
        ["written by 1 %, MB", _mb(small["written"]), _share(small)],
        ["peak memory, training, MB", _mb(train["peak"]), f"plain FAISS: {_mb(plain['peak'])}"],
        ["peak memory, updating, MB", _mb(update["peak"]), ""],
        ["opening to first answer, ms", f"{figures['first answer']:.0f}", ""],
        *cores,
        ["exact search, one thread, ms", f"{figures['exact']:.1f}", ""],
    ]


def _ratio(ours: Figures, plain: Figures, what: str) -> str:
    return f"{plain['s']:.2f} {what}: ratio {ours['s'] / plain['s']:.2f}"


def _clustering(train: Figures) -> str:
    return f"{train['phases']['adding'] - train['phases']['clustering']:.1f}"


def _mb(size: float) -> str:
    return f"{size / 1e6:,.1f}"


def _share(update: Figures) -> str:
    return f"{update['written'] / update['bytes']:.1%} of the generation"


def _beside(one: Figures, searches: Figures) -> list[str]:
    """Returns a point of HNSW, and the fastest of ours that finds no less."""
    equal = [own["ms"] for own in searches.values() if own["recall"] >= one["recall"]]
    ours = f"{min(equal):.2f}" if equal else "-"
    return [f"{one['recall']:.4f}", f"{one['ms']:.2f}", ours]


def _print_table(head: list[str], rows: list[list[Any]]) -> None:
    print(table(head, [map(str, row) for row in rows]))


def draw(results: dict[int, Figures], path: Path) -> None:
    """Draws recall against milliseconds, a panel for each size, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(
        1, len(results), figsize=(4.5 * len(results), 4), squeeze=False
    )
    for panel, (size, figures) in zip(panels[0], results.items(), strict=True):
        lines = {"this index, NPROB 1 to 100": figures["searches"]}
        if "hnsw" in figures:
            lines["HNSW32, efSearch 16 to 512"] = figures["hnsw"]["ef"]
        for label, points in lines.items():
            spots = [(one["ms"], one["recall"]) for one in points.values()]
            panel.plot(*zip(*spots, strict=True), marker="o", label=label)
        panel.plot([figures["exact"]], [1.0], marker="*", linestyle="", label="exact")
        panel.set(title=f"{size:,} images", xscale="log", xlabel="ms a query, one thread")
        panel.grid(visible=True, which="both", alpha=0.3)
    panels[0][0].set_ylabel("recall@10")
    panels[0][0].legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
