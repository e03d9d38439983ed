"""Stands in for Grafana: answers its health check if it finds what Grafana would need.

It proves the wiring of the container: that what is provisioned is mounted where Grafana looks for
it and can be read, that the data folder can be written, that the password is there.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PROVISIONING = Path("/etc/grafana/provisioning")
DATA = Path("/var/lib/grafana")


class Answers(BaseHTTPRequestHandler):
    """Gives one answer to every request."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"stand-in": True, "database": "ok"}).encode())

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


def main() -> None:
    """Reads all that Grafana would read, then answers."""
    for kind in ("datasources", "dashboards"):
        if not [path.read_text() for path in (PROVISIONING / kind).glob("*.yml")]:
            raise SystemExit(f"nothing is provisioned in {PROVISIONING / kind}")
    dashboards = [*Path("/etc/grafana/dashboards").glob("*.json")]
    if not [json.loads(path.read_text())["title"] for path in dashboards]:
        raise SystemExit("there is no dashboard")
    (DATA / "grafana.db").write_text("")
    if not os.environ["GF_SECURITY_ADMIN_PASSWORD"]:
        raise SystemExit("the password is empty")
    # The first process of a container ignores what it does not ask for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    HTTPServer(("", 3000), Answers).serve_forever()


if __name__ == "__main__":
    main()
