"""How soon each host serves the newest generation, after it has come or the host is back."""

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from campaigns.cluster.cluster import Cluster
from campaigns.cluster.hosts import Host
from campaigns.cluster.servers import PORTS
from local.process import wait_until
from sidecar.catalogue import Generations, open_catalogue
from sidecar.errors import SimilarityError

LOOK_S = 0.2
READY_TIMEOUT_S = 5.0  # Redis or Triton may be away, for whose answers the sidecar waits
NEEDED = ("postgres", "s3")  # without which no host learns of a generation, or gets it


@dataclass
class Newest:
    """The generation to search, by the catalogue: its number, and since when that is known."""

    number: int = 0
    since: float = 0.0

    def look(self, generations: Generations) -> None:
        """Reads it; keeps what was known where the catalogue is away."""
        try:
            current = generations.current()
        except SimilarityError:
            return
        if current is not None and current.number != self.number:
            self.number, self.since = current.number, time.monotonic()


@dataclass
class Level:
    """What is known of one host.

    Attributes:
        took_s: of each time that it was behind, or back: seconds until it served the newest.
        waits_since: time.monotonic from which it has to serve that; None while it does.
    """

    host: Host
    took_s: list[float] = field(default_factory=list)
    waits_since: float | None = None
    _seen: tuple[int, float] = (0, 0.0)

    def look(self, newest: Newest, needed: list[Host]) -> None:
        """Compares what the host serves with what it should."""
        up = [each.up_since for each in (self.host, *needed)]
        if newest.number == 0 or any(since is None for since in up):
            self.waits_since = None  # it can't, until all are back
            return
        number, since = newest.number, max(newest.since, *(s for s in up if s is not None))
        if self._seen == (number, since):
            return
        self.waits_since = since
        if served(self.host) >= number:
            self.took_s.append(time.monotonic() - since)
            self._seen, self.waits_since = (number, since), None


@dataclass
class Levels:
    """Watches every sidecar of a cluster."""

    cluster: Cluster
    levels: list[Level]
    newest: Newest = field(default_factory=Newest)

    @property
    def took_s(self) -> list[float]:
        """The seconds of all hosts, ascending."""
        return sorted(took for level in self.levels for took in level.took_s)

    def are_level(self) -> bool:
        """Whether every host answers and serves the newest."""
        hosts = self.cluster.hosts.values()
        numbers = {served(level.host) for level in self.levels}
        return all(host.up_since for host in hosts) and numbers == {self.newest.number}

    def wait(self) -> None:
        """Returns when they are level.

        Raises:
            NotReady: they do not become so; the text has the logs.
        """
        names = [level.host.name for level in self.levels]
        wait_until(self.are_level, lambda: "\n".join(map(self.cluster.log, names)))


@contextlib.contextmanager
def watched(cluster: Cluster) -> Iterator[Levels]:
    """Watches the levels as long as the block runs."""
    levels = Levels(cluster, [Level(host) for host in cluster.sidecars])
    needed = [cluster.hosts[name] for name in NEEDED]
    catalogue = open_catalogue(cluster.shared["CATALOGUE_URL"], 30)
    over = threading.Event()
    looks = [partial(levels.newest.look, catalogue.generations)]
    looks += [partial(level.look, levels.newest, needed) for level in levels.levels]
    threads = [threading.Thread(target=_again, args=(look, over), daemon=True) for look in looks]
    for thread in threads:
        thread.start()
    try:
        yield levels
    finally:
        over.set()
        for thread in threads:
            thread.join()
        catalogue.close()


def served(host: Host) -> int:
    """Returns the number of the generation that a sidecar searches; 0 where it does not say."""
    server = http.client.HTTPConnection(host.link.address, PORTS["HTTP"], timeout=READY_TIMEOUT_S)
    try:
        server.request("GET", "/health/ready")
        index = json.loads(server.getresponse().read()).get("index", {})
    except (OSError, http.client.HTTPException, ValueError):
        return 0
    finally:
        server.close()
    return int(index.get("generation") or 0)


def _again(look: Callable[[], object], over: threading.Event) -> None:
    while not over.wait(LOOK_S):
        look()
