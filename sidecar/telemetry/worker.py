"""Serves a worker's own page of metrics on a port of its own."""

from contextlib import ExitStack

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from sidecar.telemetry import page

TASK_SECONDS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000)


class WorkerMetrics:
    """Counts what became of the tasks that this worker ran."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._seconds = Histogram(
            "similarity_task_duration_seconds",
            "Seconds of the attempt that ended a task.",
            ["kind", "outcome"],
            buckets=TASK_SECONDS,
            registry=self._registry,
        )
        self._lost = Counter(
            "similarity_workers_lost",
            "Processes of tasks that were killed, or died.",
            registry=self._registry,
        )
        self._closing = ExitStack()

    def serve(self, host: str, port: int) -> None:
        """Answers scrapes until `close`; port 0 answers none.

        Raises:
            OSError: the port is taken, or the host has no address.
        """
        if port:
            self._closing.callback(page.serve(self._registry, host, port))

    def close(self) -> None:
        """Ends the page and frees the port."""
        self._closing.close()

    def task_ended(self, kind: str, outcome: str, took_s: float) -> None:
        """Records the end of a task; `outcome` is "ok", "error" or "cancelled"."""
        self._seconds.labels(kind, outcome).observe(took_s)

    def process_lost(self) -> None:
        """Counts a task's process that was killed or died."""
        self._lost.inc()
