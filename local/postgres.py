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
    programs = _programs()
    # Not below the caller's folder: the server won't run as root, and another user can't get there.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    user = _server_user()
    if user:
        shutil.chown(folder, user)
    [port] = free_ports(1)
    initdb = [f"{programs}/initdb", "-D", f"{folder}/data", "-U", USER, "-A", "trust", "-E", "UTF8"]
    start = _start(programs, folder, port, durable)
    try:
        with start.log.open("wb") as output:
            subprocess.run([*initdb, "--locale=C"], user=user, cwd="/", stdout=output, check=True)
        with running(start):
            yield f"postgresql+psycopg://{USER}@{HOST}:{port}/postgres"
    except NotReady as error:
        raise LaunchRefused(f"PostgreSQL did not start on port {port}: {error}") from error
    finally:
        shutil.rmtree(folder)


def _start(programs: Path, folder: Path, port: int, durable: bool) -> Start:
    server = [f"{programs}/postgres", "-D", f"{folder}/data", "-p", str(port)]
    server += ["-c", f"listen_addresses={HOST}", "-c", f"unix_socket_directories={folder}"]
    server += () if durable else QUICK
    probe = [f"{programs}/pg_isready", "-q", "-h", HOST, "-p", str(port)]

    def ready() -> bool:
        return subprocess.run(probe, check=False).returncode == 0

    # SIGINT is its fast shutdown.
    fast, user = signal.SIGINT, _server_user()
    return Start(server, folder / "log", ready, cwd=Path("/"), user=user, stop=fast)


def _programs() -> Path:
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
