"""Runs of `similarity add` that are killed, or have the sidecar killed meanwhile."""

import json
import os
import subprocess
import sys
from itertools import islice
from typing import Any

from campaigns.broken_photos import Folder
from local.stack import ROOT, Stack

PARALLEL = 8
PIPES: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}


class Runs:
    """Runs of one line of the command."""

    def __init__(self, stack: Stack, folder: Folder) -> None:
        self._stack = stack
        self.errors = folder.path.with_suffix(".ndjson")
        words = ["add", str(folder.path), "--json", "--errors", str(self.errors)]
        self._line = [sys.executable, "-m", "similarity_client.cli", *words]
        self._line += ["--parallel", str(PARALLEL)]
        self.codes: list[int] = []

    def killed_at(self, images: int) -> None:
        """Runs it until so many images are done, and kills it."""
        with self._begun() as process:
            _wait(process, images)
            process.kill()
        self.codes.append(process.returncode)

    def with_a_restart_at(self, images: int) -> int:
        """Runs it, and has the sidecar killed and started when so many images are done; returns
        the bytes that were sent."""
        with self._begun() as process:
            _wait(process, images)
            self._stack.kill_all("sidecar")
            self._stack.start("sidecar")
            sent = _sent_bytes(process)
        self._stack.wait_ready()
        self.codes.append(process.returncode)
        return sent

    def to_its_end(self) -> int:
        """Runs it; returns the bytes that were sent."""
        with self._begun() as process:
            sent = _sent_bytes(process)
        self.codes.append(process.returncode)
        return sent

    def _begun(self) -> "subprocess.Popen[str]":
        env = os.environ | {"SIMILARITY_URL": self._stack.url}
        return subprocess.Popen(self._line, cwd=ROOT, env=env, text=True, **PIPES)


def _wait(process: "subprocess.Popen[str]", images: int) -> None:
    assert process.stdout is not None
    for _ in islice(process.stdout, images):
        pass


def _sent_bytes(process: "subprocess.Popen[str]") -> int:
    """Returns what the last line says."""
    assert process.stdout is not None
    last: dict[str, Any] = {}
    for line in process.stdout:
        last = json.loads(line)
    return int(last["sent_bytes"])
