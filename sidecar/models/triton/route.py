"""The ways of inferences: which servers take those by a version, over which channel."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from sidecar.models.triton.channel import of_several
from sidecar.models.triton.endpoint import Calling, Endpoint
from sidecar.models.triton.server import Server
from sidecar.models.triton.verdict import Key, State

Connections = tuple[Endpoint, ...]  # those over which servers have proved a version


@dataclass(frozen=True)
class Route:
    """Where inferences by a version go.

    Args:
        endpoint: a channel to each server that has proved it; gRPC takes them by turns.
        largest_batch: images that each of them takes in a call; None where nobody has asked.
    """

    endpoint: Endpoint
    largest_batch: int | None


class Routes:
    """Makes a channel for each set of servers, and another where one of them has come, gone or
    proved itself over a new connection."""

    def __init__(self, calling: Calling) -> None:
        self._calling = calling
        self._known: dict[Key, tuple[Connections, Route]] = {}
        self._changing = threading.Lock()

    def of(self, of: Key, servers: Iterable[Server]) -> Route | None:
        """Returns the route of a version; None where no server has proved it."""
        seen = [(server.address, server.seen) for server in servers]
        proved = [
            (a, s.endpoint, v) for a, s in seen if (v := s.verdict(of)).state == State.SERVING
        ]
        if not proved:
            self._known.pop(of, None)
            return None
        connections = tuple(endpoint for _, endpoint, _ in proved)
        largest = min(verdict.largest_batch for _, _, verdict in proved)
        known = self._known.get(of)
        if known is not None and known[0] == connections and known[1].largest_batch == largest:
            return known[1]
        with self._changing:
            endpoint = self._shared(connections, [address for address, _, _ in proved])
            route = Route(endpoint, largest)
            self._known[of] = connections, route
            return route

    def _shared(self, connections: Connections, addresses: list[str]) -> Endpoint:
        """Returns the channel to these servers, which versions share."""
        for others, route in [*self._known.values()]:
            if others == connections:
                return route.endpoint
        return self._calling.endpoint(addresses, of_several())
