"""Runs a Docker engine within private namespaces: nothing of it shows outside, or outlives them."""

import fcntl
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.check.engine import machine
from deploy.check.engine.packages import Home
from deploy.check.programs import output
from deploy.check.progress import Failed

HIDDEN = ("/etc", "/run", "/opt")  # where the engine writes, whatever its options
HOST_FILES = ("resolv.conf", "hosts")  # of /etc, mounted there in some containers
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1  # netdevice(7)


@contextmanager
def running(home: Home, network: bool) -> Iterator[dict[str, str]]:
    """Runs the engine within the namespaces of this process.

    Args:
        home: its programs; its images stay there, too.
        network: False builds on the machine's network; True has networks of its own for containers.
    Yields:
        the variables with which `docker` and Compose find it.
    """
    private = home.private
    private.mkdir(exist_ok=True)
    output(["mount", "-t", "tmpfs", "tmpfs", str(private)])
    for folder in HIDDEN:
        _hide(Path(folder), private)
    # A network that was left would be made again in the machine's own namespace.
    shutil.rmtree(home.folder / "data/network", ignore_errors=True)
    env = home.environment() | {"DOCKER_HOST": "unix:///run/similarity-check.sock"}
    own = [] if network else ["--bridge=none", "--iptables=false", "--ip-forward=false"]
    if network:
        _raise_loopback()
    command = ["dockerd", f"--host={env['DOCKER_HOST']}", "--storage-driver=overlay2", *own]
    command += [f"--data-root={home.folder}/data", f"--exec-root={private}/exec"]
    command += [f"--pidfile={private}/pid", f"--cgroup-parent=/{machine.group(home.folder)}"]
    with (home.folder / "dockerd.log").open("wb") as log:
        daemon = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        _wait(daemon, env, home.folder / "dockerd.log")
        yield env
    finally:
        daemon.terminate()
        daemon.wait(STOP_TIMEOUT_S)


def _hide(folder: Path, private: Path) -> None:
    """Lets this namespace write over a folder without changing it."""
    if not folder.is_dir():
        return
    kept = {name: (folder / name).read_bytes() for name in HOST_FILES if (folder / name).is_file()}
    layers = {name: private / f"{folder.name}-{name}" for name in ("upper", "work")}
    for layer in layers.values():
        layer.mkdir()
    options = f"lowerdir={folder},upperdir={layers['upper']},workdir={layers['work']}"
    output(["mount", "-t", "overlay", "overlay", "-o", options, str(folder)])
    for name, content in kept.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_bytes(content)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        asked = fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack("16sH14x", asked)[1] | IFF_UP
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags))


def _wait(daemon: "subprocess.Popen[bytes]", env: dict[str, str], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    asking = ["docker", "info"]
    while subprocess.run(asking, env=env, capture_output=True, check=False).returncode:
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise Failed(f"the engine did not start:\n{log.read_text()[-3000:]}")
        time.sleep(0.2)
