"""The real Triton server for tests: on free ports, over any repository, stopped by its id."""

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.environment import private

ROOT = Path(__file__).parents[2]
START_S = 60  # patience with a busy machine; a start takes about one second


@dataclass(frozen=True)
class Server:
    """A running server."""

    process: subprocess.Popen[str]
    variables: dict[str, str]
    log: Path

    @property
    def url(self) -> str:
        return self.variables["TRITON_URL"]

    def metric(self, name: str, version: int) -> float:
        """The value of a counter of one version of the model."""
        address = f"http://127.0.0.1:{self.variables['TRITON_METRICS_PORT']}/metrics"
        with urllib.request.urlopen(address) as answer:
            lines: list[str] = answer.read().decode().splitlines()
        prefix = f'{name}{{model="keywording",version="{version}"}} '
        return float(next(line for line in lines if line.startswith(prefix)).split()[-1])


def launch(variables: dict[str, str], log: Path) -> subprocess.Popen[str]:
    """Start `python -m local.triton`; what it says goes to `log`."""
    with log.open("w") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "local.triton"],
            cwd=ROOT,
            env=variables,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )


@contextmanager
def serving(repository: Path, folder: Path) -> Iterator[Server]:
    """A server over a repository; its log goes to `folder`.

    Raises:
        AssertionError: it doesn't start; the text is its log.
    """
    variables = private(folder) | {"MODEL_REPOSITORY": str(repository)}
    log = folder / "triton.log"
    process = launch(variables, log)
    try:
        _wait(process, variables["TRITON_HTTP_PORT"], log)
        yield Server(process, variables, log)
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[str], port: str, log: Path) -> None:
    for _ in range(START_S * 10):
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready").close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError(f"not ready after {START_S} s: {log.read_text()}")
