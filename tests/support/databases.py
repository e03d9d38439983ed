"""Makes databases of both kinds: tests ask the same of both, of PostgreSQL in the long ones."""

import tempfile
import uuid
from functools import cache
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from sidecar.catalogue import open_catalogue
from sidecar.catalogue.migration import SCRIPTS

KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.long))
# For what uses the catalogue's own calls, of which both have been asked.
ABOVE = ("sqlite", pytest.param("postgresql", marks=[pytest.mark.long, pytest.mark.release]))


def new_database(server: str, template: str = "template1") -> str:
    """Makes a database in a PostgreSQL, like the template or empty; returns its SQLAlchemy URL."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        # Copied as files it costs a fifth of the processor time that it costs through the log.
        as_files = " STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else ""
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}{as_files}")
    return f"{server.rpartition('/')[0]}/{name}"


def new_file(folder: Path) -> str:
    """Puts a catalogue with its tables, empty, into a folder unless one is there; returns its
    SQLAlchemy URL. It is a copy, because to run the migrations takes a hundred times as long."""
    path = folder / "catalogue.sqlite"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(_migrated())
    return f"sqlite:///{path}"


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.sqlite"
        open_catalogue(f"sqlite:///{path}", 30.0).close()
        return path.read_bytes()


def upgrade_to(connection: Connection, revision: str) -> None:
    """Runs the migrations up to a revision on an empty database: what an older release left."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
