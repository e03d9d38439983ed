"""Generations of the index in an object store, and which of them each process has open."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Adds two tables, of which the release before knows nothing and needs nothing."""
    op.create_table(
        "generations",
        sa.Column("number", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(64)),
        sa.Column("sha256", sa.String(64)),
        sa.Column("mark", sa.String(36)),
        sa.Column("removals", sa.BigInteger, nullable=False),
        sa.Column("published_at", sa.Float),
    )
    op.create_table(
        "readers",
        sa.Column("process", sa.String(36), primary_key=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("draft", sa.String(64)),
        sa.Column("seen_at", sa.Float, nullable=False),
    )
