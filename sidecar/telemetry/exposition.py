"""The page of metrics: what was counted, and the figures of the moment."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

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
from sidecar.telemetry.multiprocess import FOLDER

CONTENT_TYPE = CONTENT_TYPE_LATEST


@dataclass(frozen=True)
class Figure:
    """A figure of the moment: its name without the prefix, and its values.

    Args:
        labels: their names.
        values: each with the values of the labels, in the order of their names.
    """

    name: str
    text: str
    labels: tuple[str, ...] = ()
    values: Sequence[tuple[tuple[str, ...], float]] = ()

    @classmethod
    def of(cls, name: str, text: str, value: float) -> "Figure":
        """One without labels."""
        return cls(name, text, (), [((), value)])


def page(read: Callable[[], Iterable[Figure]]) -> bytes:
    """Everything in Prometheus' text format. Args: read: tells the figures of the moment."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(read))
    if FOLDER in os.environ:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(REGISTRY)


class _Figures(Collector):
    def __init__(self, read: Callable[[], Iterable[Figure]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        for figure in self._read():
            family = GaugeMetricFamily(
                f"similarity_{figure.name}", figure.text, labels=figure.labels
            )
            for labels, value in figure.values:
                family.add_metric(labels, value)
            yield family
