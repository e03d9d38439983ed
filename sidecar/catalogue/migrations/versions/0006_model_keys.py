"""The key of a model is never used again; where it was, features are listed as suspects.

SQLite gave the key of a retired model to the next one. Processes that still knew the old one then
stored its features under the new one, when it came back. Only images that were added after a key
was first used again can have them: the task `mend` looks at these.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
SWITCHES = ("upgrade", "rollback")
SUSPECT = sa.text(
    "INSERT INTO suspects (seq, model, mended) SELECT features.seq, features.model, :mended "
    "FROM features JOIN images ON images.seq = features.seq WHERE images.added_at >= :since"
)


def upgrade() -> None:
    """Makes the table of suspects, fills it where a key was used again, and has keys counted."""
    op.create_table(
        "suspects",
        sa.Column("seq", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("model", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("mended", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    connection = op.get_bind()
    since = _used_again(*_history(connection))
    if since is not None:
        connection.execute(SUSPECT, {"mended": False, "since": since})
    if connection.dialect.name == "sqlite":  # PostgreSQL has counted from the start
        _count_keys(connection)


def _history(connection: sa.Connection) -> tuple[Sequence[Any], int | None]:
    """Returns the tasks about models that were tried, in their order, and the version of the first
    key."""
    columns: list[Any] = [
        sa.column(name) for name in ("kind", "version", "state", "message", "created_at")
    ]
    report = sa.column("report", sa.JSON)
    tasks = sa.table("tasks", *columns, report, sa.column("attempt"))
    tried = tasks.c.kind.in_((*SWITCHES, "retire")) & (tasks.c.attempt > 0)
    query = sa.select(*columns, report).select_from(tasks).where(tried)
    rows = connection.execute(query.order_by(tasks.c.created_at)).all()
    ended = [row.report for row in rows if row.kind in SWITCHES and row.state == "ok"]
    if ended:
        return rows, (ended[0] or {}).get("previous")
    in_use = sa.text("SELECT version FROM models WHERE in_use")
    return rows, connection.execute(in_use).scalar_one_or_none()


def _used_again(tasks: Sequence[Any], first: int | None) -> float | None:
    """Returns when SQLite gave a key to a second model (seconds since 1970), if it ever did. It
    replays what became of the keys: a new one is one more than the largest there is."""
    keys, largest = {first: 1}, 1
    for task in tasks:
        if task.kind == "retire":
            keys.pop(task.version, None)
        elif task.version not in keys and task.message != "model_refused":  # else it left nothing
            key = 1 + max(keys.values(), default=0)
            if key <= largest:
                return float(task.created_at)
            keys[task.version] = largest = key
    return None


def _count_keys(connection: sa.Connection) -> None:
    """Makes the table anew, as SQLite counts only where it did from the start.

    Features refer to it: the check of that waits for the end of this transaction, when every row
    that they refer to is there again.
    """
    rows = connection.execute(sa.text("SELECT * FROM models")).mappings().all()
    connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    op.drop_table("models")
    models = op.create_table(
        "models",
        sa.Column("model", sa.Integer, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False, unique=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("in_use", sa.Boolean, nullable=False),
        sa.Column("joining", sa.Boolean, nullable=False, server_default=sa.false()),
        sqlite_autoincrement=True,
    )
    if rows:
        connection.execute(sa.insert(models), [dict(row) for row in rows])
