"""Answers only under names that are the service's own, where it listens on this machine alone.

A page of any site can have its own name lead to 127.0.0.1 and then read what answers there, as if
it were its own (DNS rebinding). Its requests still say that name in `Host`.
"""

import ipaddress

import falcon

from sidecar.errors import UnknownHost

LOCAL = "localhost"


class HostNames:
    """Refuses requests for other hosts.

    Args:
        address: where the service listens.
        names: further names of it, separated by commas; with any, it refuses all others wherever
            it listens.
    """

    def __init__(self, address: str, names: str) -> None:
        self._names = {name.strip().lower() for name in names.split(",") if name.strip()}
        self._takes_all = not self._names and not _is_loopback(address)

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        if self._takes_all or req.get_header("Host") is None:  # HTTP/1.0; a browser sends it
            return
        host = req.host.lower().rstrip(".")
        is_local = host == LOCAL or host.endswith(f".{LOCAL}")
        if not (is_local or host in self._names or _address(host)):
            raise UnknownHost("this service has no such name: HOST_NAMES lists those it has")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Returns an address; None for a name. No name that DNS leads anywhere is one."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _is_loopback(address: str) -> bool:
    found = _address(address)
    return address == LOCAL if found is None else found.is_loopback
