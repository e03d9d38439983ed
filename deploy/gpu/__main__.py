"""Compares what a GPU computes with the CPU, and prints a table: `make check-gpu`.

ran         it agrees
could not   nothing was compared; the reason stands beside it
WRONG       it failed, or does not agree: the exit status is 1
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from deploy.gpu import comparing
from deploy.gpu.comparing import CUDA, TENSORRT, Subject
from deploy.gpu.machine import Environment, Refused, Wrong, gpus
from export import fitting
from export.errors import ExportRefused
from sidecar.models import contract

Check = tuple[str, Callable[[], str]]  # its name, and the call that returns what it found
NEEDS = (
    "ONNX Runtime on CUDA, against the CPU",
    "ONNX Runtime on TensorRT in half precision, against the CPU",
    "FAISS on the GPU, against the CPU",
)


def main(words: list[str] | None = None) -> int:
    """Runs the checks; returns 0 unless something that ran is wrong."""
    parser = argparse.ArgumentParser(prog="python -m deploy.gpu", description=__doc__)
    parser.add_argument("--present", action="store_true", help="only say whether there is a GPU")
    parser.add_argument("--environment", type=Path, default=Path(".venvs/gpu"), metavar="DIR")
    parser.add_argument("--repository", type=Path, default=Path("model_repository"), metavar="DIR")
    arguments = parser.parse_args(words)
    try:
        found = gpus()
    except Refused as error:
        print(f"no GPU: {error}; nothing was compared")
        for name in NEEDS:
            print(line("could not", name, "no GPU"))
        return int(arguments.present)
    print(f"{found} GPU{'s' * (found > 1)}")
    if arguments.present:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        made = subjects(arguments.repository, Path(folder))
        return table(checks(Environment(arguments.environment.absolute()), made))


def subjects(repository: Path, folder: Path) -> list[Subject]:
    """Returns the versions of a repository, and an fp32 one in a folder where it has none."""
    found = [Subject(repository, version) for version in contract.versions(repository)]
    if not any(contract.read(repository, one.version).precision == "fp32" for one in found):
        from export.__main__ import main as export  # here: torch, for this alone

        lite = ["--arch", "efficientnet-lite0", "--precision", "fp32", "--version", "1"]
        if export(["--repository", str(folder), *lite]) == 0:
            found.append(Subject(folder, 1))
    return found


def checks(environment: Environment, versions: list[Subject]) -> Iterator[Check]:
    """Yields what is to be compared."""
    for one in versions:
        name = f"version {one.version}, {contract.read(one.repository, one.version).precision}"
        yield f"CUDA, {name}", partial(comparing.inference, environment, one, CUDA)
        yield f"TensorRT, {name}", partial(tensorrt, environment, one)
    yield "FAISS", partial(comparing.training, environment, "gpu")


def tensorrt(environment: Environment, subject: Subject) -> str:
    """Compares TensorRT, if it takes the version."""
    model = contract.folder(subject.repository, subject.version) / contract.MODEL_FILE
    try:
        fitting.check_tensorrt(model, subject.version)
    except ExportRefused as error:
        raise Refused(str(error)) from error
    return comparing.inference(environment, subject, TENSORRT)


def table(todo: Iterator[Check]) -> int:
    """Runs the checks and prints a line for each; returns 1 where one of them went wrong."""
    wrong = 0
    for name, check in todo:
        try:
            outcome, detail = "ran", check()
        except Refused as error:
            outcome, detail = "could not", str(error)
        except Wrong as error:
            outcome, detail, wrong = "WRONG", str(error), 1
        print(line(outcome, name, detail), flush=True)
    return wrong


def line(outcome: str, name: str, detail: str) -> str:
    """Returns one line of the table."""
    return f"{outcome:<10} {name}: {detail}"


if __name__ == "__main__":
    sys.exit(main())
