"""An upload by the sync client: by plain connections where they will do, else by its own."""

import os
from collections.abc import Iterable
from contextlib import closing

from similarity_client import plain
from similarity_client.sync.base import Base
from similarity_client.upload import OnFile, Plan, Report, Upload


def uploaded(
    client: Base,
    paths: Iterable[str | os.PathLike[str]],
    plan: Plan,
    parallel: int,
    progress: OnFile | None,
) -> Report:
    """Adds files; errors as `Upload.run`."""
    if not plain.suits(client.settings):
        return Upload(client, paths, plan, parallel, progress).run()
    with closing(plain.PlainClient(client.settings, client.retries)) as direct:
        report = Upload(direct, paths, plan, parallel, progress).run()
    if report.done:
        client.check_version()
    return report
