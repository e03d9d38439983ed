"""An older catalogue is brought up to date when it is opened; a newer one is refused."""

from pathlib import Path

from sqlalchemy import Connection, ScalarResult, column, inspect, select, table

from sidecar.errors import CatalogueUnavailable

FIRST = "0001"  # what a catalogue is that was made before revisions were written down
SCRIPTS = Path(__file__).parent / "migrations"
NEWEST = max(path.name.split("_")[0] for path in (SCRIPTS / "versions").glob("[0-9]*_*.py"))
REVISIONS = "alembic_version"  # Alembic's table of the revision that a database has


def migrate(connection: Connection) -> None:
    """Run the migrations that this database has not seen, within the transaction at hand.

    Raises:
        CatalogueUnavailable: the database was made by a newer release.
    """
    if not _is_newest(connection):
        _run(connection)


def _is_newest(connection: Connection) -> bool:
    if not inspect(connection).has_table(REVISIONS):
        return False
    found: ScalarResult[str] = connection.scalars(
        select(column("version_num")).select_from(table(REVISIONS))
    )
    return found.all() == [NEWEST]


def _run(connection: Connection) -> None:
    # Imported here: to import Alembic takes a quarter of a process's start, and few need it.
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
