"""Keeps the id of the request that a thread works for: for the log, its task, and Triton."""

from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request_id", default="")


def begin(request_id: str) -> None:
    """Sets the request that this thread works for from now on."""
    _current.set(request_id)


def current() -> str:
    """Returns the id; "" on a thread that works for no request."""
    return _current.get()
