"""Tasks handed to workers by RQ: the sidecar's side. With `worker`, the door to RQ and Redis.

Redis only delivers: the catalogue holds what waits, runs or has ended, and whatever Redis loses is
delivered again. A job's one argument is the id of its task.
"""

import logging
from datetime import UTC, datetime, timedelta

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue, Worker
from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.serializers import JSONSerializer

from sidecar.errors import QueueUnavailable

log = logging.getLogger(__name__)

QUEUE = "similarity"
RUN = "sidecar.tasks.runner.run"  # the function that every job names
RUN_IN_0_1 = "sidecar.jobs.run"  # and its name in release 0.1, whose jobs may still be in Redis
REDIS_TIMEOUT_S = 2
SILENT_WORKER_S = 60  # a busy worker gives a heartbeat twice as often


class TaskQueue:
    """Hands tasks to the workers."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._redis = _connect(redis_url)
        self._queue = Queue(QUEUE, connection=self._redis, serializer=JSONSerializer)

    def enqueue(self, task_id: str) -> None:
        """Hands a waiting task to the workers, unless it is on its way. Twice does no harm.

        Raises:
            QueueUnavailable: Redis is away; the task goes on waiting in the catalogue.
        """
        try:
            if task_id not in self._queue.get_job_ids():
                self._queue.enqueue(
                    RUN, task_id, job_id=task_id, job_timeout=-1, result_ttl=0, failure_ttl=60
                )
        except RedisError as error:
            raise QueueUnavailable(f"Redis: {error}") from error

    def stop(self, task_id: str) -> None:
        """Has the worker that runs a task drop it at once, rather than at its next heartbeat."""
        try:
            send_stop_job_command(self._redis, task_id, serializer=JSONSerializer)
        except (RedisError, NoSuchJobError, InvalidJobOperation) as error:
            log.info("task %s was not interrupted: %s", task_id, error)

    def workers(self) -> int:
        """Returns how many workers gave a heartbeat in the last `SILENT_WORKER_S`.

        Raises:
            QueueUnavailable: Redis is away.
        """
        try:
            # A connection of its own: RQ raises the timeout of the one it lists workers with.
            with _connect(self._url) as redis:
                queue = Queue(QUEUE, connection=redis)
                workers = Worker.all(queue=queue, serializer=JSONSerializer)
        except RedisError as error:
            raise QueueUnavailable(f"Redis: {error}") from error
        oldest = datetime.now(UTC) - timedelta(seconds=SILENT_WORKER_S)
        return sum(1 for w in workers if w.last_heartbeat and w.last_heartbeat > oldest)

    def close(self) -> None:
        """Closes the connection."""
        self._redis.close()


def _connect(redis_url: str) -> Redis:
    """Returns a connection that tries once and briefly: no request waits for Redis, since the task
    it asks for is in the catalogue already."""
    return Redis.from_url(
        redis_url,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
