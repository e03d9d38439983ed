"""The id of the request that a thread works for: in the log, in its task, in Triton."""

from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request_id", default="")


def begin(request_id: str) -> None:
    """From now on this thread works for this request."""
    _current.set(request_id)


def current() -> str:
    """The id; "" on a thread that works for none."""
    return _current.get()
