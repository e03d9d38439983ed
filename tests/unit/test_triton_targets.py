"""What TRITON_URL may be, and what it is refused for."""

import socket

import pytest

from sidecar.errors import SettingsError
from sidecar.settings import from_environment
from sidecar.triton_targets import target

SEVERAL = {
    "dns:///triton-headless:8001": ("triton-headless:8001",),
    "dns:triton:8001": ("triton:8001",),
    "ipv4:10.0.0.1:8001": ("10.0.0.1:8001",),
    "ipv4:10.0.0.1:8001,10.0.0.2:8001": ("10.0.0.1:8001", "10.0.0.2:8001"),
    "ipv4:10.0.0.1:8001,10.0.0.1:8001": ("10.0.0.1:8001",),
    "ipv6:[2001:db8::1]:8001,[::1]:8002": ("[2001:db8::1]:8001", "[::1]:8002"),
}
WRONG = {
    "triton": "'triton' is no host and port",
    "triton:": "is no host and port",
    "triton:99999": "is no host and port",
    "http://triton:8001": "is no host and port",
    "unix:/run/triton": "is no host and port",
    "a:8001,b:8001": "several servers are written with their kind",
    "dns:///triton": "'triton' is no host and port",
    "dns://10.0.0.9/triton:8001": "by no other server",
    "dns:///a:8001,b:8001": "is no host and port",
    "ipv4:a:8001,b:8001": "Only decimal digits permitted|Expected 4 octets",
    "ipv4:10.0.0.1:8001,": "'' is no host and port",
    "ipv4:[::1]:8001": "is no address of the kind ipv4",
    "ipv6:10.0.0.1:8001": "is no address of the kind ipv6",
    "ipv6:[10.0.0.1]:8001": "10.0.0.1",
}


@pytest.mark.parametrize("url", ["127.0.0.1:8001", "triton_1:8001", "[::1]:8001"])
def test_one_address_is_one_server(url: str) -> None:
    named = target(url)
    assert (named.is_several, named.resolved()) == (False, (url,))


@pytest.mark.parametrize("url", SEVERAL)
def test_what_grpc_takes_is_taken(url: str) -> None:
    named = target(url)
    assert (named.is_several, named.addresses) == (True, SEVERAL[url])


@pytest.mark.parametrize("url", WRONG)
def test_anything_else_is_refused_at_the_start_in_a_line_with_the_forms(url: str) -> None:
    with pytest.raises(SettingsError, match=WRONG[url]) as refused:
        from_environment(triton_url=url)
    assert str(refused.value).startswith(f"TRITON_URL={url!r}: ")
    assert "\n" not in str(refused.value)


def test_a_name_is_resolved_each_time_and_counts_a_server_of_both_kinds_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[tuple[socket.AddressFamily, str]] = []

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        assert (host, port) == ("triton", 8001)
        return [(family, 1, 6, "", (address, port)) for family, address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    named = target("dns:///triton:8001")
    found += [(socket.AF_INET6, "fd00::2"), (socket.AF_INET6, "fd00::1")]
    assert named.resolved() == ("[fd00::1]:8001", "[fd00::2]:8001")
    found += [(socket.AF_INET, "10.0.0.2"), (socket.AF_INET, "10.0.0.1")]
    assert named.resolved() == ("10.0.0.1:8001", "10.0.0.2:8001")
