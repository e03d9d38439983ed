"""Runs gunicorn, set up for this service."""

import ctypes
import logging
import os
import resource
import socket
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from threadpoolctl import threadpool_limits

from sidecar import garbage_collection
from sidecar.http.reading.known_params import FORM_BYTES
from sidecar.http.transport import TimeoutWorker
from sidecar.settings import Settings
from sidecar.telemetry import multiprocess

log = logging.getLogger(__name__)

GRACEFUL_TIMEOUT_S = 30
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # mallopt(3)
MOST_CONNECTIONS, OTHER_FILES = 4096, 512  # of a process
LARGEST_KEPT_BYTES, KEPT_BYTES, ARENAS = 4 << 20, 32 << 20, 2


class _Log(Logger):
    """Sends gunicorn's lines to the log of the service."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):
    """Runs a few processes with many threads: a thread waits for Triton most of its time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in _options(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        _keep_freed_memory()
        # A query is compared with some thousand centres: shared out among threads, that takes twice
        # the processor time. numpy was loaded before the fork, with a thread for each core.
        threadpool_limits(1, "blas")
        # In each process, after the fork: neither gRPC nor OpenMP survives one.
        with garbage_collection.loading():
            from sidecar.http.app import create_app

            return create_app(self._settings)


def serve(settings: Settings) -> None:
    """Answers HTTP until SIGTERM or SIGINT; requests in flight are finished."""
    # FAISS scans for one query per request; the threads that matter are gunicorn's.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    TimeoutWorker.timeout_s = settings.request_timeout_s
    TimeoutWorker.collected_bytes = settings.max_image_bytes + FORM_BYTES
    Server(settings).run()


def _keep_freed_memory() -> None:
    """Has glibc use the memory of one image for the next.

    By default it gives pieces of this size back to the system, which then hands out and clears the
    same pages for every image: of the 5.5 ms that a call with eight images cost, 3.3 were this.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # only glibc has it
        libc.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_ARENA_MAX, ARENAS)  # each keeps that much for itself


def _most_connections() -> int:
    """Returns how many connections a process may have, by how many files it may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    if 0 <= soft < wanted:
        soft = wanted if hard < 0 else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MOST_CONNECTIONS if soft < 0 else min(MOST_CONNECTIONS, max(soft - OTHER_FILES, 64))


def _refuse(arbiter: Any) -> None:
    """Takes no connection yet: a proxy asks another sidecar at once where it is refused, but where
    it is taken, it waits until this one has loaded. The address stays ours."""
    for listener in arbiter.LISTENERS:
        listener.sock.shutdown(socket.SHUT_RD)


def _begin(process: Any) -> None:
    """Starts the background and takes connections; gunicorn calls it in a process that has
    loaded."""
    process.wsgi.background.start()
    for listener in process.sockets:
        listener.sock.listen(process.cfg.backlog)
    log.info("process %d takes connections", process.pid)


def _stop_background(_arbiter: Any, process: Any) -> None:
    """Stops the background; gunicorn calls it in the process itself, after its last request."""
    app = getattr(process, "wsgi", None)  # missing where `load` failed
    if app is not None:
        app.background.stop()


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "bind": f"{settings.host}:{settings.port}",
        "workers": settings.http_processes,
        "threads": settings.http_threads,
        "worker_class": TimeoutWorker,
        "logger_class": _Log,
        "when_ready": _refuse,
        "post_worker_init": _begin,
        "keepalive": settings.http_keepalive_s,
        "worker_connections": _most_connections(),
        "worker_exit": _stop_background,
        "child_exit": lambda _arbiter, process: multiprocess.process_ended(process.pid),
        "worker_tmp_dir": str(multiprocess.MEMORY),  # of the file by which a process shows life
        "graceful_timeout": GRACEFUL_TIMEOUT_S,
        "loglevel": settings.log_level,
        "proc_name": "similarity-sidecar",
        "control_socket_disable": True,
    }
