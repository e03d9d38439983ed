"""Connections in, requests out: gunicorn's threads, and what keeps slow clients out of them.

A connection waits in the event loop until its request is there; a thread takes it only then. Face:
`TimeoutWorker`.
"""

from sidecar.http.transport.worker import TimeoutWorker

__all__ = ["TimeoutWorker"]
