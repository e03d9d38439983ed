"""The exchange of one call, attempt by attempt, as steps that a shell takes: it sends and waits.

    exchange ──Send──► shell ──Reply | NoReply──► exchange ──Pause──► shell ──None──► … ──► answer

So retries are written once, for the sync and the async client, and know no library.
"""

import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Protocol, TypeVar

from similarity_client.errors import ServiceAway, SimilarityError, error_of
from similarity_client.request import Repeat, Reply, Request
from similarity_client.retry import PASSING, UNKNOWN, Retries, seconds_of

REQUEST_ID = "X-Request-Id"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request; a Reply or a NoReply is what comes of it."""

    request: Request[Any]
    request_id: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class NoReply:
    """A request got no answer.

    Args:
        begun: whether the service may have begun with it.
    """

    error: Exception
    begun: bool


Outcome = Reply | NoReply
Steps = Generator[Send | Pause, Outcome | None, T]
Watch = Callable[[Outcome], None]  # sees what comes of each attempt


class Asks(Protocol):
    """A sync client, as far as an upload needs it: many threads ask at once."""

    def ask(self, request: Request[T], watch: Watch | None = None) -> T:
        """Makes a call."""


def exchange(request: Request[T], retries: Retries, watch: Watch | None = None) -> Steps[T]:
    """Sends a request as often as it takes, and returns its answer.

    Raises:
        ServiceAway: there was no answer in any attempt.
        SimilarityError: the service refused it; of the class of its word.
    """
    request_id = uuid.uuid4().hex  # of all attempts: the service's log shows them together
    lost = False
    for attempt in count(1):
        outcome = yield Send(request, request_id)
        assert outcome is not None
        if watch is not None:
            watch(outcome)
        if isinstance(outcome, Reply):
            again = attempt > 1
            reply = replace(outcome, attempts=attempt, lost=lost) if again else outcome
            if request.accepts(reply):
                return request.parse(reply)
        pause_s = _pause_s(request, outcome, attempt, retries)
        if pause_s is None:
            raise _error(outcome, attempt, request_id)
        lost = lost or _may_be_done(outcome)
        yield Pause(pause_s)
    raise AssertionError("an endless loop has ended")


def _pause_s(
    request: Request[Any], outcome: Outcome, attempt: int, retries: Retries
) -> float | None:
    """Returns after how many seconds a request is sent again; None where it is not."""
    if request.repeat is Repeat.UNBEGUN and _may_be_done(outcome):
        return None
    if isinstance(outcome, NoReply):
        return retries.pause_s(attempt)
    if outcome.status not in PASSING:
        return None
    return retries.pause_s(attempt, seconds_of(outcome.headers.get("retry-after")))


def _may_be_done(outcome: Outcome) -> bool:
    """Says whether the service may have done what was asked, though it was not said."""
    return outcome.begun if isinstance(outcome, NoReply) else outcome.status in UNKNOWN


def _error(outcome: Outcome, attempts: int, request_id: str) -> SimilarityError:
    if isinstance(outcome, NoReply):
        kind = type(outcome.error).__name__
        why = f"{outcome.error}" or kind
        times = f"{attempts} attempts" if attempts > 1 else "1 attempt"
        away = ServiceAway(f"no answer in {times}: {why} ({kind})", request_id=request_id)
        away.__cause__ = outcome.error
        return away
    named = outcome.headers.get("x-request-id", request_id)
    found = outcome.object()
    if found is None or "message" not in found:
        shown = outcome.content[:80].decode(errors="replace")
        found = {"detail": f"HTTP {outcome.status}, by no word of this service: {shown!r}"}
    return error_of(found, outcome.status, named)
