"""Prints the figures of `bench.http` as tables."""

from collections.abc import Callable
from statistics import median
from typing import Any

from docs.tables.markdown import table

Figures = dict[str, Any]


def print_tables(precision: str, figures: Figures) -> None:
    """Prints all that was measured with a model, in Markdown."""
    print(f"\n## {precision}\n")
    _adding(figures)
    _searching(figures)
    _memory(figures)


def _adding(figures: Figures) -> None:
    rounds, grown = figures["adding"], figures["grown"]
    ceiling = _median(rounds, lambda one: one["ceiling"].images)
    rates = {
        "single adds, 50 clients": _median(rounds, lambda one: one["single"].rate()),
        f"add_batch, archives of {figures['archive']}": _median(
            rounds, lambda one: one["batch"].rate(figures["archive"])
        ),
        "the afternoon's version, 50 clients": _median(rounds, lambda one: one["peer"].rate()),
    }
    last = rounds[-1]
    rows = [
        ["offline: decode, canonical JPEG, inference", f"{ceiling:.0f}", "1"],
        ["… decoding alone", f"{_median(rounds, lambda one: one['ceiling'].decoding):.0f}", ""],
        ["… inference alone", f"{_median(rounds, lambda one: one['ceiling'].inference):.0f}", ""],
        *([name, f"{rate:.0f}", f"{rate / ceiling:.2f}"] for name, rate in rates.items()),
        *(_grown(rounds, grown)),
    ]
    print(table(["", "images/s", "part of the ceiling"], rows))
    run = last["single"]
    print(
        "images/s = images / (seconds - processor seconds of the clients / cores). Last round: "
        f"{len(run)} adds in {run.took_s:.1f} s, clients {run.client_s:.1f} s, "
        f"p50 {run.percentile_ms(0.5):.0f} ms, p99 {run.percentile_ms(0.99):.0f} ms; "
        f"failures {_failures(figures)}; mean Triton batch {last['mean batch']:.1f}\n"
    )


def _grown(rounds: list[Figures], grown: list[Figures]) -> list[list[str]]:
    few = _median(rounds, lambda one: one["single"].rate() / one["ceiling"].images)
    many = _median(grown, lambda one: one["single"].rate() / one["ceiling"].images)
    rate = _median(grown, lambda one: one["single"].rate())
    return [
        ["single adds, where there are many images", f"{rate:.0f}", f"{many:.2f}"],
        ["… against few", "", f"{many / few:.2f} of it"],
    ]


def _searching(figures: Figures) -> None:
    direct = figures["direct"]
    parts = sum(direct.values())
    ceiling = _median(figures["grown"], lambda one: one["ceiling"].images)
    rows = []
    for clients, runs in figures["searching"].items():
        p50 = _median(runs, lambda run: run.percentile_ms(0.5))
        p99 = _median(runs, lambda run: run.percentile_ms(0.99))
        rate = _median(runs, lambda run: run.rate())
        beside = f"{p50 / parts:.2f} of the parts" if clients == 1 else f"{rate / ceiling:.2f}"
        rows.append([f"{clients} clients", f"{p50:.1f}", f"{p99:.1f}", f"{rate:.0f}", beside])
    peer, mixed = figures["peer searches"], figures["mixed"]["search"]
    idle = figures["searching"][1][-1].percentile_ms(0.99)
    for name, run, beside in (
        ("the afternoon's version, 1 client", peer, ""),
        ("1 client, while 50 add", mixed, f"{mixed.percentile_ms(0.99) / idle:.1f} times idle p99"),
    ):
        times = [f"{run.percentile_ms(share):.1f}" for share in (0.5, 0.99)]
        rows.append([name, *times, f"{run.rate():.0f}", beside])
    print(table(["searches", "p50, ms", "p99, ms", "a second", "beside the ceiling"], rows))
    each = ", ".join(f"{name} {ms:.1f}" for name, ms in direct.items())
    print(f"The parts, one after the other on an idle machine, ms: {each}; {parts:.1f} in all.")
    print(f"While 50 added: {figures['mixed']['add'].rate():.0f} adds/s.\n")


def _memory(figures: Figures) -> None:
    moments = {"rest": "at rest", "end": "at the end", "soaked": "after the soak"}
    known = {moment: name for moment, name in moments.items() if moment in figures}
    rows = [
        [process, *(f"{figures[moment][process] / 1e6:.0f}" for moment in known)]
        for process in figures["rest"]
    ]
    print(table(["MB", *known.values()], rows))


def _failures(figures: Figures) -> int:
    runs = [run for one in figures["adding"] + figures["grown"] for run in one.values()]
    runs += [run for runs in figures["searching"].values() for run in runs]
    runs += figures["mixed"].values()
    return sum(run.failures for run in runs if hasattr(run, "failures"))


def _median(rounds: list[Any], figure: Callable[[Any], float]) -> float:
    return median(map(figure, rounds))
