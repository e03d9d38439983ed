"""An upload beside an event loop: files are read by calls that block, so threads do it all."""

import asyncio
import os
from collections.abc import Iterable
from contextlib import closing

from similarity_client import plain
from similarity_client.plain import PlainClient
from similarity_client.retry import Retries
from similarity_client.settings import Settings
from similarity_client.sync import Similarity
from similarity_client.upload import OnFile, Plan, Progress, Report, Upload


def _client(settings: Settings, retries: Retries) -> PlainClient | Similarity:
    """Returns what asks for an upload."""
    if plain.suits(settings):
        return PlainClient(settings, retries)
    where = settings.url, settings.key, settings.timeout
    return Similarity(*where, retries=retries, check_version=False)


async def uploaded(
    settings: Settings,
    retries: Retries,
    paths: Iterable[str | os.PathLike[str]],
    plan: Plan,
    parallel: int,
    progress: OnFile | None,
) -> Report:
    """Adds files by connections of its own. Where it is cancelled, what is in flight comes to its
    end first.

    Args:
        progress: is called in the event loop.
    """
    loop = asyncio.get_running_loop()

    def on_file(done: Progress) -> None:
        if progress is not None:
            loop.call_soon_threadsafe(progress, done)

    with closing(_client(settings, retries)) as client:
        upload = Upload(client, paths, plan, parallel, on_file)
        running = asyncio.ensure_future(asyncio.to_thread(upload.run))
        try:
            return await asyncio.shield(running)
        finally:
            upload.stop()
            if not running.done():
                await asyncio.wait([running])
