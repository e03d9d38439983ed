"""Serves a worker's own page of metrics on a port of its own."""

from contextlib import ExitStack

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)

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
        """Answers scrapes on a thread until `close`; port 0 answers none.

        Raises:
            OSError: the port is taken.
        """
        if port:
            server, thread = start_http_server(port, host, self._registry)
            for end in (thread.join, server.server_close, server.shutdown):  # called last first
                self._closing.callback(end)

    def close(self) -> None:
        """Ends the thread and frees the port."""
        self._closing.close()

    def task_ended(self, kind: str, outcome: str, took_s: float) -> None:
        """Records the end of a task; `outcome` is "ok", "error" or "cancelled"."""
        self._seconds.labels(kind, outcome).observe(took_s)

    def process_lost(self) -> None:
        """Counts a task's process that was killed or died."""
        self._lost.inc()
