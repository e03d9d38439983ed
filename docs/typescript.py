"""Makes TypeScript types of the document of the API: `make types`, or `python -m docs.typescript`.

What is made is not kept in the repository: the document is, and the versions below are exact.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from sidecar.http import openapi

FOLDER = Path(__file__).parents[1] / "build" / "types"
TYPES = "similarity.d.ts"
PACKAGES = ("openapi-typescript@7.13.0", "typescript@5.9.3")
# How npm names a registry that does not answer.
UNREACHED = (
    *("EAI_AGAIN", "ENOTFOUND", "ENETUNREACH", "EHOSTUNREACH", "ECONNREFUSED", "ECONNRESET"),
    *("ETIMEDOUT", "ERR_SOCKET_TIMEOUT", "ENOTCACHED"),
)


class NpmMissing(Exception):
    """There is no npm, or its registry can't be reached; the text says which."""


def make(folder: Path) -> Path:
    """Writes the types into a folder, and returns where.

    Raises:
        NpmMissing: as `run`.
        RuntimeError: the document makes no types.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "openapi.json").write_bytes(openapi.content())
    run(folder, "openapi-typescript", "openapi.json", "--output", TYPES)
    return folder / TYPES


def run(folder: Path, *command: str) -> str:
    """Runs a program of the packages in a folder, and returns what it prints.

    Raises:
        NpmMissing: there is no npm, or it has not got the packages yet and can't get them now.
        RuntimeError: the program failed; the text is what it printed.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise NpmMissing("npm is not installed")
    packages = [f"--package={each}" for each in PACKAGES]
    options = ["--yes", "--prefer-offline", "--fetch-retries=0", "--fetch-timeout=60000"]
    done = subprocess.run(
        [npm, "exec", *options, *packages, "--", *command],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return done.stdout
    if any(f"code {code}" in done.stderr for code in UNREACHED):
        raise NpmMissing(f"npm's registry can't be reached: {done.stderr.strip().splitlines()[0]}")
    raise RuntimeError(f"{command[0]} failed\n{done.stdout}{done.stderr}")


def main() -> int:
    """Makes the types; returns 1 where npm is missing."""
    try:
        print(make(FOLDER))
    except NpmMissing as missing:
        print(f"types: {missing}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
