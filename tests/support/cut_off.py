"""A writer on a host that is cut off while it holds the catalogue's lock: `python -m
tests.support.cut_off FOLDER`, in namespaces of its own."""

import subprocess
import sys
from pathlib import Path

from campaigns.cluster import network, servers
from campaigns.cluster.hosts import Host
from local import namespaces
from local.process import ROOT, wait_until
from sidecar.catalogue import open_catalogue

PATIENCE_S = 30.0  # of a writer for its turn; half of what the lock of one that hangs is kept for
HOLD = """
import sys, time
from sidecar.catalogue import open_catalogue
with open_catalogue(sys.argv[1], 30).database.writing():
    print("holds", flush=True)
    time.sleep(1000)
"""


def main() -> None:
    """Cuts the writer off; another one's turn has to come."""
    folder = Path(sys.argv[1])
    namespaces.private_folders()
    network.make()
    server, writer = network.connect("postgres", 11), network.connect("writer", 12)
    start, url = servers.database(folder, server.address)
    host = Host(server, start)
    host.begin()
    wait_until(start.ready, lambda: "PostgreSQL answers")
    catalogue = open_catalogue(url, 30)
    words = [*writer.inside, sys.executable, "-c", HOLD, url]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        writer.silence()
        try:
            catalogue.check_writes(PATIENCE_S)
        finally:
            process.kill()
    print("the lock is free")


if __name__ == "__main__":
    main()
