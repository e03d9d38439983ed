"""Who uses the volume of DATA_DIR: all sidecars and workers of one stack, or a restore alone.

    DATA_DIR/in-use    names the stack; locked shared by each of its processes, alone by a restore

Processes are of one stack where they have the same catalogue and the same Redis, however many
containers or hosts they run in. Two stacks on one volume would publish generations and number them
against each other. A lock ends with the last process that holds it, or was forked from one that
does, so a killed service leaves none.
Source: Linux flock(2), which also says that from shared to alone and back is no single step.
"""

import errno
import fcntl
import json
import logging
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sidecar.errors import BackupRefused, SettingsError

log = logging.getLogger(__name__)

FILE = "in-use"
HOST = "host"  # a word that tells hosts of one name apart
PATIENCE_S = 5.0  # for another process that is just taking the lock
PAUSE_S = 0.02
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)  # what file systems without locks answer


@contextmanager
def held(data_dir: Path, stack: str, command: str) -> Iterator[None]:
    """Holds the volume for a process of a stack, during the block.

    Args:
        stack: what all processes of the stack have in common, as a person reads it.
        command: of this process.
    Raises:
        SettingsError: another stack uses the volume, or a restore; or it can't be written.
    """
    try:
        handle = _open(data_dir)
    except OSError as error:
        raise SettingsError(f"DATA_DIR={data_dir}: {error}") from error
    try:
        mine = {"stack": stack, "command": command, "process": os.getpid()}
        mine |= {"host": socket.gethostname(), "since": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        _join(handle, data_dir, mine)
        yield
    finally:
        os.close(handle)


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Keeps everybody else off the volume during the block.

    Raises:
        BackupRefused: a service uses the volume; the text says which.
    """
    try:
        handle = _open(data_dir)
    except OSError as error:
        raise BackupRefused(f"DATA_DIR={data_dir}: {error}") from error
    try:
        if not _locked(handle, fcntl.LOCK_EX):
            raise BackupRefused(
                f"DATA_DIR={data_dir} is in use by {_described(_read(handle))}: "
                "stop all sidecars and workers first"
            )
        yield
    finally:
        os.close(handle)


def host_name(data_dir: Path) -> str:
    """Returns the name of this host, with a word of its DATA_DIR: no two hosts have both."""
    path = data_dir / HOST
    with suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, secrets.token_hex(4).encode())
        finally:
            os.close(handle)
    return f"{socket.gethostname()[:200]}-{path.read_text()}"


def _open(data_dir: Path) -> int:
    data_dir.mkdir(parents=True, exist_ok=True)
    return os.open(data_dir / FILE, os.O_RDWR | os.O_CREAT, 0o600)


def _join(handle: int, data_dir: Path, mine: dict[str, Any]) -> None:
    """Takes the lock as the first process of a stack, or beside others of the same."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        if _locked(handle, fcntl.LOCK_EX):
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(mine).encode(), 0)
        if _locked(handle, fcntl.LOCK_SH):
            holder = _read(handle)  # another's, where one came in between
            if holder.get("stack") == mine["stack"]:
                return
            raise SettingsError(
                f"DATA_DIR={data_dir} is in use by {_described(holder)}, and this one has "
                f"{mine['stack']}: processes of one stack need the same CATALOGUE_URL and "
                "REDIS_URL, another stack a volume of its own"
            )
        if time.monotonic() > deadline:
            raise SettingsError(f"DATA_DIR={data_dir} is in use by a restore: wait for its end")
        time.sleep(PAUSE_S)


def _locked(handle: int, how: int) -> bool:
    """Locks at once, or returns False; where the file system has no locks it goes without."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        log.warning("the volume has no locks, so a second stack on it is not noticed: %s", error)
    return True


def _read(handle: int) -> dict[str, Any]:
    try:
        read = json.loads(os.pread(handle, 1 << 16, 0))
    except ValueError:  # nothing was ever written, or not all of it
        return {}
    return read if isinstance(read, dict) else {}


def _described(holder: dict[str, Any]) -> str:
    if not holder:
        return "another process"
    return (
        f"a stack with {holder.get('stack')} (first its `{holder.get('command')}`, process "
        f"{holder.get('process')} on {holder.get('host')}, since {holder.get('since')})"
    )
