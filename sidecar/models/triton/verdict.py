"""What a look at a server has found."""

import time
from dataclasses import dataclass, field
from enum import StrEnum

from sidecar.models.contract import Contract

Key = tuple[int, str]  # a version and its SHA-256


class State(StrEnum):
    """How a server stands to a version; only one that serves it gets inferences."""

    SERVING = "serving"  # it has proved it
    LACKING = "lacking"  # it does not serve the version
    REFUSED = "refused"  # it serves another file under the number
    UNPROVED = "unproved"  # it was not asked yet, or its proof took too long
    AWAY = "away"


@dataclass(frozen=True)
class Verdict:
    """How a server stands to a version.

    Args:
        why: it is not serving, in a few words.
        largest_batch: images in a call, at most; 0 unless it is serving.
        at: when that was found, by time.monotonic.
    """

    state: State
    why: str = ""
    largest_batch: int = 0
    at: float = field(default_factory=time.monotonic)


NOT_ASKED = Verdict(State.UNPROVED, "it was not asked yet")


@dataclass(frozen=True)
class ServerState:
    """How the server at an address stands to a version."""

    address: str
    state: State
    why: str

    def __str__(self) -> str:
        return f"{self.address} is {self.state}: {self.why}" if self.why else self.address


def key(contract: Contract) -> Key:
    """Returns by what a version is known: another file under its number is another one."""
    return contract.version, contract.sha256
