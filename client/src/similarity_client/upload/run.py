"""The threads of an upload, and how they end."""

import threading
from collections.abc import Callable

from similarity_client.errors import SimilarityError
from similarity_client.exchange import Asks
from similarity_client.upload.entry import Entries, Groups
from similarity_client.upload.plan import Plan
from similarity_client.upload.report import OnFile, Report, Tally, UploadStopped
from similarity_client.upload.stages import Named, Stages
from similarity_client.upload.waiting import Waiting
from similarity_client.upload.width import Width

MOST_LOOKING = 4  # threads that hash files and ask for them


class Upload:
    """An upload, which runs once.

    Args:
        client: must take as many connections as `parallel` says.
        entries: are read while the upload goes on, no faster.
        parallel: how many images are sent at once, at most.
        progress: is called after each file, by one thread at a time.
        keeps: whether the report has the failures.
        stopped: is set when the upload stops: what `entries` waits for has to heed it.
    """

    def __init__(
        self,
        client: Asks,
        entries: Entries,
        plan: Plan,
        parallel: int = 16,
        progress: OnFile | None = None,
        keeps: bool = True,
        stopped: threading.Event | None = None,
    ) -> None:
        if parallel < 1:
            raise ValueError(f"parallel must be at least 1, not {parallel}")
        self._groups = Groups(entries)
        self._tally = Tally(progress, keeps)
        self._waiting: Waiting[Named] = Waiting(parallel)
        self._width = Width(parallel)
        self._stages = Stages(client, plan, self._tally, self._width, self._waiting.put)
        self._stopped = stopped or threading.Event()
        self._causes: list[BaseException] = []
        self._looking = [self._thread(self._look) for _ in range(min(MOST_LOOKING, parallel))]
        self._sending = [self._thread(self._send) for _ in range(parallel)]

    def run(self) -> Report:
        """Uploads all files.

        Raises:
            UploadStopped: the service can take no more.
            BaseException: what reading `entries`, or `progress`, has raised.
        """
        threads = [*self._looking, *self._sending]
        for thread in threads:
            thread.start()
        try:
            for thread in self._looking:
                thread.join()
            self._waiting.end()
            for thread in self._sending:
                thread.join()
        finally:
            self.stop()  # after Ctrl-C, what is in flight comes to its end
            for thread in threads:
                thread.join()
        self._raise()
        return self._tally.report()

    def stop(self) -> None:
        """Lets what is in flight come to its end, and begins nothing more."""
        self._stopped.set()
        self._width.stop()
        self._waiting.stop()

    def _raise(self) -> None:
        if not self._causes:
            return
        cause = self._causes[0]
        if isinstance(cause, SimilarityError):
            raise UploadStopped(self._tally.report(), cause) from cause
        raise cause

    def _thread(self, work: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                work()
            except BaseException as error:
                self._causes.append(error)
                self.stop()

        return threading.Thread(target=guarded, daemon=True)

    def _look(self) -> None:
        for group in self._groups:
            if self._stopped.is_set():
                return
            self._stages.look(group)

    def _send(self) -> None:
        while (image := self._waiting.get()) is not None:
            self._stages.send(image)
