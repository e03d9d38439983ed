"""A checksum of each whole row, the facts of a catalogue, and a mark for each moment that a task
looked at."""

import zlib
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PAGE = 4096  # rows that are held in memory at once

IMAGES = sa.table(
    "images",
    *(sa.column(name) for name in ("seq", "id", "sha256")),
    sa.column("added_at", sa.Float),
    sa.column("crc"),
)
PICTURES = sa.table("pictures", sa.column("seq"), sa.column("crc"))
MODELS = sa.table(
    "models", *(sa.column(name) for name in ("model", "version", "sha256", "dimension", "crc"))
)
REMOVALS = sa.table(
    "removals",
    sa.column("removal"),
    sa.column("seq"),
    sa.column("removed_at", sa.Float),
    sa.column("crc"),
)


def upgrade() -> None:
    """Adds tables and columns, and fills the checksums with those of what is there."""
    op.create_table(
        "marks",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("mark", sa.String(36), nullable=False, unique=True),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "facts",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
    op.add_column("tasks", sa.Column("mark", sa.String(36)))
    for table in ("images", "models", "removals"):
        op.add_column(table, sa.Column("crc", sa.BigInteger))
    of_image = (IMAGES.c.seq, IMAGES.c.id, IMAGES.c.sha256, IMAGES.c.added_at, PICTURES.c.crc)
    joined = IMAGES.join(PICTURES, IMAGES.c.seq == PICTURES.c.seq)
    _fill(IMAGES, of_image, joined)
    of_model = (MODELS.c.model, MODELS.c.version, MODELS.c.sha256, MODELS.c.dimension)
    _fill(MODELS, of_model, MODELS)
    _fill(REMOVALS, (REMOVALS.c.removal, REMOVALS.c.seq, REMOVALS.c.removed_at), REMOVALS)


def _fill(
    table: sa.TableClause, columns: Sequence[sa.ColumnClause[Any]], source: sa.FromClause
) -> None:
    """Fills the checksums of a table page by page; the first of the columns is its key."""
    connection, key = op.get_bind(), columns[0]
    named = [column.label(f"c{place}") for place, column in enumerate(columns)]
    page = sa.select(*named).select_from(source).order_by(key).limit(PAGE)
    which = key == sa.bindparam("number")
    update = sa.update(table).where(which).values(crc=sa.bindparam("sum"))
    rows = connection.execute(page).all()
    while rows:
        sums = [{"number": row[0], "sum": _checksum(*row)} for row in rows]
        connection.execute(update, sums)
        rows = connection.execute(page.where(key > rows[-1][0])).all()


def _checksum(*values: Any) -> int:
    return zlib.crc32("\0".join(map(str, values)).encode())
