"""How many uploads go on at once: fewer as soon as the service has too many, more again slowly."""

import threading


class Width:
    """Lets uploads begin, up to a number that adapts itself: it halves when the service is too
    busy, and grows by one after as many answers as it is wide.

    Source: D. Chiu, R. Jain, "Analysis of the increase and decrease algorithms", 1989.

    Args:
        most: the largest number, which is also the first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._width = most
        self._flying = 0
        self._answers = 0  # since it last grew
        self._round = 0  # how often it has halved
        self._stopped = False
        self._free = threading.Condition()

    @property
    def width(self) -> int:
        """How many uploads may go on at once now."""
        return self._width

    def begin(self) -> int | None:
        """Waits until one more upload may go on, and returns the round in which it begins; `end`
        has to follow. None: none may begin any more."""
        with self._free:
            while self._flying >= self._width and not self._stopped:
                self._free.wait()
            if self._stopped:
                return None
            self._flying += 1
            return self._round

    def end(self) -> None:
        """Counts an upload that has come to its end."""
        with self._free:
            self._flying -= 1
            if self._width < self._most:  # else nobody waits
                self._free.notify()

    def stop(self) -> None:
        """Lets no upload begin any more."""
        with self._free:
            self._stopped = True
            self._free.notify_all()

    def halve(self, begun: int) -> None:
        """Halves the width, since the service was too busy for an upload that began in this round.
        Of those that began before the last halving it is no news: all are refused at once."""
        with self._free:
            if begun == self._round:
                self._width = max(1, self._width // 2)
                self._round += 1
                self._answers = 0

    def grow(self) -> None:
        """Counts an answer that came well."""
        with self._free:
            self._answers += 1
            if self._answers >= self._width and self._width < self._most:
                self._width += 1
                self._answers = 0
                self._free.notify_all()
