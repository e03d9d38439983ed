"""Ports of the local stack, checked before a server is started on one."""

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from itertools import islice
from pathlib import Path

HOST = os.environ.get("LOCAL_HOST", "127.0.0.1")  # by default nobody else reaches the local stack
OURS = range(20_000, 32_000)  # below those that Linux gives out by itself
_untried = iter(random.sample(OURS, len(OURS)))


class LaunchRefused(Exception):
    """Says why a server can't be started, and what to do."""


def free_port(variable: str, address: str, default: int) -> int:
    """Returns the port that a setting names, which must be on this machine and free.

    Args:
        variable: the setting, for the error.
        address: its value: "8000", "127.0.0.1:8001", "dns:///localhost:8001",
            "redis://127.0.0.1:6379/0".
        default: the port of an address without one.
    Raises:
        LaunchRefused: the address is another machine's, names no port, or the port is taken.
    """
    address = address.split("@")[-1]  # an error must not show the password
    host, colon, text = address.split("//")[-1].lstrip("/").split("/")[0].rpartition(":")
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
    """Reserves ports that are free, all different, until this process ends.

    They lie below those that the system itself hands out, and no other process that calls this gets
    them meanwhile: seconds may pass between this choice and a server's start.

    Raises:
        LaunchRefused: fewer are free.
    """
    found = list(islice(filter(_take, _untried), count))
    if len(found) < count:
        raise LaunchRefused(f"no {count} ports between {OURS[0]} and {OURS[-1]} are free")
    return found


def _take(port: int) -> bool:
    """Reserves a port by locking its byte of a common file; returns False if it is taken."""
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
    except OSError:
        return False
    return True


@cache
def _reservations() -> int:
    """Opens the common file once for this process: closing it would free its locks."""
    path = Path(tempfile.gettempdir()) / f"similarity-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
