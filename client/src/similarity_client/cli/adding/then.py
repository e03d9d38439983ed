"""The task that is asked for once all images are there."""

from similarity_client import Task
from similarity_client.answers import TaskState
from similarity_client.cli.bar import Bar
from similarity_client.cli.session import Session


def begin(session: Session, kind: str) -> Task:
    """Asks for a training or an update. Raises SimilarityError: it is refused."""
    client = session.client
    return client.train() if kind == "train" else client.update()


def wait_for(session: Session, task: Task) -> None:
    """Waits until a task has ended well. Raises TaskFailed: it has ended badly."""
    with Bar(session.talk) as bar:

        def show(state: TaskState) -> None:
            bar.show(f"{state.kind or 'task'}: {state.phase or state.message}", state.progress, 1)

        try:
            task.wait(progress=show)
        except KeyboardInterrupt:
            session.talk.say(f"task {task.task_id} goes on")
            raise
    session.talk.say(f"task {task.task_id} has ended well")
