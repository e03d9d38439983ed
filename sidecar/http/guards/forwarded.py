"""Says who the client is, and by which path it came, where a trusted proxy stands in between.

Anybody can send these headers, so they count only as far as TRUSTED_PROXIES vouch for them.
"""

import ipaddress
import re

import falcon

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
PORT = re.compile(r"(?:\[([^\]]*)\]|([^:\]]*)):[0-9]{1,5}")  # [v6]:port or v4:port, as some send
PREFIX = re.compile(r"(/[\w.~-]+)+", re.ASCII)
LONGEST_PREFIX = 200


class Forwarded:
    """Notes the client's address and the prefix of its path in the context of each request.

    Args:
        proxies: networks whose `X-Forwarded-For` and `X-Forwarded-Prefix` count.
    """

    def __init__(self, proxies: tuple[Network, ...]) -> None:
        self._proxies = proxies

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        req.context.client, req.context.prefix = req.remote_addr, ""
        if not self._trusts(_address(req.remote_addr)):
            return
        req.context.client = self._client(req)
        prefix = (req.get_header("X-Forwarded-Prefix") or "").rstrip("/")
        if len(prefix) <= LONGEST_PREFIX and PREFIX.fullmatch(prefix):
            req.context.prefix = prefix

    def _client(self, req: falcon.Request) -> str:
        """Returns the last address in the chain that no trusted proxy has, from its end."""
        client: str = req.remote_addr
        for hop in reversed((req.get_header("X-Forwarded-For") or "").split(",")):
            address = _address(hop)
            if address is None:
                break
            client = str(address)
            if not self._trusts(address):
                break
        return client

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._proxies)


def networks(text: str) -> tuple[Network, ...]:
    """Returns the networks of a list with commas. Raises ValueError: one is not a network."""
    words = (word.strip() for word in text.split(","))
    return tuple(ipaddress.ip_network(word) for word in words if word)


def _address(text: str) -> Address | None:
    """Returns an address, without the port that may follow it; None for anything else."""
    text = text.strip()
    found = PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((found[1] or found[2]) if found else text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    # A scope is of one machine, and any text.
    return address.ipv4_mapped or ipaddress.IPv6Address(int(address))
