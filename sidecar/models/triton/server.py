"""One of several servers: what it serves, and whether it has proved it.

A proof holds for the connection over which it was given. Where that is lost, the server may return
with another model: it proves itself again, over a new one, before it gets inferences.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from sidecar.errors import FeaturesUnavailable, ModelRefused
from sidecar.models.contract import Contract
from sidecar.models.triton.endpoint import Endpoint
from sidecar.models.triton.late_load import LateLoad
from sidecar.models.triton.proof import prove
from sidecar.models.triton.verdict import NOT_ASKED, Key, State, Verdict, key

log = logging.getLogger(__name__)

AGAIN_S = 5.0  # from a load that did not help, or a proof that was refused, to the next


@dataclass(frozen=True)
class Seen:
    """What the last look found.

    Args:
        endpoint: the connection that was looked through; the next look takes it again.
        away: why the server does not answer; "" where it does.
        verdicts: by version and SHA-256.
    """

    endpoint: Endpoint
    away: str = ""
    verdicts: Mapping[Key, Verdict] = field(default_factory=dict)

    def verdict(self, of: Key) -> Verdict:
        """Returns how the server stands to a version."""
        return Verdict(State.AWAY, self.away) if self.away else self.verdicts.get(of, NOT_ASKED)


class Server:
    """Looks at a server, and remembers what was found."""

    def __init__(self, address: str, connect: Callable[[str], Endpoint]) -> None:
        """Connects with the first look.

        Args:
            address: number and port.
            connect: makes an endpoint for it, with a connection of its own.
        """
        self.address = address
        self._connect = connect
        self._looking = threading.Lock()
        self._late_load: LateLoad | None = None
        self.seen = Seen(connect(address), NOT_ASKED.why)

    def look(self, contracts: Collection[Contract], afresh: Collection[Key] = ()) -> None:
        """Looks whether the server answers and serves versions, and has it prove those that it has
        not proved over this connection.

        Args:
            contracts: of the versions.
            afresh: those to prove again, though they were.
        """
        with self._looking:
            before, endpoint = self.seen, self.seen.endpoint
            try:
                endpoint.check_alive()
                found = {
                    key(each): self._judge(endpoint, each, key(each) in afresh)
                    for each in contracts
                }
                # Of others, what was proved stays so: a version on trial is asked for a while.
                self.seen = Seen(endpoint, "", {**before.verdicts, **found})
            except FeaturesUnavailable as error:
                self.seen = Seen(self._connect(self.address), " ".join(str(error).split()))
            self._note(before, contracts)

    def start_load(self) -> None:
        """Has the server load what it lacks, beside everything else. Does nothing while it loads,
        or soon after. One thread calls this, that of the watch."""
        if self._late_load is None or self._late_load.ended_before(AGAIN_S):
            self._late_load = LateLoad(self.address, self._connect(self.address))

    def stop_load(self) -> None:
        """Waits no longer for a load."""
        if self._late_load is not None:
            self._late_load.stop()

    def close(self) -> None:
        """Ends its calls and its thread."""
        self.stop_load()
        self.seen.endpoint.close()

    def _judge(self, endpoint: Endpoint, contract: Contract, afresh: bool) -> Verdict:
        """Returns how the server stands to a version. Raises FeaturesUnavailable: it is away."""
        known = self.seen.verdict(key(contract))
        if not endpoint.is_ready(contract.version):
            return Verdict(State.LACKING, f"it does not serve version {contract.version}")
        if not afresh and known.state == State.SERVING:
            return known
        if not afresh and known.state == State.REFUSED and time.monotonic() - known.at < AGAIN_S:
            return known
        try:
            prove(endpoint, contract)
            return Verdict(State.SERVING, largest_batch=endpoint.largest_batch(contract))
        except ModelRefused as error:
            return Verdict(State.REFUSED, str(error))
        except FeaturesUnavailable as error:
            return Verdict(State.UNPROVED, " ".join(str(error).split()))

    def _note(self, before: Seen, contracts: Collection[Contract]) -> None:
        """Logs what has changed."""
        for each in contracts:
            was, now = (seen.verdict(key(each)) for seen in (before, self.seen))
            if now.state == was.state:
                continue
            if now.state == State.SERVING:
                log.info("Triton at %s has proved version %d", self.address, each.version)
            else:
                text = "Triton at %s gets no inferences by version %d: %s"
                log.warning(text, self.address, each.version, now.why)
