"""One server, by its address: it gets every call, and gRPC sees to its connections."""

from collections.abc import Collection, Iterator

from sidecar.errors import FeaturesUnavailable
from sidecar.models.contract import Contract
from sidecar.models.triton.channel import ALONE
from sidecar.models.triton.endpoint import Calling, Endpoint
from sidecar.models.triton.proof import prove
from sidecar.models.triton.route import Route
from sidecar.models.triton.verdict import ServerState, State
from sidecar.triton_targets import Target


class Alone:
    """Stands where `Servers` does, with the same methods; errors as there.

    Args:
        target: of the one server.
        calling: how it is called.
    """

    is_several = False

    def __init__(self, target: Target, calling: Calling) -> None:
        self._address = target.url
        self._endpoint = calling.endpoint([target.url], ALONE)
        self._route = Route(self._endpoint, None)

    def look(self) -> None:
        """Does nothing: a call that fails shows that the server is away."""

    def catch_up(self) -> None:
        """Does nothing: `ModelRegistry.reload` has it load what it lacks."""

    def keep(self, contracts: Collection[Contract]) -> None:
        """Does nothing, as `look`."""

    def prove(self, contract: Contract, lasting: bool) -> None:
        prove(self._endpoint, contract)

    def check_all(self, contract: Contract) -> None:
        """Does nothing: `prove` has asked all there is."""

    def check(self, contract: Contract) -> None:
        if not self._endpoint.is_ready(contract.version):
            raise FeaturesUnavailable(f"Triton does not serve version {contract.version}")

    def route(self, contract: Contract) -> Route:
        return self._route

    def in_turn(self, contract: Contract) -> Iterator[Endpoint]:
        yield self._endpoint

    def endpoints(self) -> dict[str, Endpoint]:
        return {self._address: self._endpoint}

    def load(self) -> str:
        return self._endpoint.load()

    def largest_batch(self, contract: Contract) -> int:
        return self._endpoint.largest_batch(contract)

    def states(self, contract: Contract | None) -> list[ServerState]:
        """Returns how it stands to a version now."""
        try:
            serves = contract is not None and self._endpoint.is_ready(contract.version)
        except FeaturesUnavailable as error:
            return [ServerState(self._address, State.AWAY, " ".join(str(error).split()))]
        why = "" if serves or contract is None else f"it does not serve version {contract.version}"
        return [ServerState(self._address, State.SERVING if serves else State.LACKING, why)]

    def close(self) -> None:
        """Ends its calls; it has no threads."""
        self._endpoint.close()
