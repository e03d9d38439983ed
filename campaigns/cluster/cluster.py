"""The cluster: ten hosts, and nginx before the three that answer.

clients ──► nginx ──► sidecar-1 … 3 ──► triton-1, triton-2
                          │
            postgres, s3, redis ◄── worker-1, worker-2
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.cluster import network, servers
from campaigns.cluster.hosts import Host
from campaigns.cluster.models import MODELS
from campaigns.cluster.network import GATEWAY, Link
from local import process
from local.process import Start, wait_until
from local.stack import Stack
from sidecar.objects import open_store

NUMBERS = {
    **{"postgres": 11, "s3": 12, "redis": 13, "triton-1": 21, "triton-2": 22},
    **{"sidecar-1": 31, "sidecar-2": 32, "sidecar-3": 33, "worker-1": 41, "worker-2": 42},
}
OURS = [name for name in NUMBERS if name.startswith(("sidecar", "worker"))]
SIDECARS = [name for name in NUMBERS if name.startswith("sidecar")]
CLIENT_TIMEOUT_S = 60
# A task whose worker is cut off is run again soon.
SETTINGS = {"TASK_LEASE_S": "10", "HTTP_PROCESSES": "1"}


@dataclass
class Cluster:
    """All hosts by their names.

    Attributes:
        shared: the settings of all sidecars and workers.
    """

    folder: Path
    links: dict[str, Link]
    hosts: dict[str, Host] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)

    @property
    def sidecars(self) -> list[Host]:
        """The hosts that answer."""
        return [self.hosts[name] for name in SIDECARS]

    def own(self, name: str) -> Path:
        """Returns the folder of a host; makes it where there is none."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def begin(self, name: str, start: Start) -> None:
        """Starts a host for the first time."""
        host = self.hosts[name] = Host(self.links[name], start)
        host.begin()
        host.start()

    def start_of(self, name: str, code: Path) -> Start:
        """Returns how a sidecar or a worker is started from the code of a repository."""
        line, address = name.partition("-")[0], self.links[name].address
        return servers.ours(line, self.own(name), address, self.shared, code)

    def front(self) -> Stack:
        """Returns a stack that is nginx to who calls it; it knows one Triton, since of several none
        answers who has not seen its proof."""
        settings = self.shared | {
            "HOST": GATEWAY,
            "PORT": str(servers.PORTS["NGINX"]),
            "TRITON_URL": f"{self.links['triton-1'].address}:{servers.TRITON['grpc']}",
        }
        front = Stack(self.own("front"), **settings)
        front.answer_timeout_s = CLIENT_TIMEOUT_S
        return front

    def stack(self, name: str) -> Stack:
        """Returns a stack that runs commands with the settings of a host."""
        return Stack(self.own(name), **self.shared)

    def wait_up(self) -> None:
        """Returns when every host answers."""
        wait_until(lambda: not self._silent(), lambda: "\n".join(map(self.log, self._silent())))

    def log(self, name: str) -> str:
        """Returns the end of a host's log, under its name."""
        return f"--- {name}\n{process.tail(self.own(name) / 'log')}"

    def _silent(self) -> list[str]:
        return [name for name, host in self.hosts.items() if host.up_since is None]


@contextmanager
def running(
    folder: Path, code: Path, settings: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """Runs a cluster without an image that answers; it ends with the namespaces that this runs in.

    Args:
        folder: for everything; every user has to get there. All hosts share the models in it.
        code: the repository whose sidecars and workers run.
        settings: of these, besides.
    """
    network.make()
    links = {name: network.connect(name, number) for name, number in NUMBERS.items()}
    cluster = Cluster(folder, links)
    cluster.shared |= SETTINGS | {"MODEL_REPOSITORY": f"{folder / MODELS}", **(settings or {})}
    _begin_servers(cluster)
    cluster.wait_up()
    for name in OURS:
        cluster.begin(name, cluster.start_of(name, code))
    cluster.wait_up()
    with process.running(servers.nginx(cluster.own("nginx"), _addresses(cluster))):
        yield cluster


def _begin_servers(cluster: Cluster) -> None:
    """Starts what is not ours, and notes in the settings where it is."""
    shared, at = cluster.shared, {name: link.address for name, link in cluster.links.items()}
    database, shared["CATALOGUE_URL"] = servers.database(cluster.own("postgres"), at["postgres"])
    cluster.begin("postgres", database)
    redis, shared["REDIS_URL"] = servers.redis(cluster.own("redis"), at["redis"])
    cluster.begin("redis", redis)
    tritons = [name for name in NUMBERS if name.startswith("triton")]
    for name in tritons:
        cluster.begin(name, servers.triton(cluster.own(name), at[name], shared["MODEL_REPOSITORY"]))
    ports = [f"{at[name]}:{servers.TRITON['grpc']}" for name in tritons]
    shared["TRITON_URL"] = f"ipv4:{','.join(ports)}"
    objects, store = servers.objects(cluster.own("s3"), at["s3"])
    cluster.begin("s3", servers.readable(objects, at["s3"]))
    shared |= store
    os.environ |= store  # for this process, which makes the bucket
    wait_until(objects.ready, lambda: cluster.log("s3"))
    open_store(store["INDEX_STORE"]).put(servers.MADE, b"made")


def _addresses(cluster: Cluster) -> dict[str, str]:
    return {name: cluster.links[name].address for name in SIDECARS}
