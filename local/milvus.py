"""Runs a private Milvus for tests, in a network namespace of its own.

    with milvus() as settings: ...
    python -m local.milvus --unpack FOLDER     of the package, for `make setup`

All its ports listen on every interface, and nothing of its configuration changes that. So it gets a
namespace that has one wire to this machine, and no other machine reaches it; several run side by
side, each with the ports it is used to. That takes root and iproute2. The program is that of the
package milvus, which `make setup` unpacked into MILVUS_ENV; its own launcher, which moves to other
ports unasked, is not used. It is an old release (2.3.5), the last that comes as a program for one
machine: what production runs is newer.
"""

import http.client
import lzma
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.ports import LaunchRefused
from local.process import ROOT, NotReady, Start, running

PORT, HEALTH_PORT = 19530, 9091
ANSWER_TIMEOUT_S = 5.0
NETWORK = "10.213"  # of the wires, which no other machine sees
VARIABLE = "{{"  # in the template of the configuration
# A part that did not get to give a life sign for so long ends the server: a machine may be busy.
# And for so long one that was killed and started again takes its parts from before for alive.
LEASE, LEASE_S, LONG_LEASE_S = "    ttl: 30 ", 30, 600


@contextmanager
def milvus(folder: Path | None = None) -> Iterator[dict[str, str]]:
    """Runs a server and ends it when the block ends.

    Args:
        folder: of its data, which stays; without one it begins empty and leaves nothing.
    Yields:
        the settings by which the service finds it: INDEX_ENGINE and MILVUS_URI.
    Raises:
        LaunchRefused: the program or the right to make a namespace is missing, or it does not
            start.
    """
    _program()  # before a folder is made
    home = folder or Path(tempfile.mkdtemp(prefix="milvus-"))
    try:
        with wired() as wire, running(server(home, wire)):
            yield {"INDEX_ENGINE": "milvus", "MILVUS_URI": f"http://{wire.address}:{PORT}"}
    except NotReady as error:
        raise LaunchRefused(f"Milvus did not start: {error}") from error
    finally:
        if folder is None:
            shutil.rmtree(home)


@dataclass(frozen=True)
class Wire:
    """A network namespace for a server, and the address by which this machine reaches it."""

    namespace: str
    address: str


def server(
    home: Path,
    wire: Wire,
    given: Mapping[str, object] | None = None,
    lease_s: int = LONG_LEASE_S,
) -> Start:
    """Writes the configuration of a server, and returns how it is started.

    Args:
        home: the folder of its data.
        given: what its configuration says instead of its defaults, by the names in the template.
        lease_s: for which its parts may be silent; LEASE_S is Milvus' default.
    Raises:
        LaunchRefused: the program is missing.
    """
    program = _program()
    command = [_which_ip(), "netns", "exec", wire.namespace]
    return Start(
        [*command, str(program / "milvus"), "run", "standalone"],
        home / "log",
        lambda: _answers(wire.address),
        env=_prepared(program, home, given or {}, lease_s),
        cwd=home,
        stop=signal.SIGKILL,  # with data loaded it takes over a minute to end by itself
    )


def may_run() -> bool:
    """Says whether this user may make a network namespace."""
    return os.geteuid() == 0 and bool(_which_ip())


@contextmanager
def wired() -> Iterator[Wire]:
    """Makes a namespace with a wire to it; both are gone when the block ends.

    Raises:
        LaunchRefused: the right to, or iproute2, is missing.
    """
    if not may_run():
        raise LaunchRefused(
            "Milvus listens on every interface, so it runs in a network namespace: that takes root "
            "and ip (apt-get install iproute2)"
        )
    number = _free_number()
    name, here, there = f"milvus-{number}", f"mv{number}a", f"mv{number}b"
    ours, theirs = (f"{NETWORK}.{number >> 6}.{4 * (number & 63) + end}" for end in (1, 2))
    _ip("netns", "add", name)
    try:
        _ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        _ip("addr", "add", f"{ours}/30", "dev", here)
        _ip("link", "set", here, "up")
        _ip("-n", name, "addr", "add", f"{theirs}/30", "dev", there)
        for device in (there, "lo"):
            _ip("-n", name, "link", "set", device, "up")
        yield Wire(name, theirs)
    finally:
        _ip("netns", "delete", name)  # and the wire with it


def _free_number() -> int:
    """Returns a number that no namespace of ours has: one for each process at once."""
    taken = {path.name for path in Path("/run/netns").glob("milvus-*")}
    first = os.getpid() % 15_000
    return next(n for n in range(first, first + 384) if f"milvus-{n}" not in taken)


def _ip(*words: str) -> None:
    done = subprocess.run([_which_ip(), *words], capture_output=True, text=True)
    if done.returncode:
        raise LaunchRefused(f"ip {' '.join(words)}: {done.stderr.strip()}")


def _which_ip() -> str:
    """Returns the path of ip, which lies where only root's PATH may look; "" where it is not."""
    return shutil.which("ip") or shutil.which("ip", path="/usr/sbin:/sbin") or ""


def _prepared(
    program: Path, home: Path, given: Mapping[str, object], lease_s: int
) -> Mapping[str, str]:
    """Writes the configuration of a server into its folder, and returns its environment."""
    folders = {
        "etcd_log_path": home / "etcd.log",
        "etcd_data_dir": home / "data/etcd",
        "local_storage_dir": home / "data",
        "rocksmq_data_dir": home / "data/rocksmq",
        "system_log_path": "",  # to its output
    }
    (home / "configs").mkdir(exist_ok=True)
    (home / "data").mkdir(exist_ok=True)
    template = (program / "config.yaml.template").read_text()
    (home / "configs/milvus.yaml").write_text(_filled(template, {**folders, **given}, lease_s))
    shutil.copy(program / "glog.conf", home / "configs")
    return {
        **os.environ,
        "DEPLOY_MODE": "STANDALONE",
        "METRICS_PORT": str(HEALTH_PORT),  # which is also a setting of the worker
        "MILVUS_RUN_DIR": str(home / "run"),
        "MILVUSCONF": str(home / "configs"),
        "LD_LIBRARY_PATH": str(program),
    }


def _filled(template: str, given: Mapping[str, object], lease_s: int) -> str:
    """Fills the places of a template, `{{ name(type): default }}`."""
    lines = []
    for line in template.splitlines():
        before, found, rest = line.partition(VARIABLE)
        if found:
            place, _, after = rest.partition("}}")
            name, _, default = place.partition(":")
            name = name.split("(")[0].strip()
            line = f"{before}{given.get(name, default.strip())}{after}"
        lines.append(line.replace(LEASE, f"    ttl: {lease_s} "))
    return "\n".join(lines) + "\n"


def _answers(address: str) -> bool:
    """Says whether the server is ready."""
    server = http.client.HTTPConnection(address, HEALTH_PORT, timeout=ANSWER_TIMEOUT_S)
    try:
        server.request("GET", "/healthz")
        answer = server.getresponse()
        return answer.status == 200 and b"OK" in answer.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        server.close()


def _program() -> Path:
    folder = ROOT / os.environ.get("MILVUS_ENV", ".venvs/milvus") / "bin"
    if not (folder / "milvus").exists():
        raise LaunchRefused(f"no {folder}/milvus (MILVUS_ENV); run: make .venvs/milvus/done")
    return folder


def _unpack(package: Path) -> None:
    """Unpacks the program out of its package into the folder `bin` beside that."""
    folder = package.parent / "bin"
    folder.mkdir(exist_ok=True)
    for packed in (package / "data/bin").glob("*.lzma"):
        with lzma.open(packed) as content, (folder / packed.stem).open("wb") as file:
            shutil.copyfileobj(content, file)
        (folder / packed.stem).chmod(0o755)
    for name in ("config.yaml.template", "glog.conf"):
        shutil.copy(package / "data" / name, folder)


if __name__ == "__main__":
    _unpack(Path(sys.argv[sys.argv.index("--unpack") + 1]))
