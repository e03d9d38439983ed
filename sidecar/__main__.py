"""The commands of the service: `python -m sidecar serve`, `worker`, `backup`, `verify` and more.

Each command imports its parts itself: no process may fork with FAISS or gRPC loaded, nor with the
library of metrics before it knows the folder that the processes share.
"""

import argparse
import logging
import os
import sys
from typing import TYPE_CHECKING

from sidecar import garbage_collection, objects, volume
from sidecar.errors import SettingsError, SimilarityError
from sidecar.files import network_file_system
from sidecar.http.guards import api_keys
from sidecar.settings import Settings, from_environment
from sidecar.telemetry import logs, multiprocess

if TYPE_CHECKING:
    from sidecar.catalogue import Catalogue

log = logging.getLogger(__name__)

OWNER_ALONE = 0o077  # data, index and backups are nobody else's to read
COMMANDS = {
    "serve": "answer HTTP",
    "worker": "run trainings and updates",
    "migrate": "bring the catalogue's tables up to date, or make them; a start does so, too",
    "backup": "copy everything into a new folder or a bucket, while the service runs",
    "restore": "fill an empty catalogue and its index from a backup; stop the service first",
    "verify": "read everything through and print what is wrong; exit status 1 where something is",
    "repair": "make the index again from the catalogue, and check all features",
    "unshare": "go back from several hosts to this one; stop the services of all first",
    "move-images": "move the catalogue's images into PICTURES_STORE, while the service runs",
    "return-images": "move them back into the catalogue; stop the services of all hosts first",
    "key": "draw an API key; print it to stderr, and its line for API_KEYS_FILE to stdout",
}
PLACES = {"backup": "DEST", "restore": "SRC"}


def main() -> int:
    """Runs one command with the settings of the environment.

    Returns:
        its exit status: 2 for wrong settings, 1 for an error of the service.
    """
    arguments = _parser().parse_args()
    os.umask(OWNER_ALONE)
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
    if arguments.command == "key":
        _draw_key(arguments)
    elif arguments.command == "serve":
        _serve(settings)
    elif arguments.command == "worker":
        _work(settings)
    elif arguments.command == "migrate":
        _migrate(settings)
    else:
        with garbage_collection.loading():
            from sidecar.operations.commands import maintain

        return maintain(settings, arguments.command, arguments.place)
    return 0


def _serve(settings: Settings) -> None:
    with volume.held(settings.data_dir, settings.stack, "serve"), multiprocess.share():
        with garbage_collection.loading():
            _check(settings, mends=True)
            from sidecar.http.server import serve

        serve(settings)


def _work(settings: Settings) -> None:
    with volume.held(settings.data_dir, settings.stack, "worker"):
        with garbage_collection.loading():
            _check(settings)
            from sidecar.tasks.worker import work

        work(settings)


def _migrate(settings: Settings) -> None:
    with garbage_collection.loading():
        from sidecar.catalogue import migrate_catalogue
    migrate_catalogue(settings.database_url)
    print("the catalogue is up to date")


def _draw_key(arguments: argparse.Namespace) -> None:
    secret, key = api_keys.draw(arguments.name, arguments.scopes, arguments.rate)
    print(f"the key, shown this once: {secret}", file=sys.stderr)
    print(key)


def _check(settings: Settings, mends: bool = False) -> None:
    """Opens everything once, so that trouble is one line; each process opens it again for itself.

    Args:
        mends: whether to request the task that checks features in doubt, where there are any.
    """
    if settings.api_keys_file:
        api_keys.read(settings.api_keys_file)
    try:
        settings.index_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"DATA_DIR={settings.data_dir}: {error}") from error
    if kind := network_file_system(settings.index_dir):
        raise SettingsError(
            f"DATA_DIR={settings.data_dir}: {settings.index_dir} is on a network file system "
            f"({kind}), where a process that has it mapped ends when another host clears it: set "
            "DATA_DIR to a local disk; several hosts share an index by INDEX_STORE"
        )
    objects.check(settings.index_store)
    objects.check(settings.pictures_store, objects.PICTURES)
    if not os.access(settings.index_dir, os.W_OK):
        raise SettingsError(f"DATA_DIR={settings.data_dir}: {settings.index_dir} can't be written")
    from sidecar.catalogue import TaskKind, open_catalogue

    catalogue = open_catalogue(
        settings.database_url, settings.task_lease_s, pictures_store=settings.pictures_store
    )
    try:
        _keep_reserve(catalogue)
        _check_pinned(catalogue, settings)
        catalogue.generations.check_followed(settings.index_store)
        if (
            mends
            and catalogue.suspects.count()
            and not catalogue.tasks.unfinished((TaskKind.MEND,))
        ):
            catalogue.tasks.request(TaskKind.MEND)
    finally:
        catalogue.close()


def _keep_reserve(catalogue: "Catalogue") -> None:
    try:
        catalogue.keep_reserve()
    except OSError as error:
        log.warning("no room is kept on the volume for removals: %s", error)


def _check_pinned(catalogue: "Catalogue", settings: Settings) -> None:
    """Says what shapes features, and refuses another setting than the stored ones were made with.

    Raises:
        SettingsError: CANONICAL_SIZE was changed.
    """
    size = catalogue.pinned.canonical_size(settings.canonical_size)
    if size != settings.canonical_size:
        raise SettingsError(
            f"CANONICAL_SIZE={settings.canonical_size}: the images of this catalogue are kept at "
            f"{size} pixels, and features of both do not compare. Set CANONICAL_SIZE={size}; or "
            "begin with an empty DATA_DIR, or an empty database, and add the uploads again"
        )
    log.info("images are kept with a short side of %d pixels (CANONICAL_SIZE)", size)


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
        command.set_defaults(place="")
        if name in PLACES:
            command.add_argument(
                "place", metavar=PLACES[name], help="a folder, or s3://bucket/prefix"
            )
        if name == "key":
            command.add_argument(
                "name", metavar="NAME", help="the name of the key's owner, for the log"
            )
            command.add_argument(
                "scopes", metavar="SCOPES", help=f"some of {','.join(api_keys.SCOPES)}"
            )
            command.add_argument(
                "rate",
                metavar="rate=RATE/BURST",
                nargs="?",
                default="",
                help="the most that it may send, as rate=10/20: 10 requests a second, 20 at once",
            )
    return parser


if __name__ == "__main__":
    sys.exit(main())
