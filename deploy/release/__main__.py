"""Builds what is published: `make release`, or `make wheel` without checking versions and git.

    versions ──► git ──► build ──► contents ──► a fresh environment, `--help` of both

Nothing is uploaded and no tag is set: the last line says how.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.release import contents, versions
from deploy.release.errors import ReleaseRefused

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"


def main() -> int:
    """Releases the working tree; returns 1 where something speaks against it."""
    parser = argparse.ArgumentParser(prog="python -m deploy.release", description=__doc__)
    parser.add_argument(
        "--only-build", action="store_true", help="build and try, whatever versions and git say"
    )
    only_build = parser.parse_args().only_build
    try:
        version = versions.of_project(ROOT)
        if not only_build:
            _refuse(versions.disagreements(ROOT))
            _refuse(versions.unready(ROOT, version))
        wheel = _build(version)
        _try(wheel, _build_client(version))
    except ReleaseRefused as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    if not only_build:
        print(f"ready: git tag -a v{version} && git push origin v{version}; upload dist/*")
    return 0


def _refuse(problems: list[str]) -> None:
    if problems:
        raise ReleaseRefused("\n         ".join(problems))


def _build(version: str) -> Path:
    """Builds both archives into dist/ and returns the wheel."""
    for left in (DIST, ROOT / "build"):  # a module that is gone would be packed out of build/
        shutil.rmtree(left, ignore_errors=True)
    _run([sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT)])
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    wheel, sdist = (
        DIST / f"similarity-{version}-py3-none-any.whl",
        DIST / f"similarity-{version}.tar.gz",
    )
    _refuse(contents.of_wheel(wheel, ROOT) + contents.of_sdist(sdist, ROOT))
    print(f"built {wheel.name} and {sdist.name}: all of sidecar/, and nothing else")
    return wheel


def _build_client(version: str) -> Path:
    """Builds the client's archives into dist/, of the same version, and returns its wheel."""
    _run([sys.executable, "-m", "build", "--outdir", str(DIST), str(ROOT / "client")])
    shutil.rmtree(ROOT / "client" / "build", ignore_errors=True)
    wheel = DIST / f"similarity_client-{version}-py3-none-any.whl"
    if not wheel.exists():
        raise ReleaseRefused(f"the client has another version than {version}: see its version.py")
    _refuse(contents.of_client(wheel, ROOT))
    print(f"built {wheel.name}: all of client/src/, and nothing else")
    return wheel


def _try(wheel: Path, client: Path) -> None:
    """Installs both wheels with the pinned packages in an empty environment, and begins both."""
    with tempfile.TemporaryDirectory() as folder:
        python = f"{folder}/venv/bin/python"
        _run([sys.executable, "-m", "venv", f"{folder}/venv"])
        install = [python, "-m", "pip", "-q", "--disable-pip-version-check", "install"]
        _run([*install, "-c", str(ROOT / "constraints.txt"), f"{wheel}[cpu]", f"{client}[cli]"])
        help_text = _run([python, "-m", "sidecar", "--help"], cwd=Path(folder))
        if "CANONICAL_SIZE" not in help_text:
            raise ReleaseRefused(f"the installed wheel gives no help:\n{help_text}")
        _run([f"{folder}/venv/bin/similarity", "--help"], cwd=Path(folder))
    print("installed in a fresh environment: python -m sidecar --help answers, and similarity does")


def _run(command: list[str], cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stdout + done.stderr)[-3000:]
        raise ReleaseRefused(f"{' '.join(command[:4])} ended with {done.returncode}:\n{last}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
