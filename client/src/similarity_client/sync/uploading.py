"""An upload by the sync client: by plain connections where they will do, else by its own."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from similarity_client import plain
from similarity_client.sync.base import Base
from similarity_client.upload import Entries, OnFile, Plan, Report, Upload


def uploaded(
    client: Base, entries: Entries, plan: Plan, parallel: int, progress: OnFile | None
) -> Report:
    """Adds files; errors as `Upload.run`."""
    with upload(client, entries, plan, parallel, progress) as prepared:
        report = prepared.run()
    if report.done:
        client.check_version()
    return report


@contextmanager
def upload(client: Base, entries: Entries, plan: Plan, *args: Any) -> Iterator[Upload]:
    """Prepares an upload, of which the other arguments are; its connections are closed after it."""
    if not plain.suits(client.settings):
        yield Upload(client, entries, plan, *args)
        return
    with closing(plain.PlainClient(client.settings, client.retries)) as direct:
        yield Upload(direct, entries, plan, *args)
