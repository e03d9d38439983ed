"""Pairs of duplicates, how far a model's images were compared, and what users decided."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Adds three tables. None has a foreign key: the release before removes images and models, and
    knows nothing of them."""
    op.create_table(
        "duplicate_pairs",
        sa.Column("a", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("b", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("model", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("probability", sa.Float, nullable=False),
    )
    op.create_index("duplicate_pairs_b", "duplicate_pairs", ["b"])
    op.create_table(
        "duplicate_runs",
        sa.Column("model", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("reached", sa.BigInteger, nullable=False),
        sa.Column("recall", sa.Float),
        sa.Column("ended_at", sa.Float),
    )
    op.create_table(
        "duplicate_decisions",
        sa.Column("change", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("a", sa.BigInteger, nullable=False),
        sa.Column("b", sa.BigInteger, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("decided_at", sa.Float, nullable=False),
        sa.Column("crc", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("a", "b"),
        sqlite_autoincrement=True,
    )
    op.create_index("duplicate_decisions_b", "duplicate_decisions", ["b"])
