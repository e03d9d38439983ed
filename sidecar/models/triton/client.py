"""Triton as the service sees it, be it one server or several."""

from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sidecar.errors import FeaturesUnavailable
from sidecar.models.contract import Contract
from sidecar.models.triton.alone import Alone
from sidecar.models.triton.endpoint import FEATURES, KEYWORDS, Calling, Endpoint
from sidecar.models.triton.servers import Servers
from sidecar.models.triton.verdict import ServerState
from sidecar.settings import Settings
from sidecar.triton_targets import target

T = TypeVar("T")


class TritonClient:
    """Asks Triton.

    Of several servers, each that has proved a version gets inferences by it, by turns, and every
    other call goes to all.
    """

    def __init__(self, url: str, timeout_s: float, repository_key: str = "") -> None:
        """Connects when it is first needed.

        Args:
            url: what TRITON_URL may be.
            timeout_s: seconds that an inference may take.
            repository_key: `name=value`, where Triton's repository API is restricted.
        """
        named, calling = target(url), Calling(timeout_s, repository_key)
        make = Servers if named.is_several else Alone
        self._tritons: Servers | Alone = make(named, calling)

    @classmethod
    def of(cls, settings: Settings) -> "TritonClient":
        """Makes the client that the settings describe."""
        return cls(settings.triton_url, settings.triton_timeout_s, settings.triton_repository_key)

    # -- inferences

    def features(self, images: NDArray[np.uint8], contract: Contract) -> NDArray[np.float32]:
        """Computes the features of images.

        Args:
            images: uint8 [N, S, S, 3], RGB, S being the contract's crop.
            contract: of the version that answers; Triton is never asked without one.
        Returns:
            float32 [N, D], each row of L2 norm 1.
        Raises:
            FeaturesUnavailable: Triton is away, refused, or took over `timeout_s`.
        Source: KServe v2 inference protocol over gRPC.
        """
        return self.infer(images, contract, FEATURES)

    def infer(
        self,
        images: NDArray[np.uint8],
        contract: Contract,
        output: str,
        priority: int = 0,
        request_id: str = "",
    ) -> NDArray[np.float32]:
        """Computes one of the graph's outputs; other arguments and errors as `features`.

        Args:
            output: FEATURES [N, D] or KEYWORDS [N, K].
            priority: 1 the most urgent of config.pbtxt's `priority_levels`; 0, or a level that it
                lacks, is its default.
            request_id: names the request in Triton's log.
        """
        [rows] = self._infer(images, contract, (output,), priority, request_id)
        return rows

    def infer_both(
        self,
        images: NDArray[np.uint8],
        contract: Contract,
        priority: int = 0,
        request_id: str = "",
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Computes features [N, D] and keywords [N, K] in one inference; arguments and errors as
        `infer`."""
        both = (FEATURES, KEYWORDS)
        features, keywords = self._infer(images, contract, both, priority, request_id)
        return features, keywords

    def _infer(
        self,
        images: NDArray[np.uint8],
        contract: Contract,
        outputs: tuple[str, ...],
        priority: int,
        request_id: str,
    ) -> list[NDArray[np.float32]]:
        """Computes outputs in one inference; in several, where a server has come since whose calls
        may have fewer images."""
        route = self._tritons.route(contract)
        most = route.largest_batch
        if most is None or len(images) <= most:
            return route.endpoint.infer(images, contract, outputs, priority, request_id)
        calls = [
            route.endpoint.infer(
                images[start : start + most], contract, outputs, priority, request_id
            )
            for start in range(0, len(images), most)
        ]
        return [np.concatenate(rows) for rows in zip(*calls, strict=True)]

    # -- which servers serve what

    @property
    def is_several(self) -> bool:
        """Returns whether there may be several servers: then somebody has to `look`."""
        return self._tritons.is_several

    def prove(self, contract: Contract, lasting: bool = True) -> None:
        """Has every server prove that it serves the very model of a contract.

        Args:
            contract: of the version.
            lasting: whether the version is looked for from now on, until `keep` leaves it out.
        Raises:
            ModelRefused, FeaturesUnavailable: none does.
        """
        self._tritons.prove(contract, lasting)

    def check_all(self, contract: Contract) -> None:
        """Raises ModelRefused or FeaturesUnavailable unless every server that answers has proved a
        version."""
        self._tritons.check_all(contract)

    def check(self, contract: Contract) -> None:
        """Raises FeaturesUnavailable unless Triton serves the version of the contract."""
        self._tritons.check(contract)

    def serving(self, version: int) -> dict[str, bool]:
        """Returns of each server that answers, by its address, whether it serves a version. Raises
        FeaturesUnavailable: Triton is away."""
        return self._each(lambda server: server.is_ready(version))

    def is_ready(self, version: int) -> bool:
        """Returns whether a server serves a version; errors as `serving`."""
        return any(self.serving(version).values())

    def states(self, contract: Contract | None) -> list[ServerState]:
        """Returns how each server stands to a version, by address."""
        return self._tritons.states(contract)

    def in_turn(self, contract: Contract) -> Iterator[Endpoint]:
        """Yields each server that serves a version, the first another one each time. Raises
        FeaturesUnavailable: none does."""
        return self._tritons.in_turn(contract)

    def largest_batch(self, contract: Contract) -> int:
        """Returns how many images one call may have by config.pbtxt, the least of all servers;
        errors as `features`."""
        return self._tritons.largest_batch(contract)

    def look(self) -> None:
        """Looks which servers are there and what they serve, and has those prove it that have
        come. Waits for none that hangs."""
        self._tritons.look()

    def catch_up(self) -> None:
        """Has servers load what they lack of the versions that are looked for."""
        self._tritons.catch_up()

    def keep(self, contracts: Collection[Contract]) -> None:
        """Goes on looking for these versions alone, of those that were to be proved."""
        self._tritons.keep(contracts)

    def close(self) -> None:
        """Ends what waits for a server: looks and loads with their threads, and all calls where
        there is one alone. To be called when nobody asks any more."""
        self._tritons.close()

    # -- the model repository

    def load(self) -> str:
        """Has Triton load the versions that are new in the repository, and drop those that are
        gone. One that stays is not touched, and answers meanwhile.

        Returns:
            Triton's message about versions that do not load, or about a request that it refuses, of
            several servers in a line of each; "" where all is well.
        Raises:
            FeaturesUnavailable: Triton is away.
        Source: the model repository extension of Triton.
        """
        return self._tritons.load()

    def has_loaded(self, name: str) -> bool:
        """Returns whether a server has a model of `Endpoint.load_file`; errors as `serving`."""
        return any(self._each(lambda server: server.has_loaded(name)).values())

    def unload(self, name: str) -> None:
        """Has Triton forget a model of `Endpoint.load_file`, if it has it. One of several servers
        that is away forgets it by itself.

        Raises:
            FeaturesUnavailable: Triton is away, or refuses.
        """
        self._each(lambda server: server.unload(name))

    def _each(self, ask: Callable[[Endpoint], T]) -> dict[str, T]:
        """Returns what each server answers, by address, of those that do. Raises
        FeaturesUnavailable: none does."""
        found: dict[str, T] = {}
        errors: list[FeaturesUnavailable] = []
        for address, server in self._tritons.endpoints().items():
            try:
                found[address] = ask(server)
            except FeaturesUnavailable as error:
                errors.append(error)
        if not found:
            raise errors[0]
        return found
