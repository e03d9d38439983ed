"""Measures where the time of a request goes, stage by stage, for its Server-Timing header."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_stages: ContextVar[dict[str, float] | None] = ContextVar("stages", default=None)


def begin() -> None:
    """Begins a new request on this thread."""
    _stages.set({})


def note(name: str, seconds: float) -> None:
    """Adds seconds to a stage; a thread without a request records nothing."""
    spent = _stages.get()
    if spent is not None:
        spent[name] = spent.get(name, 0.0) + seconds


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Measures how long the block takes, or each call of the function that it decorates."""
    began = time.perf_counter()
    try:
        yield
    finally:
        note(name, time.perf_counter() - began)


def stages() -> dict[str, float]:
    """Returns the seconds of each stage of the request on this thread."""
    return _stages.get() or {}


def header(total_s: float) -> str:
    """Returns the stages in milliseconds as a Server-Timing header.

    Source: W3C Server Timing, https://www.w3.org/TR/server-timing/.
    """
    parts = {**stages(), "total": total_s}
    return ", ".join(f"{name};dur={1000 * seconds:.1f}" for name, seconds in parts.items())
