"""Writes the page of metrics: what was counted, and the gauges of the moment."""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Metric,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sidecar.telemetry.counters import REGISTRY
from sidecar.telemetry.ended import locked
from sidecar.telemetry.multiprocess import FOLDER

CONTENT_TYPE = CONTENT_TYPE_LATEST


@dataclass(frozen=True)
class Gauge:
    """Holds a gauge of the moment: its name without the prefix, and its values.

    Args:
        labels: the names of its labels.
        values: each with the values of its labels, in the order of `labels`.
    """

    name: str
    text: str
    labels: tuple[str, ...] = ()
    values: Sequence[tuple[tuple[str, ...], float]] = ()

    @classmethod
    def of(cls, name: str, text: str, value: float) -> "Gauge":
        """Returns a gauge without labels."""
        return cls(name, text, (), [((), value)])


def page(read: Callable[[], Iterable[Gauge]]) -> bytes:
    """Returns all metrics in Prometheus' text format; `read` yields the gauges of the moment."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Gauges(read))
    if FOLDER in os.environ:
        registry.register(_Counted(Path(os.environ[FOLDER])))
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(REGISTRY)


class _Counted(Collector):
    """What all processes have counted, while no file of an ended one is being merged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        with locked(self._folder, fcntl.LOCK_SH):
            files = [f"{file}" for file in self._folder.glob("*.db") if _begun(file)]
            yield from multiprocess.MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]


def _begun(file: Path) -> bool:
    """Says whether a file of counts can be read: one that its process is just making is empty, and
    gauges of a process go when it ends."""
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


class _Gauges(Collector):
    def __init__(self, read: Callable[[], Iterable[Gauge]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        for figure in self._read():
            family = GaugeMetricFamily(
                f"similarity_{figure.name}", figure.text, labels=figure.labels
            )
            for labels, value in figure.values:
                family.add_metric(labels, value)
            yield family
