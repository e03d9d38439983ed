"""What a task has measured, beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; the tasks of before have measured nothing."""
    op.add_column("tasks", sa.Column("report", sa.JSON(none_as_null=True)))
