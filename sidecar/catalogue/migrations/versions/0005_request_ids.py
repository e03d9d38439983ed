"""A column for the id of the request that asked for a task."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Adds the column; the requests for earlier tasks are not known."""
    op.add_column("tasks", sa.Column("request_id", sa.String(64)))
