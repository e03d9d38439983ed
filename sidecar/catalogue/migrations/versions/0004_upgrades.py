"""What an upgrade needs: which model is about to come into use, and which version a task is for."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds the columns; no earlier model was about to be replaced."""
    joining = sa.Column("joining", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("models", joining)
    op.add_column("tasks", sa.Column("version", sa.Integer))
    lost = sa.Column("lost", sa.Integer, nullable=False, server_default="0")
    op.add_column("tasks", lost)
