"""A column for the version that a rollback returns to, so that old tasks can be deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TASKS = sa.table(
    "tasks",
    sa.column("kind", sa.String),
    sa.column("state", sa.String),
    sa.column("report", sa.JSON),
    sa.column("finished_at", sa.Float),
)
MODELS = sa.table("models", sa.column("previous", sa.Integer), sa.column("in_use", sa.Boolean))


def upgrade() -> None:
    """Adds the column, with what the last switch reported, and an index to delete tasks by age."""
    op.add_column("models", sa.Column("previous", sa.Integer))
    op.create_index("ix_tasks_created_at", "tasks", ["created_at"])
    switches = TASKS.c.kind.in_(("upgrade", "rollback")) & (TASKS.c.state == "ok")
    last = sa.select(TASKS.c.report).where(switches).order_by(TASKS.c.finished_at.desc()).limit(1)
    report = op.get_bind().execute(last).scalar_one_or_none() or {}
    previous = sa.update(MODELS).where(MODELS.c.in_use).values(previous=report.get("previous"))
    op.execute(previous)
