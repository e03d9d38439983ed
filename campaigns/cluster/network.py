"""A network of hosts on one machine: a bridge, and for each host a namespace with a link to it.

It is made in a network namespace of its own (`local.namespaces`), and ends with that.
"""

import subprocess
from dataclasses import dataclass

BRIDGE, DEVICE = "hosts", "eth0"
PREFIX = "10.77.0"
GATEWAY = f"{PREFIX}.1"  # the machine on which clients and nginx are
SUBNET = f"{PREFIX}.0/24"


@dataclass(frozen=True)
class Link:
    """The line between a host and the bridge, and the host's namespace behind it."""

    host: str
    address: str

    @property
    def inside(self) -> list[str]:
        """The words before a command that is to run on the host."""
        return ["ip", "netns", "exec", self.host]

    def unplug(self) -> None:
        """Takes the line away: both ends see it."""
        _ip(f"link set v-{self.host} down")

    def silence(self) -> None:
        """Loses all that is sent, both ways, and neither end sees why."""
        _ip(f"link set v-{self.host} nomaster")

    def heal(self) -> None:
        """Brings the line back, whatever was wrong with it."""
        _ip(f"link set v-{self.host} master {BRIDGE} up")


def make() -> None:
    """Makes the bridge, with an address of the machine's own."""
    _ip("link set lo up")
    _ip(f"link add {BRIDGE} type bridge")
    _ip(f"addr add {GATEWAY}/24 dev {BRIDGE}")
    _ip(f"link set {BRIDGE} up")


def connect(host: str, number: int) -> Link:
    """Makes a host's namespace, with an address of this number, and its link."""
    link = Link(host, f"{PREFIX}.{number}")
    _ip(f"netns add {host}")
    _ip(f"link add v-{host} type veth peer name {DEVICE} netns {host}")
    _ip(f"-n {host} addr add {link.address}/24 dev {DEVICE}")
    for device in ("lo", DEVICE):
        _ip(f"-n {host} link set {device} up")
    link.heal()
    return link


def _ip(words: str) -> None:
    command = ["ip", *words.split()]
    subprocess.run(command, check=True)
