"""Finds the machine's GPUs, and runs programs in the environment that uses them."""

import ctypes
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DRIVER = "libcuda.so.1"
TIMEOUT_S = 1800  # TensorRT builds an engine in minutes


class Refused(Exception):
    """Says in one line why a check can't be made here."""


class Wrong(Exception):
    """Says in one line what failed, or computed something else."""


def gpus() -> int:
    """Returns how many GPUs NVIDIA's driver has.

    Raises:
        Refused: there is no driver, or no GPU.
    """
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError as error:
        raise Refused(f"no NVIDIA driver on this machine ({DRIVER})") from error
    count = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)) or not count.value:
        raise Refused("NVIDIA's driver is here and finds no GPU")
    return count.value


@dataclass(frozen=True)
class Environment:
    """Runs programs in a Python environment with the packages of requirements.txt.

    Args:
        folder: its root.
    """

    folder: Path

    @property
    def python(self) -> Path:
        """Returns its interpreter; raises Refused where it is not there."""
        python = self.folder / "bin" / "python"
        if not python.exists():
            raise Refused(f"there is no environment {self.folder}: make check-gpu makes it")
        return python

    @property
    def libraries(self) -> list[Path]:
        """Returns the folders of the shared libraries that NVIDIA's packages hold."""
        packages = self.folder.glob("lib/python3*/site-packages")
        return [
            folder.resolve()
            for package in packages
            for folder in [*package.glob("nvidia/*/lib"), *package.glob("tensorrt_libs")]
        ]

    def run(self, *words: str) -> str:
        """Runs a program of this project in the environment and returns its output.

        Raises:
            Refused: the provider that it asks for is not available.
            Wrong: it failed.
        """
        paths = [*map(str, self.libraries), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        done = subprocess.run(
            [self.python, *words],
            cwd=ROOT,
            env=os.environ | {"LD_LIBRARY_PATH": ":".join(paths)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        errors = " ".join(done.stderr.split())[-300:]
        if done.returncode == NO_PROVIDER:
            raise Refused(errors)
        if done.returncode:
            raise Wrong(f"exit status {done.returncode}: {errors}")
        return done.stdout


NO_PROVIDER = 3  # of inference.py
