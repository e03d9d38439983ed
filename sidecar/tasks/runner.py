"""One task in a process of its own: claimed, run with a heartbeat, and ended well or not.

RQ forks the process; it and this module load neither FAISS nor gRPC, which would not survive that.
"""

import ctypes
import itertools
import logging
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from typing import TypeVar

from sidecar import garbage_collection
from sidecar.catalogue import (
    Catalogue,
    IndexReport,
    SwitchReport,
    Task,
    TaskKind,
    TaskState,
    open_catalogue,
)
from sidecar.errors import CatalogueUnavailable, SimilarityError, StorageFull, TaskLost
from sidecar.settings import Settings, from_environment
from sidecar.tasks.heartbeat import Heartbeat
from sidecar.tasks.queue import TaskQueue
from sidecar.tasks.samples import check_training
from sidecar.telemetry import request_ids

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1  # prctl(2)
RETRY_S = 1.0  # between two tries to write how a task ended
TRIES_A_LINE = 60  # of the log
DOES_WELL_S = 600.0  # an attempt that lasted as long before it lost the database is not counted

T = TypeVar("T")


def run(task_id: str) -> None:
    """Runs a task, if its turn has come: the function that every job names."""
    _die_with_parent()
    settings = from_environment()
    try:
        opened = opened_catalogue(settings)
    except SimilarityError as error:  # it goes on waiting there
        log.warning("task %s could not be started: %s", task_id, error)
        return
    with opened as catalogue:
        try:
            task = catalogue.tasks.claim(task_id)
        except SimilarityError as error:  # it goes on waiting in the catalogue
            log.warning("task %s could not be started: %s", task_id, error)
            return
        if task is None:
            return  # done, cancelled, or another one goes first; its turn comes
        request_ids.begin(task.request_id or "")
        log.info("%s %s starts, attempt %d", task.kind, task_id, task.attempt)
        try:
            _run_claimed(task, catalogue, settings)
        finally:
            _enqueue_next(settings, catalogue)


def opened_catalogue(settings: Settings) -> AbstractContextManager[Catalogue]:
    """Opens the catalogue for a block: once in the process of a task, and once beside it when that
    has ended. No connection may outlive a fork."""
    return closing(
        open_catalogue(
            settings.database_url,
            settings.task_lease_s,
            settings.keep_tasks_days,
            pictures_store=settings.pictures_store,
        )
    )


def _run_claimed(task: Task, catalogue: Catalogue, settings: Settings) -> None:
    done, began = None, time.monotonic()
    with Heartbeat(catalogue.tasks, task) as heartbeat:
        try:
            # Only here, after the fork: the threads of FAISS and gRPC would not survive it. Loading
            # them takes seconds on a busy machine, so the heartbeat begins before.
            with garbage_collection.loading():
                from sidecar.tasks.composition import work_on

            done = work_on(task, catalogue, settings, heartbeat.report)
        except TaskLost as error:
            log.warning("%s", error)
        except CatalogueUnavailable as error:
            lasted_s = time.monotonic() - began
            done = _start_again(task, catalogue, error, anew=lasted_s >= DOES_WELL_S)
        except SimilarityError as error:
            log.warning("%s %s failed: %s", task.kind, task.task_id, error)
            _write_end(task, catalogue, error)
        except Exception:
            _write_end(task, catalogue, SimilarityError("the worker's log has the reason"))
            raise
    if done is not None:
        log.info("%s %s published generation %s", task.kind, task.task_id, done.generation)
        _follow_up(done, catalogue, settings.auto_train)


def _start_again(
    task: Task, catalogue: Catalogue, error: CatalogueUnavailable, anew: bool
) -> Task | None:
    """Has another attempt begin as soon as the database that this one lost is back, as
    `Tasks.start_again` says. Returns the task if it has ended well: the commit that published it
    may have been the last thing that the database did."""
    log.warning("%s %s has lost the database: %s", task.kind, task.task_id, error)
    now = _written(task, lambda: catalogue.tasks.start_again(task, error, anew))
    log.warning("%s %s is %s", task.kind, task.task_id, now.state)
    return now if now.state == TaskState.OK and now.attempt == task.attempt else None


def _write_end(task: Task, catalogue: Catalogue, error: SimilarityError) -> None:
    """Ends a task with an error."""
    _written(task, lambda: catalogue.tasks.fail(task, error))


def _written(task: Task, act: Callable[[], T]) -> T:
    """Returns what `act` returns as soon as the catalogue can be written, while the heartbeat goes
    on: the error may be that its volume is full, or that it is away."""
    for tries in itertools.count():
        try:
            return act()
        except (StorageFull, CatalogueUnavailable) as trouble:
            if tries % TRIES_A_LINE == 0:
                log.warning("the end of task %s can't be written yet: %s", task.task_id, trouble)
            time.sleep(RETRY_S)
    raise AssertionError("counted to the end")


def _follow_up(done: Task, catalogue: Catalogue, auto_train: bool) -> None:
    """Logs what the new generation falls short of; with AUTO_TRAIN, requests a training for it."""
    report = done.report.index if isinstance(done.report, SwitchReport) else done.report
    if not isinstance(report, IndexReport) or done.generation is None:
        return
    for sentence in (*report.warnings, *report.training_due):
        log.warning("generation %s: %s", done.generation, sentence)
    if auto_train and report.training_due and done.kind == TaskKind.UPDATE:
        _request_training(catalogue)


def _request_training(catalogue: Catalogue) -> None:
    try:
        with catalogue.writing() as transaction:
            check_training(transaction)
            task = transaction.tasks.request(TaskKind.TRAIN)
    except SimilarityError as error:
        log.warning("no training follows: %s", error)
    else:
        log.info("training %s follows", task.task_id)


def _enqueue_next(settings: Settings, catalogue: Catalogue) -> None:
    """Hands what waited for this task to the queue, without waiting for the scheduler's round."""
    try:
        for waiting in catalogue.tasks.deliverable():
            TaskQueue(settings.redis_url).enqueue(waiting.task_id)
    except SimilarityError as error:  # the scheduler's round does it
        log.warning("%s", error)


def _die_with_parent() -> None:
    """Has the system kill this process with the worker; RQ's children would outlive it."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
