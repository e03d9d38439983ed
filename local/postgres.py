"""Runs a private PostgreSQL for tests and benches, from PATH or from Debian's package.

    with postgres() as url: ...

It listens on a free port of 127.0.0.1 and leaves nothing behind.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.ports import HOST, LaunchRefused, free_ports
from local.process import NotReady, Start, running

INSTALLED = Path("/usr/lib/postgresql")  # Debian keeps the server's programs off PATH
USER = "postgres"
# No write waits for a disk: only a crash of the whole machine can lose one.
QUICK = ("-c", "fsync=off", "-c", "full_page_writes=off")


@contextmanager
def postgres(durable: bool = True) -> Iterator[str]:
    """Runs a server with an empty database and removes it when the block ends.

    Args:
        durable: False makes commits and new databases wait for no disk.
    Yields:
        its SQLAlchemy URL.
    Raises:
        LaunchRefused: PostgreSQL is not installed, or does not start.
    """
    programs()  # before a folder is made
    # Not below the caller's folder: the server won't run as root, and another user can't get there.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    [port] = free_ports(1)
    try:
        with running(server(folder, HOST, port, durable)):
            yield url(HOST, port)
    except NotReady as error:
        raise LaunchRefused(f"PostgreSQL did not start on port {port}: {error}") from error
    finally:
        shutil.rmtree(folder)


def url(host: str, port: int) -> str:
    """Returns the SQLAlchemy URL of the database of such a server."""
    return f"postgresql+psycopg://{USER}@{host}:{port}/postgres"


def server(folder: Path, host: str, port: int, durable: bool = True) -> Start:
    """Makes an empty database in a folder, and returns how its server is started.

    Args:
        folder: empty; the server's user has to get there.
        host, port: on which it listens, to this machine unless `pg_hba.conf` in its data says more.
        durable: as in `postgres`.
    Raises:
        LaunchRefused: it is not installed.
    """
    found, user, log = programs(), _server_user(), folder / "log"
    if user:
        shutil.chown(folder, user)
    initdb = [f"{found}/initdb", "-D", f"{folder}/data", "-U", USER, "-A", "trust", "-E", "UTF8"]
    with log.open("wb") as output:
        subprocess.run([*initdb, "--locale=C"], user=user, cwd="/", stdout=output, check=True)
    command = [f"{found}/postgres", "-D", f"{folder}/data", "-p", str(port)]
    command += ["-c", f"listen_addresses={host}", "-c", f"unix_socket_directories={folder}"]
    command += () if durable else QUICK
    probe = [f"{found}/pg_isready", "-q", "-h", host, "-p", str(port), "-U", USER]

    def ready() -> bool:
        return subprocess.run(probe, check=False).returncode == 0

    # SIGINT is its fast shutdown.
    return Start(command, log, ready, cwd=Path("/"), user=user, stop=signal.SIGINT)


def programs() -> Path:
    """Returns the folder of the server's programs; the newest version's where there are several."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(INSTALLED.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not versions:
        raise LaunchRefused("PostgreSQL is not installed: apt-get install postgresql")
    return versions[-1].parent


def _server_user() -> str | None:
    """Returns the user that the server runs as; None is our own, which must not be root."""
    return USER if os.geteuid() == 0 else None
