"""What Prometheus reads. The one door to its client library.

The figures are those of the generation that is searched, read at each scrape, so that it does not
matter which of gunicorn's processes answers.
"""

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from sidecar.dial import PROMISES
from sidecar.errors import IndexDamaged, NoIndex
from sidecar.generations import Generations

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """The page of metrics."""

    def __init__(self, generations: Generations) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_IndexMetrics(generations))

    def page(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)


class _IndexMetrics(Collector):
    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    def collect(self) -> Iterator[Metric]:
        try:
            generation = self._generations.current()
        except (NoIndex, IndexDamaged):
            return
        meta = generation.meta
        yield _gauge(
            "generation", "Number of the index generation that is searched.", generation.number
        )
        yield _gauge("images", "Images in it.", meta.images)
        due = len(meta.quality.training_due())
        yield _gauge("training_due", "Reasons to train again.", due)
        recall = _family("recall", "Recall@10 measured when it was made, by NPROB.")
        least = _family("recall_lower_bound", "Lower bound of it, one-sided, 95 %.")
        promise = _family("recall_promised", "What NPROB stands for.")
        for mark in meta.quality.dial.marks:
            label = [str(mark.nprob)]
            recall.add_metric(label, mark.recall)
            least.add_metric(label, mark.at_least)
            promise.add_metric(label, PROMISES[mark.nprob])
        yield from (recall, least, promise)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"similarity_index_{name}", text, value=value)


def _family(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"similarity_index_{name}", text, labels=["nprob"])
