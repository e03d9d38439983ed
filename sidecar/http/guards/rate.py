"""How many requests a key may send: a rate in the long run, and a burst at once.

It is a token bucket of `burst` tokens that fills with `per_second` of them; a request takes one.
All that is kept of a bucket is the time at which it will be full again.

Source: Turner, New directions in communications (or which way to the information age?), IEEE
Communications Magazine 24 (10), 1986; with one time as its state, ITU-T I.371 (the generic cell
rate algorithm, by virtual scheduling).
"""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from sidecar.errors import SettingsError

PATTERN = re.compile(r"rate=([0-9]{1,6}(?:\.[0-9]{1,3})?)(?:/([0-9]{1,7}))?")
MOST_PER_SECOND = 100_000
MOST_BURST = 1_000_000  # of the slowest rate, 1e18 ns: an int64 holds the time
RULE = (
    f"must be rate=10 or rate=10/20, with 0.001 to {MOST_PER_SECOND} requests a second "
    f"and 1 to {MOST_BURST} at once"
)
SECOND_NS = 10**9


@dataclass(frozen=True)
class Rate:
    """What a key may send: in any t seconds at most burst + per_second * t requests."""

    per_second: Decimal
    burst: int

    @classmethod
    def read(cls, text: str) -> "Rate":
        """Reads `rate=10/20`; without a burst it is the rate, rounded up.

        Raises:
            SettingsError: the text breaks the rule.
        """
        found = PATTERN.fullmatch(text)
        if found is None:
            raise SettingsError(f"{text!r} {RULE}")
        per_second = Decimal(found[1])
        rate = cls(per_second, math.ceil(per_second) if found[2] is None else int(found[2]))
        if not (0 < rate.per_second <= MOST_PER_SECOND and 1 <= rate.burst <= MOST_BURST):
            raise SettingsError(f"{text!r} {RULE}")
        return rate

    def __str__(self) -> str:
        return f"rate={self.per_second}/{self.burst}"

    @cached_property
    def _token_ns(self) -> int:
        """Nanoseconds in which a token flows in, rounded up: so never more than the rate."""
        return math.ceil(SECOND_NS / self.per_second)

    def take(self, full_at_ns: int, now_ns: int) -> tuple[int, int]:
        """Takes a token, if there is one.

        Args:
            full_at_ns: when the bucket will be full; it is full where that is over.
            now_ns: of the same clock.
        Returns:
            when it will be full then, and the nanoseconds until there is a token: 0 if it got one.
        """
        token_ns = self._token_ns
        empty_ns = self.burst * token_ns  # that an empty bucket takes to fill
        # Never emptier than empty: with the rate of before, it may have had longer to go.
        missing_ns = min(max(full_at_ns - now_ns, 0), empty_ns)
        wait_ns = max(missing_ns + token_ns - empty_ns, 0)
        return now_ns + missing_ns + (0 if wait_ns else token_ns), wait_ns
