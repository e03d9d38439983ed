"""The commands of the service: `python -m sidecar serve` and `python -m sidecar worker`."""

import argparse
import logging
import sys

from sidecar.catalogue import open_catalogue
from sidecar.errors import SettingsError, SimilarityError
from sidecar.jobs import work
from sidecar.server import serve
from sidecar.settings import Settings, from_environment

COMMANDS = {"serve": serve, "worker": work}


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
    logging.getLogger("faiss.loader").setLevel("WARNING")  # it tells what it does not find
    try:
        # Once here, where trouble is one line; its processes open it for themselves.
        open_catalogue(settings.catalogue_url, settings.task_lease_s).database.close()
        COMMANDS[arguments.command](settings)
    except SimilarityError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


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
    commands.add_parser("serve", help="answer HTTP")
    commands.add_parser("worker", help="run trainings and updates")
    return parser


if __name__ == "__main__":
    sys.exit(main())
