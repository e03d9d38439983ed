"""The command `python -m export config`, and the options that an export shares with it."""

import argparse
from pathlib import Path

from export import config, fitting, publish
from export.arguments import Parser, folder, natural, positive
from export.config import Purpose
from export.errors import ExportRefused
from sidecar.settings import from_environment

DESCRIPTION = """Render the model's config.pbtxt for where it runs. cuda takes every precision;
tensorrt takes fp32, computes in half precision, and builds an engine for each version when it is
loaded. A config.pbtxt that was changed by hand stays, unless --force is given."""


def run(words: list[str]) -> str:
    """Renders config.pbtxt anew for the versions in a repository; returns a line that says what it
    did.

    Raises:
        ExportRefused: it was changed by hand, or a version can't run there.
    """
    parser = Parser(prog="python -m export config", description=DESCRIPTION, allow_abbrev=False)
    parser.add_argument(
        "--repository",
        type=folder,
        default=Path("model_repository"),
        metavar="DIR",
        help="the model repository; default: model_repository",
    )
    parser.add_argument(
        "--force",
        dest="force_config",
        action="store_true",
        help="replace one that was changed by hand",
    )
    add_options(parser)
    arguments = parser.parse_args(words)
    repository: Path = arguments.repository
    sizes = fitting.sizes(repository)
    if not sizes:
        raise ExportRefused(f"there is no version of the model in {repository}")
    target = purpose(arguments)
    if target is None:
        raise ExportRefused("config.pbtxt was changed by hand and stays; --force replaces it")
    fitting.check(target, repository)
    changed = publish.write_config(repository, config.render(target, sizes))
    threads = f", threads of each: {target.threads}" if target.cores else ""
    done = "is rendered anew" if changed else "is as before"
    return f"config.pbtxt {done}: {target.target}, {target.processes + 1} instances{threads}"


def add_options(parser: Parser) -> None:
    """Adds the options that say what config.pbtxt is made for."""
    group = parser.add_argument_group(
        "config.pbtxt, one for all versions (what is not given stays)"
    )
    group.add_argument("--target", choices=config.TARGETS, help="where Triton runs; at first, cpu")
    group.add_argument(
        "--processes",
        type=positive,
        metavar="N",
        help="the sidecar's, for HTTP; at first, HTTP_PROCESSES",
    )
    group.add_argument(
        "--cores",
        type=natural,
        metavar="N",
        help="with --target cpu: cores of the machine that serves with Triton's container, which"
        " sets the threads; 0, as at first, sets none, which the local Triton wants",
    )


def purpose(arguments: argparse.Namespace) -> Purpose | None:
    """Returns what config.pbtxt shall be made for; None where it was changed by hand.

    Raises:
        ExportRefused: it was, and these arguments ask for another target, or it would end the
            server.
    """
    default = Purpose(processes=from_environment().http_processes)
    text = config.read(arguments.repository)
    now = default if text is None else config.purpose_of(text)
    if now is None and getattr(arguments, "force_config", False):
        now = default
    if now is None and text is not None:
        fitting.check_numbers(text)
    if now is None and (arguments.target or arguments.processes or arguments.cores is not None):
        raise ExportRefused(
            "config.pbtxt was changed by hand and stays; to render it anew:"
            " python -m export config --force --target ..."
        )
    return now and _changed(now, arguments)


def _changed(now: Purpose, arguments: argparse.Namespace) -> Purpose:
    """Returns a purpose with what the arguments give."""
    target = arguments.target or now.target
    if arguments.cores and target != "cpu":
        raise ExportRefused(f"--cores goes with --target cpu, not {target}")
    if (arguments.cores or 0) > fitting.MOST_THREADS:
        raise ExportRefused(f"--cores can be {fitting.MOST_THREADS} at most")
    cores = now.cores if arguments.cores is None else arguments.cores
    return Purpose(target, arguments.processes or now.processes, cores if target == "cpu" else 0)
