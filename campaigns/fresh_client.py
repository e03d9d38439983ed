"""A client that searches right after each of its changes, and knows what must be found.

All its images are described as its own, so that a filter finds just these, however many there are.
"""

import itertools
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from similarity_client import SimilarityError
from similarity_client.answers import Found
from similarity_client.errors import WrongArgumentsFormat

from local.stack import Stack

PICTURES = 40
SHELVES = 4
SAME = 1e-3  # squared distance: an image is no farther from itself
PAGE = 3  # images
MOST_LISTED = 10_000
MOST_IMAGES = 24  # of a client: it removes as many as it adds from then on


@dataclass
class Image:
    """What an image shows, and the shelf that it is said to be on."""

    picture: int
    shelf: int


@dataclass
class Client(threading.Thread):
    """Changes images of its own, and searches for each after its change.

    Attributes:
        images: what each of its ids is.
        checks: how many searches it has made.
        violations: a sentence for each answer that knows less than was acknowledged.
    """

    stack: Stack
    number: int
    pictures: list[bytes]
    pause_s: float = 0.0
    images: dict[str, Image] = field(default_factory=dict)
    checks: int = 0
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(name=f"client-{self.number}")
        self.stopping = threading.Event()
        self._random = random.Random(self.number)  # noqa: S311  the same each time
        self._numbers = itertools.count()
        self._client = self.stack.client()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        with self._client:
            while not self.stopping.is_set():
                try:
                    self._act()
                except SimilarityError as error:
                    self.violations.append(f"a request failed: {error!r}")
                time.sleep(self.pause_s)

    def _act(self) -> None:
        known = [*self.images]
        acts: list[Callable[[str], None]] = [self._put, self._describe, self._look_around]
        acts += [self._remove] * (1 + 2 * (len(known) > MOST_IMAGES))
        if not known or self._random.random() < 0.4:
            self._put(f"{self.name}-{next(self._numbers)}")
        else:
            self._random.choice(acts)(self._random.choice(known))

    def _put(self, image_id: str) -> None:
        """Adds an image or replaces it; the search must find it as it is now."""
        before = self.images.get(image_id)
        now = Image(self._random.randrange(PICTURES), self._random.randrange(SHELVES))
        picture, said = self.pictures[now.picture], self._said(now)
        self._client.add(picture, image_id, overwrite=True, metadata=said)
        self.images[image_id] = now
        self._check_picture(image_id, now.picture, True)
        if before is not None and before.picture != now.picture:
            self._check_picture(image_id, before.picture, False)
        self._check_own()

    def _remove(self, image_id: str) -> None:
        self._client.remove(image_id)
        self._check_picture(image_id, self.images.pop(image_id).picture, False)
        self._check_own()

    def _describe(self, image_id: str) -> None:
        """Says that an image is on another shelf."""
        image = self.images[image_id]
        image.shelf = self._random.randrange(SHELVES)
        self._client.patch_metadata(image_id, {"shelf": image.shelf, "twice": None})
        self._check_own({"shelf": image.shelf}, lambda each: each.shelf == image.shelf)
        others = {"shelf": {"$ne": image.shelf}}
        self._check_own(others, lambda each: each.shelf != image.shelf)

    def _look_around(self, image_id: str) -> None:
        """Searches by a stored image, by pages, by groups."""
        own = self._filter({})
        others = {*self.images} - {image_id}
        found = self._search(num_results=1000, id=image_id, filter=own)
        self._expect(others, found.result, f"around {image_id}")
        pages = [
            self._search(offset=start, num_results=PAGE, id=image_id, filter=own)
            for start in range(0, len(self.images) + PAGE, PAGE)
        ]
        # Pages are of one ranking as long as one generation answers.
        if len({_source(page) for page in pages}) == 1:
            every = [each for page in pages for each in page.result]
            self._expect(others, every, f"on pages around {image_id}")
        self._check_keyword(image_id)
        groups = self._search(group_by="shelf", num_results=SHELVES, id=image_id, filter=own)
        shelves = sorted(self.images[each].shelf for each in groups.result)
        expected = sorted({self.images[name].shelf for name in others})
        if shelves != expected:
            self.violations.append(f"groups around {image_id}: {shelves}, not {expected}")

    def _check_keyword(self, image_id: str) -> None:
        """An image must be among those of its likeliest keyword, as the same version has it."""
        itself = {"$id": image_id}
        found = self._client.search(self.pictures[0], filter=itself, fields=True)
        keywords = [match.keywords for match in found.matches or ()]
        if not keywords or not keywords[0]:
            return
        self.checks += 1
        first, version = keywords[0][0], found.meta.model_version
        try:
            page = self._client.images_page(
                keyword=first.name, min_score=first.score, limit=MOST_LISTED
            )
        except WrongArgumentsFormat as error:
            if (error.detail or "").startswith(f"version {version} "):
                raise
            return  # another version is in use by now, which lacks this keyword
        is_same = page.meta.model_version == version
        if is_same and image_id not in {image.id for image in page.images}:
            self.violations.append(f"{image_id} is not found by its keyword {first}")

    def _check_picture(self, image_id: str, picture: int, is_there: bool) -> None:
        found = self._search(self.pictures[picture], num_results=1000, nprob=100, max_dist=SAME)
        if (image_id in found.result) != is_there:
            what = "is not found" if is_there else "is still found"
            self.violations.append(f"{image_id} {what} as picture {picture}: {found.meta}")

    def _check_own(
        self, wanted: dict[str, Any] | None = None, meets: Callable[[Image], bool] | None = None
    ) -> None:
        """The search must find all own images that meet a filter, and no others."""
        picture = self.pictures[self._random.randrange(PICTURES)]
        found = self._search(picture, num_results=1000, filter=self._filter(wanted or {})).result
        expected = {name for name, each in self.images.items() if meets is None or meets(each)}
        self._expect(expected, found, f"that meet {wanted}")

    def _expect(self, expected: set[str], found: Sequence[str], what: str) -> None:
        if sorted(expected) != sorted(found):
            self.violations.append(f"{what}: {sorted(found)}, not {sorted(expected)}")

    def _said(self, image: Image) -> dict[str, Any]:
        return {"client": self.name, "shelf": image.shelf, "twice": image.picture}

    def _filter(self, wanted: dict[str, Any]) -> dict[str, Any]:
        return {"client": self.name, **wanted}

    def _search(self, *query: bytes, **how: Any) -> Found:
        self.checks += 1
        return self._client.search(*query, **how)


def _source(found: Found) -> tuple[int | None, int | None]:
    """Returns the version of the model and the generation that answered."""
    return found.meta.model_version, found.meta.generation
