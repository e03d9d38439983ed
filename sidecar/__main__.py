"""The commands of the service: `python -m sidecar serve`, `worker`, `backup`, `verify` and more."""

import argparse
import sys
from pathlib import Path

from sidecar.errors import SettingsError, SimilarityError
from sidecar.http import api_keys as keys
from sidecar.settings import Settings, from_environment
from sidecar.telemetry import logs
from sidecar.telemetry import multiprocess as sharing

COMMANDS = {
    "serve": "answer HTTP",
    "worker": "run trainings and updates",
    "backup": "copy everything into a new folder, while the service runs",
    "restore": "fill an empty catalogue and its index from a backup; stop the service first",
    "verify": "read everything through and say what is wrong; exit status 1 where something is",
    "repair": "make the index again from the catalogue, and look at all features",
    "key": "draw an API key; print it to stderr, and its line for API_KEYS_FILE to stdout",
}
FOLDERS = {"backup": "DEST", "restore": "SRC"}


def main() -> int:
    """Run one of the commands with the settings of the environment."""
    arguments = _parser().parse_args()
    try:
        settings = from_environment()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    logs.set_up(settings)
    try:
        return _run(settings, arguments)
    except SimilarityError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    # Nothing is imported before it is clear what for: no process may fork with FAISS in it, nor one
    # with the library of the metrics that has yet to say where its processes count.
    if arguments.command == "key":
        _draw_key(arguments.name, arguments.scopes)
    elif arguments.command == "serve":
        _serve(settings)
    elif arguments.command == "worker":
        _work(settings)
    else:
        from sidecar.operations.commands import maintain

        return maintain(settings, arguments.command, arguments.folder)
    return 0


def _serve(settings: Settings) -> None:
    with sharing.share():
        _check(settings, asks=True)
        from sidecar.http.server import serve

        serve(settings)


def _work(settings: Settings) -> None:
    _check(settings)
    from sidecar.tasks.worker import work

    work(settings)


def _draw_key(name: str, scopes: str) -> None:
    secret, key = keys.draw(name, scopes)
    print(f"the key, shown this once: {secret}", file=sys.stderr)
    print(key)


def _check(settings: Settings, asks: bool = False) -> None:
    """Open all once here, where trouble is one line; its processes open it for themselves.

    Args:
        asks: whether to ask for the task that looks at features in doubt, where there are any.
    """
    if settings.api_keys_file:
        keys.read(settings.api_keys_file)
    try:
        settings.index_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"DATA_DIR={settings.data_dir}: {error}") from error
    from sidecar.catalogue import TaskKind, open_catalogue

    catalogue = open_catalogue(settings.database_url, settings.task_lease_s)
    try:
        if asks and catalogue.suspects.count() and not catalogue.tasks.unfinished((TaskKind.MEND,)):
            catalogue.tasks.request(TaskKind.MEND)
    finally:
        catalogue.close()


def _parser() -> argparse.ArgumentParser:
    settings = "\n".join(
        f"  {name.upper():30} {field.description} (default: {field.default})"
        for name, field in Settings.model_fields.items()
    )
    parser = argparse.ArgumentParser(
        prog="python -m sidecar",
        description="Image similarity search over HTTP.",
        epilog=f"settings, from the environment:\n{settings}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, what in COMMANDS.items():
        command = commands.add_parser(name, help=what, description=what)
        command.set_defaults(folder=Path())
        if name in FOLDERS:
            command.add_argument("folder", type=Path, metavar=FOLDERS[name])
        if name == "key":
            command.add_argument("name", metavar="NAME", help="whose it is, for the log")
            command.add_argument(
                "scopes", metavar="SCOPES", help=f"some of {','.join(keys.SCOPES)}"
            )
    return parser


if __name__ == "__main__":
    sys.exit(main())
