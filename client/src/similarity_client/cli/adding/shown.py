"""What is said while images are added, and after it."""

import time
from collections.abc import Callable
from json import dumps
from pathlib import Path
from typing import Any

from similarity_client import Progress
from similarity_client.cli.adding.failures import ErrorFile, word_of
from similarity_client.cli.bar import Bar
from similarity_client.cli.talk import Talk
from similarity_client.errors import SimilarImage
from similarity_client.upload.report import counted

MOST_SAID = 20  # failures that are said, beside the file that has all
EVERY_S = 0.1
NONE_YET = Progress(0, 0, 0, 0, Path(), None)


class Shown:
    """Says of each image what has become of it; one thread at a time calls it.

    Attributes:
        last: the image that was done last.
        on_failure: is called after each failure.
    """

    def __init__(self, talk: Talk, bar: Bar, errors: ErrorFile) -> None:
        self._talk = talk
        self._bar = bar
        self._errors = errors
        self._began = self._shown = time.monotonic()
        self.last = NONE_YET
        self.on_failure: Callable[[], None] = lambda: None

    def on_file(self, progress: Progress) -> None:
        """Takes an image that is done."""
        self.last = progress
        if progress.state == "failed":
            self._errors.write(progress)
            self._say(progress)
            self.on_failure()
        if self._talk.as_json:
            print(dumps(_line(progress), ensure_ascii=False), flush=True)
        now = time.monotonic()
        if now - self._shown >= EVERY_S:
            self._shown = now
            self._bar.show(self.text(), progress.done)

    def text(self) -> str:
        """Returns on one line how far it is."""
        last = self.last
        counts = counted(last.added, last.same, last.failed, last.similar)
        images = "image" if last.done == 1 else "images"
        return f"{last.done:,} {images}: {counts}, {last.done / self._took_s():,.0f} a second"

    def summary(self) -> dict[str, Any]:
        """Returns what was done."""
        last = self.last
        counts = {"added": last.added, "same": last.same, "failed": last.failed}
        counts["similar"] = last.similar
        return counts | {"sent_bytes": last.sent_bytes, "seconds": round(self._took_s(), 3)}

    def _took_s(self) -> float:
        return max(time.monotonic() - self._began, 1e-3)

    def _say(self, progress: Progress) -> None:
        if progress.failed <= MOST_SAID and progress.error is not None:
            word, detail = word_of(progress.error)
            self._talk.say(f"failed: {progress.path}: {word}: {detail}")
        elif progress.failed == MOST_SAID + 1:
            self._talk.say("failed: more, which are not shown: --errors FILE has all")


def _line(progress: Progress) -> dict[str, Any]:
    line = {"path": str(progress.path), "id": progress.id, "state": progress.state}
    if progress.error is None:
        return line
    if isinstance(progress.error, SimilarImage):
        return line | {"similar_to": progress.error.answer.get("similar_to")}
    word, detail = word_of(progress.error)
    return line | {"word": word, "detail": detail}
