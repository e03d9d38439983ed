"""The HTTP server: gunicorn, set up for this service."""

import os
from typing import Any

from gunicorn.app.base import BaseApplication

from sidecar.settings import Settings

GRACEFUL_TIMEOUT_S = 30


class Server(BaseApplication):
    """A few processes with many threads: a thread waits for Triton most of its time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in _options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        # In each process, after the fork: neither gRPC nor OpenMP survives one.
        from sidecar.app import create_app

        return create_app(self._settings)


def serve(settings: Settings) -> None:
    """Answer HTTP until SIGTERM or SIGINT; requests in hand are finished."""
    # FAISS scans for one query per request; the threads that matter are gunicorn's.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    Server(settings).run()


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "bind": f"{settings.host}:{settings.port}",
        "workers": settings.http_processes,
        "threads": settings.http_threads,
        "worker_class": "gthread",
        "worker_tmp_dir": "/dev/shm",  # noqa: S108 - gunicorn's life sign must not wait for a disk
        "graceful_timeout": GRACEFUL_TIMEOUT_S,
        "loglevel": settings.log_level,
        "proc_name": "similarity-sidecar",
        "control_socket_disable": True,
    }
