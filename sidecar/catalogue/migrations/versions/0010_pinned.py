"""A table of the settings that shape features, so that a changed one is noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Makes the table; the first start pins what it finds."""
    op.create_table(
        "pinned",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.String(255), nullable=False),
    )
