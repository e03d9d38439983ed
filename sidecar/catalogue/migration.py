"""Older tables brought up to date when a catalogue is opened; newer ones are refused."""

from pathlib import Path

from sqlalchemy import Connection, ScalarResult, column, inspect, select, table

from sidecar.errors import CatalogueUnavailable

FIRST = "0001"  # the revision of a catalogue that was made before revisions were recorded
SCRIPTS = Path(__file__).parent / "migrations"
NEWEST = max(path.name.split("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*_*.py"))
REVISIONS = "alembic_version"  # Alembic's table of the revision that a database has


def migrate(connection: Connection) -> None:
    """Runs the migrations that this database has not seen, within a transaction.

    Raises:
        CatalogueUnavailable: the database was made by a newer release.
    """
    if not _is_newest(connection):
        _run(connection)


def check_newest(connection: Connection) -> None:
    """Raises CatalogueUnavailable where another release made the database, which can't be
    changed."""
    if not _is_newest(connection):
        raise CatalogueUnavailable(
            "another release made the catalogue, and it is on a read-only volume: verify it with "
            "that release, or a copy of it with this one"
        )


def _is_newest(connection: Connection) -> bool:
    """Says whether there is nothing to do, without Alembic."""
    if not inspect(connection).has_table(REVISIONS):
        return False
    found: ScalarResult[str] = connection.scalars(
        select(column("version_num")).select_from(table(REVISIONS))
    )
    return found.all() == [NEWEST]


def _run(connection: Connection) -> None:
    # Imported here: Alembic takes a quarter of a process's start, and few starts need it.
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    revision = MigrationContext.configure(connection).get_current_revision()
    known = {step.revision for step in script.walk_revisions()}
    if revision is not None and revision not in known:
        raise CatalogueUnavailable(
            f"the catalogue was made by a newer release (its schema is {revision}, the newest one "
            f"known here is {script.get_current_head()}): run that release, or restore a backup"
        )
    if revision is None and inspect(connection).has_table("images"):
        command.stamp(config, FIRST)
    command.upgrade(config, "head")
