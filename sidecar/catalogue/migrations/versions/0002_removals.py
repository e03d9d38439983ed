"""Tombstones, originals, and a checksum beside each JPEG and each row of features."""

import zlib
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
PAGE = 512  # rows that are held in memory at once


def upgrade() -> None:
    """Makes the new tables, and makes the two that get a checksum anew, with what they hold."""
    op.create_table(
        "removals",
        sa.Column("removal", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("removed_at", sa.Float, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "originals",
        sa.Column("seq", NUMBER, sa.ForeignKey("images.seq"), primary_key=True),
        sa.Column("upload", sa.LargeBinary, nullable=False),
    )
    op.add_column("tasks", sa.Column("removals", sa.BigInteger))
    _replace("pictures", "jpeg", _pictures)
    _replace("features", "vector", _features)
    if op.get_bind().dialect.name == "postgresql":
        _store_as_they_are()


def _store_as_they_are() -> None:
    """Makes PostgreSQL compress no JPEG, and keep features in their rows, where COPY is fastest."""
    op.execute("ALTER TABLE pictures ALTER COLUMN jpeg SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE originals ALTER COLUMN upload SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE features ALTER COLUMN vector SET STORAGE MAIN")


def _pictures() -> sa.Table:
    return op.create_table(
        "pictures",
        sa.Column("seq", NUMBER, sa.ForeignKey("images.seq"), primary_key=True),
        sa.Column("jpeg", sa.LargeBinary, nullable=False),
        sa.Column("crc", sa.BigInteger, nullable=False),
    )


def _features() -> sa.Table:
    """Makes the table with `seq` first in its key: an image is removed by it alone."""
    return op.create_table(
        "features",
        sa.Column("seq", NUMBER, sa.ForeignKey("images.seq"), primary_key=True),
        sa.Column("model", sa.Integer, sa.ForeignKey("models.model"), primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.Column("crc", sa.BigInteger, nullable=False),
    )


def _replace(name: str, blob: str, create: Callable[[], sa.Table]) -> None:
    """Makes a table anew and moves its rows, page by page, each with the CRC-32 of its blob."""
    op.rename_table(name, "old")
    new = create()
    connection = op.get_bind()
    old = sa.Table("old", sa.MetaData(), autoload_with=connection, resolve_fks=False)
    keys = tuple(old.primary_key.columns)
    page = sa.select(old).order_by(*keys).limit(PAGE)
    rows = connection.execute(page).mappings().all()
    while rows:
        with_crc = [{**row, "crc": zlib.crc32(row[blob])} for row in rows]
        connection.execute(sa.insert(new), with_crc)
        last = tuple(rows[-1][key.name] for key in keys)
        rows = connection.execute(page.where(sa.tuple_(*keys) > last)).mappings().all()
    op.drop_table("old")
