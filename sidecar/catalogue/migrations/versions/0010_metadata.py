"""Metadata of images, numbered by their changes; keywords beside features."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Adds a table, columns that may be null, and an index of the features without keywords."""
    op.create_table(
        "metadata",
        sa.Column("change", NUMBER, primary_key=True, autoincrement=True),
        # No foreign key: the release before removes images, and knows nothing of this table.
        sa.Column("seq", sa.BigInteger, nullable=False, unique=True),
        sa.Column("document", sa.String, nullable=False),
        sa.Column("crc", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.add_column("tasks", sa.Column("changes", sa.BigInteger))
    op.add_column("features", sa.Column("keywords", sa.LargeBinary))
    missing = sa.text("keywords IS NULL")
    op.create_index(
        "features_unlabelled",
        "features",
        ["model", "seq"],
        sqlite_where=missing,
        postgresql_where=missing,
    )
