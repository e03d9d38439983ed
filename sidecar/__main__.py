"""The commands of the service: `python -m sidecar serve`, `worker`, `backup`, `verify` and more."""

import argparse
import logging
import sys
from pathlib import Path

from sidecar.catalogue import open_catalogue
from sidecar.errors import SettingsError, SimilarityError
from sidecar.jobs import work
from sidecar.server import serve
from sidecar.settings import Settings, from_environment

SERVERS = {"serve": serve, "worker": work}
COMMANDS = {
    "serve": "answer HTTP",
    "worker": "run trainings and updates",
    "backup": "copy everything into a new folder, while the service runs",
    "restore": "fill an empty catalogue and its index from a backup; stop the service first",
    "verify": "read everything through and say what is wrong; exit status 1 where something is",
    "repair": "make the index again from the catalogue",
}
FOLDERS = {"backup": "DEST", "restore": "SRC"}
QUIET = ("faiss.loader", "alembic")  # they tell what they did not find, and what there is


def main() -> int:
    """Run one of the commands with the settings of the environment."""
    arguments = _parser().parse_args()
    try:
        settings = from_environment()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for name in QUIET:
        logging.getLogger(name).setLevel("WARNING")
    try:
        return _run(settings, arguments)
    except SimilarityError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.command not in SERVERS:
        # Not at the top: it loads FAISS, which must not be in a process that forks.
        from sidecar.maintenance import maintain

        return maintain(settings, arguments.command, arguments.folder)
    _check_volume(settings)
    SERVERS[arguments.command](settings)
    return 0


def _check_volume(settings: Settings) -> None:
    """Open all once here, where trouble is one line; its processes open it for themselves."""
    try:
        settings.index_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"DATA_DIR={settings.data_dir}: {error}") from error
    open_catalogue(settings.database_url, settings.task_lease_s).database.close()


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
    return parser


if __name__ == "__main__":
    sys.exit(main())
