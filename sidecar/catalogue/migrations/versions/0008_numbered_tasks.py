"""Columns for the order of tasks, which no clock decides, and for whose turn is next."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

TASKS = sa.table(
    "tasks",
    sa.column("task_id", sa.String),
    sa.column("number", sa.BigInteger),
    sa.column("created_at", sa.Float),
)


def upgrade() -> None:
    """Adds the columns, and numbers the tasks that are there in the order of their requests, as far
    as the clock of that time tells it."""
    op.add_column("tasks", sa.Column("number", sa.BigInteger))
    overtaken = sa.Column("overtaken", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("tasks", overtaken)
    op.create_index("ix_tasks_number", "tasks", ["number"], unique=True)
    connection = op.get_bind()
    found = sa.select(TASKS.c.task_id).order_by(TASKS.c.created_at, TASKS.c.task_id)
    ids = connection.execute(found).scalars().all()
    if ids:
        numbered = sa.update(TASKS).where(TASKS.c.task_id == sa.bindparam("which"))
        rows = [{"which": task_id, "place": place} for place, task_id in enumerate(ids, 1)]
        connection.execute(numbered.values(number=sa.bindparam("place")), rows)
