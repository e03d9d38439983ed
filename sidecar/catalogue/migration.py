"""An older catalogue is brought up to date when it is opened; a newer one is refused."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from sidecar.errors import CatalogueUnavailable

FIRST = "0001"  # what a catalogue is that was made before revisions were written down


def migrate(connection: Connection) -> None:
    """Run the migrations that this database has not seen, within the transaction at hand.

    Raises:
        CatalogueUnavailable: the database was made by a newer release.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
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
    if revision != script.get_current_head():
        command.upgrade(config, "head")
