"""What TRITON_URL names: one server by its address, or several in the forms that gRPC takes.

host:port                     one server
dns:///host:port              every address that the name has
ipv4:10.0.0.1:8001,10.0.0.2:8001    these; with ipv6:, each as [2001:db8::1]:8001
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

FORMS = (
    "`host:port`, `dns:///host:port`, `ipv4:10.0.0.1:8001,10.0.0.2:8001` or the same with `ipv6:`"
)
HOST_PORT = re.compile(r"(?P<host>[\w.-]+|\[[\w:.%]+\]):(?P<port>\d+)", re.ASCII)
SCHEME = re.compile(r"(dns|ipv4|ipv6):(.*)", re.DOTALL)
MOST_PORT = 65_535
KINDS = {"ipv4": IPv4Address, "ipv6": IPv6Address}


@dataclass(frozen=True)
class Target:
    """Where Triton is.

    Args:
        url: as TRITON_URL has it.
        scheme: "dns", "ipv4" or "ipv6"; "" where it is one server's address.
        addresses: each `host:port`; those of "dns" are names, to be resolved.
    """

    url: str
    scheme: str
    addresses: tuple[str, ...]

    @property
    def is_several(self) -> bool:
        """Returns whether it may name several servers."""
        return self.scheme != ""

    def resolved(self) -> tuple[str, ...]:
        """Returns the addresses, each a number and a port, in order; those of a name as they are
        now.

        A name with addresses of both kinds stands for its IPv4 ones: Triton listens on these unless
        it is started otherwise, and a server must not count twice.

        Raises:
            OSError: the name has no address.
        """
        if self.scheme != "dns":
            return self.addresses
        host, port = _split(self.addresses[0])
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        four = {f"{each[4][0]}:{port}" for each in found if each[0] == socket.AF_INET}
        six = {f"[{each[4][0]}]:{port}" for each in found if each[0] == socket.AF_INET6}
        return tuple(sorted(four or six))


def target(url: str) -> Target:
    """Reads TRITON_URL. Raises ValueError: it has none of the forms; the text says what is wrong.

    Source: https://grpc.github.io/grpc/core/md_doc_naming.html.
    """
    matched = SCHEME.fullmatch(url)
    if matched is None:
        if "," in url:
            raise ValueError(f"several servers are written with their kind: {FORMS}")
        _split(url)
        return Target(url, "", (url,))
    scheme, rest = matched.groups()
    if scheme == "dns":
        name = rest.removeprefix("///")
        if name.startswith("//"):
            raise ValueError(
                f"a name is resolved as this machine does, by no other server: {FORMS}"
            )
        _split(name)
        return Target(url, scheme, (name,))
    addresses = tuple(dict.fromkeys(each.strip() for each in rest.split(",")))
    for each in addresses:
        host, _ = _split(each)
        if (scheme == "ipv6") != host.startswith("["):
            raise ValueError(f"{each!r} is no address of the kind {scheme}: {FORMS}")
        KINDS[scheme](host.strip("[]"))  # its ValueError names what is wrong
    return Target(url, scheme, addresses)


def _split(address: str) -> tuple[str, int]:
    """Returns host and port of an address. Raises ValueError: it lacks one."""
    matched = HOST_PORT.fullmatch(address)
    if matched is None or not 1 <= int(matched["port"]) <= MOST_PORT:
        raise ValueError(f"{address!r} is no host and port: {FORMS}")
    return matched["host"], int(matched["port"])
