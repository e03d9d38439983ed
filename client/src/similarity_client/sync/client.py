"""The sync client, call by call."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Concatenate, ParamSpec, TypeVar

from similarity_client import calls
from similarity_client.answers import Listed, TaskState
from similarity_client.calls.many import Order
from similarity_client.methods import as_method
from similarity_client.paging import Pages
from similarity_client.request import Request
from similarity_client.sync.base import Base
from similarity_client.sync.task import Task
from similarity_client.sync.uploading import uploaded
from similarity_client.upload import IdFrom, MetadataOf, OnFile, Report, plan
from similarity_client.waiting import OnProgress, waiting

P = ParamSpec("P")
T = TypeVar("T")


def _asks(build: Callable[P, Request[T]]) -> Callable[Concatenate[Base, P], T]:
    """Returns the method that makes a call and returns its answer."""

    def method(self: Base, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.ask(build(*args, **kwargs))

    return as_method(method, build)


def _begins(build: Callable[P, Request[TaskState]]) -> Callable[Concatenate[Base, P], Task]:
    """Returns the method that makes a call and returns the task that it began."""

    def method(self: Base, /, *args: P.args, **kwargs: P.kwargs) -> Task:
        return Task(self, self.ask(build(*args, **kwargs)))

    return as_method(method, build, Task)


class Similarity(Base):  # noqa: D101 - it has that of its base
    __doc__ = Base.__doc__

    add = _asks(calls.add)
    add_batch = _asks(calls.add_batch)
    remove = _asks(calls.remove)
    remove_batch = _asks(calls.remove_batch)
    check = _asks(calls.check)
    get = _asks(calls.get)
    thumbnail = _asks(calls.thumbnail)
    original = _asks(calls.original)
    metadata = _asks(calls.metadata)
    put_metadata = _asks(calls.put_metadata)
    patch_metadata = _asks(calls.patch_metadata)
    images_page = _asks(calls.images_page)
    keywords = _asks(calls.keywords)

    search = _asks(calls.search)
    search_batch = _asks(calls.search_batch)
    recommend = _asks(calls.recommend)
    compare = _asks(calls.compare)
    explain = _asks(calls.explain)
    concepts = _asks(calls.concepts)
    features = _asks(calls.features)

    find_duplicates = _begins(calls.find_duplicates)
    duplicates = _asks(calls.duplicates)
    duplicate_lines = _asks(calls.duplicate_lines)
    decide_duplicates = _asks(calls.decide_duplicates)

    train = _begins(calls.train)
    update = _begins(calls.update)
    fill = _begins(calls.fill)
    upgrade = _begins(calls.upgrade)
    upgrade_estimate = _asks(calls.upgrade_estimate)
    upgrade_preview = _asks(calls.upgrade_preview)
    rollback = _begins(calls.rollback)
    retire = _begins(calls.retire)
    cancel_upgrade = _asks(calls.cancel_upgrade)
    status = _asks(calls.status)
    tasks = _asks(calls.tasks)
    cancel = _asks(calls.cancel)

    models = _asks(calls.models)
    stats = _asks(calls.stats)
    version = _asks(calls.version)
    me = _asks(calls.me)
    live = _asks(calls.live)
    ready = _asks(calls.ready)
    metrics = _asks(calls.metrics)

    def wait(
        self, task_id: str, progress: OnProgress | None = None, timeout: float | None = None
    ) -> TaskState:
        """Waits until a task has ended well, and returns how.

        Args:
            progress: is called with each change.
            timeout: seconds; None waits as long as it takes.
        Raises:
            TaskFailed: it has ended badly, or was cancelled.
            TimeoutError: it goes on; nothing happens to the task.
        """
        return self.take(waiting(task_id, self.retries, progress, timeout))

    def images(
        self,
        *,
        keyword: str | None = None,
        min_score: float | None = None,
        order: Order | None = None,
        limit: int | None = None,
        timeout: float | None = None,
    ) -> Iterator[Listed]:
        """Goes through all images, page by page, in the order they were added, or the newest
        first; with `keyword`, through those that have it, the highest score first.

        Args:
            limit: of images on a page.
        Raises:
            OtherModel: another version came into use, whose keywords are others: begin again.
        """
        pages = Pages(keyword, min_score, order, limit, timeout)
        while pages.request is not None:
            page = self.ask(pages.request)
            yield from page.images
            pages.turn(page)

    def upload(
        self,
        paths: Iterable[str | os.PathLike[str]],
        *,
        parallel: int = 16,
        resume: bool = True,
        progress: OnFile | None = None,
        overwrite: bool = False,
        id_from: IdFrom = "name",
        metadata: MetadataOf | None = None,
        unique: bool = False,
    ) -> Report:
        """Adds any number of files, in constant memory. Run again, it goes on where it ended.

        Args:
            paths: are read while the upload goes on, no faster.
            parallel: how many are sent at once, at most; fewer while the service is too busy.
            resume: whether the service is asked first which files it has.
            progress: is called after each file, by one thread at a time.
            overwrite: whether an image that differs is replaced; it fails otherwise.
            id_from: `name`, `path` (folders with colons between), `sha256`, a function of a Path.
            metadata: a function of a Path: what is said of that file, or None.
            unique: whether an image is left out that is stored already, under another id.
        Raises:
            UploadStopped: the service can take no more; its `report` says how far it got.
        """
        how = plan(resume, overwrite, id_from, metadata, unique)
        return uploaded(self, paths, how, parallel, progress)
