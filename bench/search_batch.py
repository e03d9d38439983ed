"""Compares searches of one batch with as many single calls, by id and by upload.

    python -m bench.search_batch
    python -m bench.search_batch --searches 500 --rounds 5

By turns in one run, on the real stack, with 10,000 images indexed: single calls of one client that
keeps its connection, single calls of eight such clients, and one call with all of them.
"""

import argparse
import http.client
import io
import itertools
import json
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.photos import photos
from bench.search import Bench
from local.stack import ROOT, running

SEVERAL = 8  # clients
KINDS = ("by id", "by upload")
WAYS = ("one client", f"{SEVERAL} clients", "one batch")


@dataclass(frozen=True)
class Call:
    """A request: its method, its path, the type of its body, its body."""

    method: str
    path: str
    kind: str = "image/jpeg"
    body: bytes = b""


def send(port: int, calls: Sequence[Call], clients: int) -> float:
    """Sends calls from clients that keep their connections; returns the seconds they took."""
    source = iter(calls)

    def client(_: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        for call in source:
            connection.request(call.method, call.path, call.body, {"Content-Type": call.kind})
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == http.client.OK, content
            assert b'"error"' not in content, content
        connection.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    return time.perf_counter() - began


def turn(port: int, names: list[str], files: list[bytes]) -> dict[tuple[str, str], float]:
    """Returns searches a second, by kind and way."""
    path = "/similarity/search"
    single = {
        "by id": [Call("GET", f"{path}?id={name}") for name in names],
        "by upload": [Call("POST", path, body=file) for file in files],
    }
    batch = {
        "by id": Call("POST", f"{path}_batch", "application/json", json.dumps(names).encode()),
        "by upload": Call("POST", f"{path}_batch", "application/x-tar", _archive(files)),
    }
    found: dict[tuple[str, str], float] = {}
    for kind in KINDS:
        took = (
            send(port, single[kind], 1),
            send(port, single[kind], SEVERAL),
            send(port, [batch[kind]], 1),
        )
        found |= {(kind, way): len(names) / s for way, s in zip(WAYS, took, strict=True)}
    return found


def _archive(files: list[bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for number, file in enumerate(files):
            member = tarfile.TarInfo(f"{number}.jpg")
            member.size = len(file)
            archive.addfile(member, io.BytesIO(file))
    return out.getvalue()


def main() -> int:
    """Prints a table: the medians of the rounds, and the ratio to one client's single calls."""
    arguments = _parser().parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as stack:
        bench = Bench(stack, ROOT / "model_repository", arguments.images)
        bench.begin()
        port, count = int(stack.env["PORT"]), arguments.searches
        names = stack.get(f"/similarity/images?after=100&limit={count}").json()["ids"]
        files = [*itertools.islice(itertools.cycle(photos(arguments.images)), count)]
        turn(port, names[:100], files[:100])  # each process opens what it needs
        turns = [turn(port, names, files) for _ in range(arguments.rounds)]
    print("kind       way         searches/s  to one client")
    for kind, way in itertools.product(KINDS, WAYS):
        rate = median(each[kind, way] for each in turns)
        ratio = median(each[kind, way] / each[kind, WAYS[0]] for each in turns)
        print(f"{kind:9}  {way:10}  {rate:10.0f}  {ratio:13.1f}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.search_batch",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="photos; else packaged ones")
    parser.add_argument("--searches", type=int, default=500, help="of each kind, way and round")
    parser.add_argument("--rounds", type=int, default=3, help="the table shows their medians")
    return parser


if __name__ == "__main__":
    sys.exit(main())
