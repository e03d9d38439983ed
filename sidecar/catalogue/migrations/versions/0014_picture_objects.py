"""Canonical JPEGs and uploads as objects of a store, and those that no row names any more."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Adds columns that may be null, and a table of which the release before needs nothing."""
    for table in ("pictures", "originals"):
        op.add_column(table, sa.Column("object", sa.String(128)))
        op.add_column(table, sa.Column("bytes", sa.BigInteger))
    op.create_table(
        "unnamed_objects",
        sa.Column("object", sa.String(128), primary_key=True),
        sa.Column("since", sa.Float, nullable=False),
    )
