"""Who asks besides the clients that add, overwrite and remove: those that search, and one that
requests trainings, updates, upgrades and rollbacks."""

import random
import time
from dataclasses import dataclass

from similarity_client import Task
from similarity_client.answers import Found

from campaigns.chaos import PICTURES, Asker, Worker, first_id
from local.stack import Stack

PAUSE_S = 0.05  # of one that searches
SWITCH_EVERY = 4  # of so many tasks one is an upgrade or a rollback
NEWER = 2  # the version that comes into use, and goes


@dataclass(frozen=True)
class Asked:
    """A search by a picture, and what it found."""

    picture: int
    found: Found


class Searcher(Worker):
    """Searches with a picture, uploaded or stored, all the time."""

    def __init__(self, stack: Stack, number: int, pictures: list[bytes]) -> None:
        super().__init__(stack, f"searcher-{number}")
        self.answers: list[Asked] = []
        self._random = random.Random(number)  # noqa: S311  the same each time
        self._pictures = pictures

    def work(self) -> None:
        number = self._random.randrange(PICTURES)
        if self._random.random() < 0.5:
            found = self._client.search(self._pictures[number])
        else:
            found = self._client.search(id=first_id(number))
        self.answers.append(Asked(number, found))
        time.sleep(PAUSE_S)


class Switcher(Asker):
    """Requests trainings and updates, and now and then an upgrade or a rollback."""

    def ask(self) -> Task:
        if len(self.asked) % SWITCH_EVERY < SWITCH_EVERY - 1:
            return super().ask()
        is_newer = self._client.models().in_use == NEWER
        return self._client.rollback() if is_newer else self._client.upgrade(NEWER)
