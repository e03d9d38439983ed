"""Where the time of a request went, stage by stage, for its Server-Timing header."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_stages: ContextVar[dict[str, float] | None] = ContextVar("stages", default=None)


def begin() -> None:
    """A new request begins on this thread."""
    _stages.set({})


def note(name: str, seconds: float) -> None:
    """Add time to a stage; what belongs to no request is noted nowhere."""
    noted = _stages.get()
    if noted is not None:
        noted[name] = noted.get(name, 0.0) + seconds


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Note how long the block takes, or each call of what this decorates."""
    began = time.perf_counter()
    try:
        yield
    finally:
        note(name, time.perf_counter() - began)


def stages() -> dict[str, float]:
    """Seconds by stage, of the request on this thread."""
    return _stages.get() or {}


def header(total_s: float) -> str:
    """The stages in milliseconds as a Server-Timing header tells them.

    Source: W3C Server Timing, https://www.w3.org/TR/server-timing/.
    """
    told = {**stages(), "total": total_s}
    return ", ".join(f"{name};dur={1000 * seconds:.1f}" for name, seconds in told.items())
