"""When a request is sent again, and after how long."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

PASSING = {408, 429, 502, 503, 504}  # statuses that pass by themselves
UNKNOWN = {502, 504}  # a proxy's: the service may have done what was asked
LONGEST_WAIT_S = 120.0  # beyond it, a Retry-After is for the caller to see


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a request is sent again, and how long it waits.

    Args:
        count: of attempts after the first.
        first_s, longest_s: the pauses before the first and the last of them, which grow evenly in
            between; each is cut by chance to something from a half, so that many clients do not
            come back at one moment.
    """

    count: int = 4
    first_s: float = 0.5
    longest_s: float = 8.0

    def pause_s(self, attempt: int, retry_after_s: float | None = None) -> float | None:
        """Returns the seconds after which a request is sent again; None where it is not.

        Args:
            attempt: how often it was sent, from 1.
            retry_after_s: what the service asked for, which is waited for at least.
        """
        if attempt > self.count or (retry_after_s or 0) > LONGEST_WAIT_S:
            return None
        share = (attempt - 1) / max(1, self.count - 1)
        longest: float = self.first_s * (self.longest_s / self.first_s) ** share
        drawn = longest * random.uniform(0.5, 1)  # noqa: S311 - no secret
        return drawn if retry_after_s is None else retry_after_s + drawn / 8


def seconds_of(retry_after: str | None) -> float | None:
    """Returns the seconds in a Retry-After, which may be a date; None where it says nothing.

    Source: RFC 9110, 10.2.3.
    """
    if retry_after is None:
        return None
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
