"""Which tasks are deleted: those long finished that nothing depends on any more."""

import time

from sqlalchemy import ColumnElement, Connection, delete, func, select, tuple_

from sidecar.catalogue import task_rows as rows
from sidecar.catalogue.reports import SwitchReport
from sidecar.catalogue.schema import models, tasks
from sidecar.catalogue.task import SHORT, SWITCHES, TaskState

KEPT = 1000  # the newest tasks, however old
AT_ONCE = 500  # so that ending a task never takes long
DAY_S = 86_400

# The last task of each kind that was tried and has ended: metrics say whether it failed. Tasks of a
# kind end in the order of their requests.
_TRIED = tasks.c.finished_at.is_not(None) & (tasks.c.attempt > 0)
_LAST = select(tasks.c.kind, func.max(tasks.c.number)).where(_TRIED).group_by(tasks.c.kind)
LAST_TRIED: ColumnElement[bool] = tuple_(tasks.c.kind, tasks.c.number).in_(_LAST)
SWITCHED = tasks.c.kind.in_(SWITCHES) & (tasks.c.state == TaskState.OK)
# The tasks whose snapshot says what the index covers, which decides whether an update is due
# (AUTO_UPDATE_S).
COVERING = tasks.c.kind.in_(SHORT) | SWITCHED


def prune(connection: Connection, keep_s: float) -> None:
    """Deletes tasks that ended over `keep_s` seconds ago, but for the newest 1,000 and those that
    something depends on; within a transaction, and at most 500 of them."""
    newest = select(tasks.c.number).order_by(tasks.c.number.desc())
    oldest_kept = connection.execute(newest.offset(KEPT - 1).limit(1)).scalar_one_or_none()
    if oldest_kept is None:
        return
    before = time.time() - keep_s
    # `created_at` has an index, and a task that ended before a time was created before it.
    old = (tasks.c.created_at < before) & (tasks.c.finished_at < before)
    old &= tasks.c.number < oldest_kept
    if connection.execute(select(tasks.c.task_id).where(old).limit(1)).first() is None:
        return
    unneeded = select(tasks.c.task_id).where(old, tasks.c.task_id.not_in(_needed(connection)))
    gone = connection.execute(unneeded.limit(AT_ONCE)).scalars().all()
    connection.execute(delete(tasks).where(tasks.c.task_id.in_(gone)))


def _needed(connection: Connection) -> set[str]:
    """Returns the ids of finished tasks that something depends on, whatever their age."""
    largest = select(tasks.c.task_id).where(COVERING).order_by(tasks.c.number.desc()).limit(1)
    columns = (tasks.c.snapshot, tasks.c.removals, tasks.c.changes)
    most = [
        largest.where(column == select(func.max(column)).where(COVERING).scalar_subquery())
        for column in columns
    ]
    queries = (select(tasks.c.task_id).where(LAST_TRIED), *most)
    found = {task_id for query in queries for task_id in connection.execute(query).scalars()}
    return found | _agreements(connection)


def _agreements(connection: Connection) -> set[str]:
    """Returns the ids of the last switches that measured how far two versions agree, of versions
    that are both known."""
    known = set(connection.execute(select(models.c.version)).scalars())
    last: dict[frozenset[int], str] = {}
    switches = select(tasks).where(SWITCHED).order_by(tasks.c.number.desc())
    for task in (rows.read(row) for row in connection.execute(switches)):
        report = task.report
        if isinstance(report, SwitchReport) and report.agreement is not None:
            pair = frozenset((report.version, report.agreement.other))
            if pair <= known:
                last.setdefault(pair, task.task_id)
    return set(last.values())
