"""Several servers: each is asked to load and to prove a version, and those that have are the route
of its inferences."""

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from itertools import count

from sidecar.errors import FeaturesUnavailable, ModelRefused
from sidecar.models.contract import Contract
from sidecar.models.triton.channel import of_several
from sidecar.models.triton.endpoint import Calling, Endpoint
from sidecar.models.triton.route import Route, Routes
from sidecar.models.triton.server import Server
from sidecar.models.triton.verdict import Key, ServerState, State, key
from sidecar.triton_targets import Target

log = logging.getLogger(__name__)

AT_ONCE = 16
ROUND_S = 1.0  # that a round waits for its looks, at most; one that hangs goes on beside the next


class Servers:
    """Knows the servers that a target names, and sends inferences to those that have proved their
    version.

    Args:
        target: with a kind.
        calling: how they are called.
    """

    is_several = True

    def __init__(self, target: Target, calling: Calling) -> None:
        self._target = target
        self._calling = calling
        self._routes = Routes(calling)
        self._servers: dict[str, Server] = {}
        self._wanted: dict[Key, Contract] = {}
        self._unresolved = "it was not resolved yet"
        self._changing = threading.Lock()
        self._turn = count()
        self._pool = ThreadPoolExecutor(AT_ONCE, "tritons")
        self._looks: dict[str, Future[None]] = {}

    def look(self) -> None:
        """Runs a round: resolves the name anew, and looks at each server, all at once."""
        _raise_what_ended([*self._looks.values()])
        self._looks = {name: look for name, look in self._looks.items() if not look.done()}
        self._start("", self._resolve)
        for server in [*self._servers.values()]:
            self._start(server.address, partial(server.look, [*self._wanted.values()]))
        wait([*self._looks.values()], ROUND_S)

    def catch_up(self) -> None:
        """Has those load that lack a version that is wanted."""
        for server in [*self._servers.values()]:
            states = {server.seen.verdict(each).state for each in [*self._wanted]}
            if State.LACKING in states:
                server.start_load()

    def keep(self, contracts: Collection[Contract]) -> None:
        """Goes on looking for these versions alone."""
        self._wanted = {key(each): each for each in contracts}

    def prove(self, contract: Contract, lasting: bool) -> None:
        """Has every server prove a version, now; errors as `TritonClient.prove`.

        Args:
            lasting: whether it is looked for from now on.
        """
        if lasting:
            self._wanted = {**self._wanted, key(contract): contract}
        self._look_now(contract)
        states = self.states(contract)
        if any(each.state == State.SERVING for each in states):
            return
        text = self._none(contract)
        raise (ModelRefused if _has(states, State.REFUSED) else FeaturesUnavailable)(text)

    def check_all(self, contract: Contract) -> None:
        """Raises ModelRefused or FeaturesUnavailable where a server answers and has not proved a
        version; one that is away holds up nobody, and proves it when it is back."""
        states = [
            each for each in self.states(contract) if each.state not in (State.SERVING, State.AWAY)
        ]
        if states:
            text = f"not every Triton proves version {contract.version}: {_joined(states)}"
            raise (ModelRefused if _has(states, State.REFUSED) else FeaturesUnavailable)(text)

    def check(self, contract: Contract) -> None:
        """Raises FeaturesUnavailable unless one serves the version of the contract."""
        self.route(contract)

    def route(self, contract: Contract) -> Route:
        """Returns the way of inferences by a version: all servers that have proved it.

        Raises:
            FeaturesUnavailable: none has.
        """
        route = self._routes.of(key(contract), self._servers.values())
        if route is None:
            raise FeaturesUnavailable(self._none(contract))
        return route

    def largest_batch(self, contract: Contract) -> int:
        """Returns how many images each server takes in a call; errors as `route`."""
        largest = self.route(contract).largest_batch
        assert largest is not None
        return largest

    def in_turn(self, contract: Contract) -> Iterator[Endpoint]:
        """Yields each server that has proved a version, the first another one each time. Raises
        FeaturesUnavailable: none has."""
        self.route(contract)
        of, first = key(contract), next(self._turn)
        seen = [server.seen for server in [*self._servers.values()]]
        serving = [each.endpoint for each in seen if each.verdict(of).state == State.SERVING]
        for place in range(len(serving)):
            yield serving[(first + place) % len(serving)]

    def endpoints(self) -> dict[str, Endpoint]:
        """Returns those that answer, by address. Raises FeaturesUnavailable: none does."""
        if not self._servers:
            self._look_now()
        found = {s.address: s.seen.endpoint for s in [*self._servers.values()] if not s.seen.away}
        if not found:
            raise FeaturesUnavailable(f"no Triton answers: {self._all_away()}")
        return found

    def load(self) -> str:
        """Does as `TritonClient.load`, at every server that answers now, at once.

        Returns:
            a line for each that has something to say, which begins with its address.
        """
        self._look_now()
        loads = {name: self._pool.submit(each.load) for name, each in self.endpoints().items()}
        answers: dict[str, str] = {}
        away: list[str] = []
        for address, load in loads.items():
            try:
                answers[address] = load.result()
            except FeaturesUnavailable as error:
                away.append(f"{address}: {error}")
        if not answers:
            raise FeaturesUnavailable("; ".join(away))
        return "\n".join(f"{address}: {answer}" for address, answer in answers.items() if answer)

    def states(self, contract: Contract | None) -> list[ServerState]:
        """Returns how each server stands to a version, by address; without one, whether it is
        away."""
        of = key(contract) if contract else (0, "")
        found = [(s.address, s.seen.verdict(of)) for s in [*self._servers.values()]]
        return [ServerState(address, each.state, each.why) for address, each in sorted(found)]

    def close(self) -> None:
        """Ends looks and loads, and their threads; an inference ends by its own timeout."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for server in self._servers.values():
            server.close()
        self._pool.shutdown()

    def _look_now(self, contract: Contract | None = None) -> None:
        """Looks at every server and waits for all; each proves this version, though it has."""
        self._resolve()
        afresh = {key(contract): contract} if contract else {}
        contracts = [*{**self._wanted, **afresh}.values()]
        servers = [*self._servers.values()]
        looks = [self._pool.submit(each.look, contracts, [*afresh]) for each in servers]
        wait(looks)
        _raise_what_ended(looks)

    def _start(self, name: str, act: Callable[[], None]) -> None:
        """Starts a look, unless the one before has not ended."""
        if name not in self._looks:
            self._looks[name] = self._pool.submit(act)

    def _resolve(self) -> None:
        """Takes in addresses that are new, and forgets those that are gone. Where the name can't be
        resolved those stay that were known."""
        try:
            addresses = self._target.resolved()
        except OSError as error:
            self._unresolved = f"{self._target.url}: {error}"
            return
        with self._changing:
            known = self._servers
            self._servers = {
                each: known.get(each) or Server(each, self._connect) for each in addresses
            }
            for gone in known.keys() - self._servers.keys():
                known[gone].stop_load()

    def _connect(self, address: str) -> Endpoint:
        return self._calling.endpoint([address], of_several(), counts=False)

    def _none(self, contract: Contract) -> str:
        states = self.states(contract)
        return f"no Triton serves version {contract.version}: {_joined(states) or self._unresolved}"

    def _all_away(self) -> str:
        return _joined(self.states(None)) or self._unresolved


def _raise_what_ended(looks: Collection[Future[None]]) -> None:
    """Raises the error of a look that failed by one that says nothing of its server."""
    for look in looks:
        if look.done():
            look.result()


def _has(states: list[ServerState], state: State) -> bool:
    return any(each.state == state for each in states)


def _joined(states: list[ServerState]) -> str:
    return "; ".join(map(str, states))
