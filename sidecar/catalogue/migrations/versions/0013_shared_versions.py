"""Versions of the model in an object store."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Adds a table, of which the release before knows nothing and needs nothing."""
    op.create_table(
        "shared_versions",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("change", sa.String(36), nullable=False),
        sa.Column("moved_to", sa.String(16)),
    )
