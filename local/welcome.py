"""What `make up` prints first: where it serves, and three lines to try, which work as they are."""

import os
import shlex
import sys
from pathlib import Path

from local.photos import packaged
from local.ports import HOST

PORT = "5000"
ANY = "0.0.0.0"  # noqa: S104  # nosec B104
NOT_ASKED = ("", "::", ANY)  # addresses at which a service may listen
DEFAULT = f"http://127.0.0.1:{PORT}"


def lines() -> list[str]:
    """Returns the three lines, for a shell in any folder: they add photos, find, and show."""
    given, url = "", where()
    if url != DEFAULT:
        given = f" --url {url}"
    command = shlex.quote(str(Path(sys.executable).parent / "similarity"))
    folder = shlex.quote(str(packaged()[0].parent))
    return [
        f"{command} add {folder}/*.png{given}",
        f"{command} search {folder}/chelsea.png --open{given}",
        f"{command} open{given}",
    ]


def where() -> str:
    """Returns the URL at which this machine reaches the service."""
    host = os.environ.get("HOST", HOST)
    return f"http://{HOST if host in NOT_ASKED else host}:{os.environ.get('PORT', PORT)}"


if __name__ == "__main__":
    print(f"== {where()} until Ctrl-C, for browsers, too; try in another terminal:")
    print("".join(f"   {line}\n" for line in lines()), end="", flush=True)
