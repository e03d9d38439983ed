"""Runs Prometheus without a container: `python -m local.prometheus` watches what `make up` runs.

    program (PATH, or PROMETHEUS_ENV) ──► port ──► deploy/prometheus, with our ports ──► execv

It runs the program from PATH, else that of Debian's package, which `--fetch` unpacks into
PROMETHEUS_ENV without installing or starting anything.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local.ports import HOST, LaunchRefused, free_port
from local.volume import written

PORT = 9090
INTERVAL = "15s"
RULES = ("recording.yml", "alerts.yml")
DEPLOYED = Path(__file__).parent.parent / "deploy" / "prometheus"
# Each target's address among the containers, with the setting of its port without them.
TARGETS = {
    "sidecar:5000": ("PORT", "5000"),
    "worker:9091": ("METRICS_PORT", "9091"),
    "triton:8002": ("TRITON_METRICS_PORT", "8002"),
    f"localhost:{PORT}": ("PROMETHEUS_PORT", str(PORT)),
}


def main() -> int:
    """Becomes the server, with its files in DATA_DIR/prometheus; with --fetch only fetches it."""
    try:
        if sys.argv[1:] == ["--fetch"]:
            print(f"Prometheus is there: {fetch()}")
            return 0
        if sys.argv[1:]:
            raise LaunchRefused("usage: python -m local.prometheus [--fetch]")
        server = program("prometheus")
        port = free_port("PROMETHEUS_PORT", os.environ.get("PROMETHEUS_PORT", str(PORT)), PORT)
        folder = Path(os.environ.get("DATA_DIR", "var")) / "prometheus"
        with written(folder):
            configuration = configure(folder, os.environ)
    except LaunchRefused as error:
        print(f"local.prometheus: {error}", file=sys.stderr)
        return 1
    command = [
        server,
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={HOST}:{port}",
        "--log.level=warn",
    ]
    return os.execv(server, command)  # noqa: S606  no shell is meant; never returns


def program(name: str) -> str:
    """Returns the path of `prometheus` or `promtool`.

    Raises:
        LaunchRefused: it is neither on PATH nor in PROMETHEUS_ENV.
    """
    if found := shutil.which(name):
        return found
    unpacked = _folder() / "usr" / "bin" / name
    if not unpacked.exists():
        raise LaunchRefused(f"no {name} on PATH nor {unpacked}; run: make prometheus")
    return str(unpacked)


def configure(folder: Path, settings: Mapping[str, str]) -> Path:
    """Writes a copy of the configuration that watches this machine into a folder.

    Args:
        settings: the stack's; PROMETHEUS_INTERVAL is the time from one scrape to the next, such
            as "15s", PROMETHEUS_KEY_FILE the file with Prometheus' API key.
    Returns:
        the path of its `prometheus.yml`.
    """
    key = settings.get("PROMETHEUS_KEY_FILE") or DEPLOYED / "no-key"
    places = {"/etc/prometheus/key": str(Path(key).resolve())}
    places |= {f'"{name}"': f'"{HOST}:{settings.get(*port)}"' for name, port in TARGETS.items()}
    places[f"_interval: {INTERVAL}"] = (
        f"_interval: {settings.get('PROMETHEUS_INTERVAL') or INTERVAL}"
    )
    text = (DEPLOYED / "prometheus.yml").read_text()
    for deployed, here in places.items():
        text = text.replace(deployed, here)
    folder.mkdir(parents=True, exist_ok=True)
    for rules in RULES:
        shutil.copy(DEPLOYED / rules, folder)
    (folder / "prometheus.yml").write_text(text)
    return folder / "prometheus.yml"


def fetch() -> str:
    """Unpacks Debian's package, unless the server is here already.

    Returns:
        the path of the server.
    Raises:
        LaunchRefused: this machine has no such packages, or does not know them yet.
    """
    try:
        return program("prometheus")
    except LaunchRefused:
        folder = _folder()
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if not apt or not dpkg:
        raise LaunchRefused("no Debian packages here; put prometheus and promtool on PATH")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        download = [apt, "download", "-q", "-o", "APT::Sandbox::User=root", "prometheus"]
        if subprocess.run(download, cwd=work, check=False).returncode:
            raise LaunchRefused("Debian's package prometheus can't be had; run: apt-get update")
        [package] = Path(work).glob("*.deb")
        subprocess.run([dpkg, "-x", package, f"{work}/unpacked"], check=True)
        shutil.rmtree(folder, ignore_errors=True)
        Path(work, "unpacked").rename(folder)
    return program("prometheus")


def _folder() -> Path:
    return Path(os.environ.get("PROMETHEUS_ENV", ".venvs/prometheus"))


if __name__ == "__main__":
    sys.exit(main())
