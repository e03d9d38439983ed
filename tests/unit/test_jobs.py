"""Which jobs in Redis a worker runs, and what it calls for them."""

import json

import pytest
from redis import Redis
from rq.serializers import JSONSerializer

from sidecar.tasks.runner import run
from sidecar.tasks.worker import TaskJob


def job(name: str, *arguments: object, **named: object) -> TaskJob:
    """A job as a worker reads it; nothing is asked of Redis."""
    made = TaskJob("job", connection=Redis(), serializer=JSONSerializer)
    made.data = json.dumps((name, None, arguments, named)).encode()
    return made


@pytest.mark.parametrize("name", ["sidecar.tasks.runner.run", "sidecar.jobs.run"])
def test_a_job_of_this_release_and_of_the_one_before_runs_a_task(name: str) -> None:
    asked = job(name, "a-task")
    assert (asked.is_ours(), asked.func, [*asked.args]) == (True, run, ["a-task"])


def test_a_task_whose_catalogue_is_away_goes_on_waiting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sidecar.tasks.runner._die_with_parent", lambda: None)
    monkeypatch.setenv("CATALOGUE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    run("a-task")
    assert "task a-task could not be started: the catalogue: " in caplog.text


@pytest.mark.parametrize(
    "other",
    [
        job("os.system", "a-task"),
        job("sidecar.tasks.runner.run"),
        job("sidecar.tasks.runner.run", "a-task", "another"),
        job("sidecar.tasks.runner.run", 7),
        job("sidecar.tasks.runner.run", "a-task", more="a-task"),
    ],
)
def test_any_other_job_is_refused_and_would_call_nothing_else(other: TaskJob) -> None:
    assert (other.is_ours(), other.func) == (False, run)
