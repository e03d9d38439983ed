"""A task knows the request that asked for it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; who asked for the tasks of before is not known."""
    op.add_column("tasks", sa.Column("request_id", sa.String(64)))
