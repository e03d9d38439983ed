"""The ports of the local stack, checked before a server is started on one."""

import socket
from contextlib import ExitStack

HOST = "127.0.0.1"  # the local stack listens to nobody else


class LaunchRefused(Exception):
    """A server can't be started; the text says what to do."""


def free_port(variable: str, address: str, default: int) -> int:
    """The port that a setting names, which must be on this machine and free.

    Args:
        variable: the setting, for the error.
        address: its value: "8000", "127.0.0.1:8001", "redis://127.0.0.1:6379/0".
        default: the port of an address without one.
    Raises:
        LaunchRefused: it is another machine's, no port, or taken.
    """
    address = address.split("@")[-1]  # an error shall not tell the password
    host, colon, text = address.split("//")[-1].split("/")[0].rpartition(":")
    host, text = (host, text) if colon or text.isdecimal() else (text, str(default))
    if host not in ("", HOST, "localhost"):
        raise LaunchRefused(f"{variable}={address} is another machine's; nothing to start here")
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise LaunchRefused(f"{variable}={address} names no port between 1 and 65535")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(text)))
        except OSError as error:
            raise LaunchRefused(f"port {text} is taken; set {variable} to another") from error
    return int(text)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now, all different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in sockets]
