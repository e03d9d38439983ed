"""Tasks handed to workers by RQ: the worker's side. With `queue`, the door to RQ and Redis."""

import logging
import time
from collections.abc import Callable
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import DeserializationError, StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker.base import WorkerStatus
from rq.worker_registration import REDIS_WORKER_KEYS

from sidecar.errors import SimilarityError
from sidecar.settings import Settings
from sidecar.tasks.queue import QUEUE, RUN, RUN_IN_0_1
from sidecar.tasks.runner import opened_catalogue, run
from sidecar.telemetry.worker import WorkerMetrics

log = logging.getLogger(__name__)

RECONNECT_S = 1
WORKER_TTL_S = 20  # RQ's; an idle worker gives a heartbeat 15 seconds before it runs out


class TaskJob(Job):
    """A job that calls `run` and nothing else: RQ would import whatever a job in Redis names."""

    success_callback = failure_callback = stopped_callback = None

    @property
    def func(self) -> Callable[[str], None]:
        """Returns `run`, whichever of its names the job has."""
        return run

    def is_ours(self) -> bool:
        """Returns whether the job is to run a task, and nothing else."""
        try:
            ids = [each for each in self.args if isinstance(each, str)]
            ours = self.func_name in (RUN, RUN_IN_0_1)
            return ours and len(ids) == len(self.args) == 1 and not self.kwargs
        except DeserializationError:
            return False


class TaskWorker(Worker):
    """RQ's worker, which on SIGTERM drops its job: tasks are safe to run again, and may be long."""

    stopping = False  # the whole process, by a signal
    killed = False  # the process of the current job
    began = 0.0  # that job, by time.monotonic
    settings: Settings
    metrics: WorkerMetrics
    max_connection_wait_time = 2.0  # seconds between tries to reach Redis

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Gives RQ's heartbeat, and registers again where Redis has forgotten the worker.

        RQ gives one before each look for a job. It ends a worker by an exception out of the signal
        itself, which is lost where that comes while a record is being logged: so once more here.
        """
        if self.stopping and self.get_state() == WorkerStatus.IDLE:
            raise StopRequested
        if not self.connection.sismember(REDIS_WORKER_KEYS, self.key):
            self.connection.delete(self.key)
            self.register_birth()  # type: ignore[no-untyped-call]
        super().heartbeat(timeout, pipeline)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Runs a job in a process of its own, unless it is none of ours; counts how it ended."""
        if not (isinstance(job, TaskJob) and job.is_ours()):
            log.error("job %s in Redis is none of ours: it is deleted, not run", job.id)
            job.delete()
            return
        TaskWorker.killed, TaskWorker.began = False, time.monotonic()
        super().execute_job(job, queue)
        if not TaskWorker.killed:
            _process_ended(job.args[0])

    def handle_warm_shutdown_request(self) -> None:
        TaskWorker.stopping = True
        if self.horse_pid:
            self.kill_horse()


def work(settings: Settings) -> None:
    """Runs tasks until SIGTERM or SIGINT, and waits for Redis whenever it is away."""
    TaskWorker.settings, TaskWorker.metrics = settings, WorkerMetrics()
    try:
        TaskWorker.metrics.serve(settings.host, settings.metrics_port)
    except OSError as error:  # a second worker of one host
        log.warning("METRICS_PORT=%d, no metrics of this worker: %s", settings.metrics_port, error)
    try:
        _work_until_stopped(settings)
    finally:
        TaskWorker.metrics.close()


def _work_until_stopped(settings: Settings) -> None:
    while not TaskWorker.stopping:
        try:
            worker = TaskWorker(
                [QUEUE],
                connection=Redis.from_url(settings.redis_url),
                serializer=JSONSerializer,
                job_class=TaskJob,
                worker_ttl=WORKER_TTL_S,
                work_horse_killed_handler=_process_killed,
            )
            log.info("worker waits for tasks")
            worker.work(logging_level=settings.log_level.upper())
        except RedisError as error:
            log.warning("Redis is away: %s", error)
        except StopRequested:
            return  # the signal came while RQ was between two tries
        if not TaskWorker.stopping:
            time.sleep(RECONNECT_S)


def _process_killed(job: Job, _pid: int, _status: int, _usage: Any) -> None:
    """Puts the task of a killed process back at once, rather than when its lease runs out."""
    TaskWorker.killed = True
    if not TaskWorker.stopping:
        TaskWorker.metrics.process_lost()
    _process_ended(job.args[0])


def _process_ended(task_id: str) -> None:
    """Puts a task back whose process was killed; counts one that has ended."""
    try:
        with opened_catalogue(TaskWorker.settings) as catalogue:
            if TaskWorker.killed and TaskWorker.stopping:
                catalogue.tasks.give_back(task_id)
            elif TaskWorker.killed:
                catalogue.tasks.release(task_id)
            task = catalogue.tasks.get(task_id)
    except SimilarityError as error:  # its lease will run out
        log.warning("how task %s ended is not known: %s", task_id, error)
        return
    if task.finished_at is not None:
        took_s = time.monotonic() - TaskWorker.began
        TaskWorker.metrics.task_ended(task.kind, task.state, took_s)
