"""A column for what a task reports."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the column; earlier tasks have no report."""
    op.add_column("tasks", sa.Column("report", sa.JSON(none_as_null=True)))
