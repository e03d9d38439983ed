"""Makes the root file system of every stand-in by debootstrap: `python -m
deploy.check.engine.base`.

In namespaces of its own, as debootstrap mounts what it needs.
"""

import shutil
import sys
from pathlib import Path

from deploy.check.engine import packages
from deploy.check.engine.packages import Home, once
from deploy.check.programs import output
from deploy.check.progress import Failed, say
from local import namespaces

CERTIFICATES = Path("etc/ssl/certs/ca-certificates.crt")


def make_base(home: Home) -> None:
    """Makes `home.base`, a tar, unless it is there."""

    def make(part: Path) -> None:
        say("a root file system of Debian's for the stand-ins")
        words = ["-m", "deploy.check.engine.base", str(home.folder), str(part)]
        if namespaces.run_inside(words, network=True):
            raise Failed("debootstrap did not end well")

    once(home.base, make)


def main() -> int:
    """Makes the tar within the namespaces; returns 1 where that fails."""
    try:
        _bootstrap(Home(Path(sys.argv[1])), Path(sys.argv[2]))
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _bootstrap(home: Home, part: Path) -> None:
    home.private.mkdir(exist_ok=True)
    output(["mount", "-t", "tmpfs", "tmpfs", str(home.private)])
    folder = home.private / "base"  # in memory, where dpkg's many syncs cost nothing
    env = home.environment() | {"DEBOOTSTRAP_DIR": f"{home.root}/usr/share/debootstrap"}
    included = ",".join(packages.BASE.split())
    program = f"{home.root}/usr/sbin/debootstrap"
    words = [
        "--variant=minbase",
        f"--include={included}",
        packages.SUITE,
        str(folder),
        packages.mirror(),
    ]
    output([program, *words], env | {"LC_ALL": "C"})
    (folder / "usr/bin/python").symlink_to("python3")
    _configure_pip(folder)
    for name in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale"):
        shutil.rmtree(folder / name)
    output(["tar", "-C", str(folder), "-cf", str(part), "."])


def _configure_pip(folder: Path) -> None:
    """Gives pip in a container the indexes and certificates that it has on this machine."""
    lines = ["[global]", "timeout = 60"]
    for line in output([sys.executable, "-m", "pip", "config", "list"]).splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        urls = [url for url in value.strip("'\"").split() if url.startswith("http")]
        if key in ("index-url", "extra-index-url", "trusted-host", "proxy") and urls:
            lines.append(f"{key} = {' '.join(urls)}")
    trusted = Path("/") / CERTIFICATES
    if trusted.exists():
        shutil.copyfile(trusted, folder / CERTIFICATES)
        lines.append(f"cert = {trusted}")
    (folder / "etc/pip.conf").write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    sys.exit(main())
