"""Tasks handed to workers by RQ: the worker's side. With `queue`, the door to RQ and Redis."""

import ctypes
import logging
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import DeserializationError, StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker_registration import REDIS_WORKER_KEYS

from sidecar.catalogue import Catalogue, IndexReport, SwitchReport, Task, TaskKind, open_catalogue
from sidecar.errors import NeedMoreSamples, NoSamples, QueueUnavailable, SimilarityError, TaskLost
from sidecar.settings import Settings, from_environment
from sidecar.tasks.heartbeat import Heartbeat
from sidecar.tasks.queue import QUEUE, RUN, TaskQueue
from sidecar.tasks.samples import check_training
from sidecar.telemetry import request_ids
from sidecar.telemetry.worker import WorkerMetrics

log = logging.getLogger(__name__)

RECONNECT_S = 1
WORKER_TTL_S = 20  # RQ's; an idle worker gives a life sign 15 seconds before it runs out
PR_SET_PDEATHSIG = 1  # prctl(2)


class _Job(Job):
    """A job that calls nothing back: RQ imports and calls whatever name a job in Redis has."""

    success_callback = failure_callback = stopped_callback = None

    def is_ours(self) -> bool:
        """Whether it is to run a task, and nothing else."""
        try:
            ids = [each for each in self.args if isinstance(each, str)]
            return self.func_name == RUN and len(ids) == len(self.args) == 1 and not self.kwargs
        except DeserializationError:
            return False


class _Worker(Worker):
    """RQ's worker, which on SIGTERM drops its job: tasks are safe to run again, and may be long."""

    stopping = False  # the whole process, by a signal
    killed = False  # the process of the job at hand
    began = 0.0  # that job, by time.monotonic
    settings: Settings
    metrics: WorkerMetrics
    max_connection_wait_time = 2.0  # seconds between tries to reach Redis

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Also register again, where Redis has forgotten all."""
        if not self.connection.sismember(REDIS_WORKER_KEYS, self.key):
            self.connection.delete(self.key)
            self.register_birth()  # type: ignore[no-untyped-call]
        super().heartbeat(timeout, pipeline)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Refuse what the sidecar has not asked for; count what became of the rest."""
        if not (isinstance(job, _Job) and job.is_ours()):
            log.error("job %s in Redis is none of ours: it is deleted, not run", job.id)
            job.delete()
            return
        _Worker.killed, _Worker.began = False, time.monotonic()
        super().execute_job(job, queue)
        if not _Worker.killed:
            _settle(job.args[0])

    def handle_warm_shutdown_request(self) -> None:
        _Worker.stopping = True
        if self.horse_pid:
            self.kill_horse()


def work(settings: Settings) -> None:
    """Run tasks until SIGTERM or SIGINT; wait for Redis whenever it is away."""
    _Worker.settings, _Worker.metrics = settings, WorkerMetrics()
    try:
        _Worker.metrics.serve(settings.host, settings.metrics_port)
    except OSError as error:  # a second worker of one host
        log.warning("METRICS_PORT=%d, no metrics of this worker: %s", settings.metrics_port, error)
    try:
        _work_until_stopped(settings)
    finally:
        _Worker.metrics.close()


def _work_until_stopped(settings: Settings) -> None:
    while not _Worker.stopping:
        try:
            worker = _Worker(
                [QUEUE],
                connection=Redis.from_url(settings.redis_url),
                serializer=JSONSerializer,
                job_class=_Job,
                worker_ttl=WORKER_TTL_S,
                work_horse_killed_handler=_killed,
            )
            log.info("worker waits for tasks")
            worker.work(logging_level=settings.log_level.upper())
        except RedisError as error:
            log.warning("Redis is away: %s", error)
        except StopRequested:
            return  # the signal came while RQ was between two tries
        if not _Worker.stopping:
            time.sleep(RECONNECT_S)


def run(task_id: str) -> None:
    """Do a task, in a process of its own that RQ forks: the function that a job names."""
    _die_with_parent()
    settings = from_environment()
    with _opened(settings) as catalogue:
        task = catalogue.tasks.claim(task_id)
        if task is None:
            return  # done, cancelled, or another one is running; its turn comes
        request_ids.begin(task.request_id or "")
        log.info("%s %s starts, attempt %d", task.kind, task_id, task.attempt)
        try:
            _run(task, catalogue, settings)
        finally:
            _deliver_next(settings, catalogue)


def _run(task: Task, catalogue: Catalogue, settings: Settings) -> None:
    """Do a claimed task to its end, whatever that is."""
    try:
        with Heartbeat(catalogue.tasks, task) as heartbeat:
            # FAISS must not be loaded before RQ's fork: its threads would not survive it. Nor would
            # gRPC. Loading takes seconds on a busy machine, so that the life signs begin before it.
            from sidecar.tasks.runner import work_on

            done = work_on(task, catalogue, settings, heartbeat.report)
        log.info("%s %s published generation %s", task.kind, task.task_id, done.generation)
        _heed(done, catalogue, settings.auto_train)
    except TaskLost as error:
        log.warning("%s", error)
    except SimilarityError as error:
        log.warning("%s %s failed: %s", task.kind, task.task_id, error)
        catalogue.tasks.fail(task, error)
    except Exception:
        catalogue.tasks.fail(task, SimilarityError("the worker's log has the reason"))
        raise


def _heed(done: Task, catalogue: Catalogue, auto_train: bool) -> None:
    """Say what the task has found wanting, and see to it where that is wished for."""
    report = done.report.index if isinstance(done.report, SwitchReport) else done.report
    if not isinstance(report, IndexReport) or done.generation is None:
        return
    for sentence in (*report.warnings, *report.training_due):
        log.warning("generation %s: %s", done.generation, sentence)
    if auto_train and report.training_due and done.kind == TaskKind.UPDATE:
        _train(catalogue)


def _train(catalogue: Catalogue) -> None:
    try:
        with catalogue.writing() as transaction:
            check_training(transaction)
            task = transaction.tasks.request(TaskKind.TRAIN)
    except (NoSamples, NeedMoreSamples) as error:
        log.warning("no training follows: %s", error)
    else:
        log.info("training %s follows", task.task_id)


def _deliver_next(settings: Settings, catalogue: Catalogue) -> None:
    """What waited for this task to end need not wait for the sidecar's round as well."""
    try:
        for waiting in catalogue.tasks.deliverable():
            TaskQueue(settings.redis_url).deliver(waiting.task_id)
    except QueueUnavailable as error:
        log.warning("%s", error)


def _killed(job: Job, _pid: int, _status: int, _usage: Any) -> None:
    """The process of a task was killed: say so at once, rather than let its lease run out."""
    _Worker.killed = True
    if not _Worker.stopping:
        _Worker.metrics.process_lost()
    _settle(job.args[0])


def _settle(task_id: str) -> None:
    """The process of a task has ended: put the task back where that was killed, and count it where
    it has ended, too."""
    try:
        with _opened(_Worker.settings) as catalogue:
            if _Worker.killed and _Worker.stopping:
                catalogue.tasks.give_back(task_id)
            elif _Worker.killed:
                catalogue.tasks.release(task_id)
            task = catalogue.tasks.get(task_id)
    except SimilarityError as error:  # its lease will run out
        log.warning("what became of %s is not known: %s", task_id, error)
        return
    if task.finished_at is not None:
        took_s = time.monotonic() - _Worker.began
        _Worker.metrics.task_ended(task.kind, task.state, took_s)


@contextmanager
def _opened(settings: Settings) -> Iterator[Catalogue]:
    """The catalogue for as long as the block lasts: once in the process of a task, and once beside
    it when that has ended. No connection may outlive a fork."""
    catalogue = open_catalogue(
        settings.database_url, settings.task_lease_s, settings.keep_tasks_days
    )
    try:
        yield catalogue
    finally:
        catalogue.close()


def _die_with_parent() -> None:
    """RQ's own children outlive a worker that is killed; ours must not."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
