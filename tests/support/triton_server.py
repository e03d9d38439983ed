"""The real Triton server for tests: on free ports, over any repository, stopped by its id."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.environment import private
from local.process import ROOT, Start, running, settled

COMMAND = [sys.executable, "-m", "local.triton"]


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    variables: dict[str, str]
    log: Path

    @property
    def url(self) -> str:
        return self.variables["TRITON_URL"]

    def kill(self) -> None:
        """Kills the server itself, as a crash does; its launcher ends with what it leaves."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        os.kill(int(children.split()[0]), signal.SIGKILL)
        self.process.wait()

    def metric(self, name: str, version: int) -> float:
        """Returns the value of a counter of one version of the model."""
        address = f"http://127.0.0.1:{self.variables['TRITON_METRICS_PORT']}/metrics"
        with urllib.request.urlopen(address) as answer:
            lines: list[str] = answer.read().decode().splitlines()
        prefix = f'{name}{{model="keywording",version="{version}"}} '
        return float(next(line for line in lines if line.startswith(prefix)).split()[-1])

    def inferences(self, version: int) -> float:
        """Returns how many images a version has inferred. Triton counts an inference a moment after
        its answer: the figure is one that stays."""
        return settled(lambda: self.metric("nv_inference_count", version))


def launch(variables: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Starts `python -m local.triton`; its output goes to `log`."""
    with log.open("w") as file:
        return subprocess.Popen(
            COMMAND,
            cwd=ROOT,
            env=variables,
            stdout=file,
            stderr=subprocess.STDOUT,
        )


@contextmanager
def serving(
    repository: Path, folder: Path, variables: dict[str, str] | None = None
) -> Iterator[Server]:
    """Runs a server over a repository; its log goes to `folder`.

    Args:
        variables: of a server that has ended, for another one at its address.
    Raises:
        NotReady: it doesn't start; the text has its log.
    """
    variables = (variables or private(folder)) | {"MODEL_REPOSITORY": str(repository)}
    url = f"http://127.0.0.1:{variables['TRITON_HTTP_PORT']}/v2/health/ready"
    log = folder / "triton.log"
    with running(Start(COMMAND, log, lambda: _ready(url), variables)) as process:
        yield Server(process, variables, log)


def _ready(url: str) -> bool:
    try:
        urllib.request.urlopen(url).close()
    except (urllib.error.URLError, ConnectionError):
        return False
    return True
