"""One stack for all tests of the API; those that kill parts of it start their own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from export import photos
from tests.stack import Stack, running

COLLECTION = 1200


@pytest.fixture(scope="session")
def collection() -> dict[str, bytes]:
    """Photos by id: crops and variations of real ones."""
    return dict(photos.variations(COLLECTION))


@pytest.fixture(scope="session")
def bare_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack that starts out empty."""
    with running(tmp_path_factory.mktemp("stack"), MAX_IMAGE_BYTES=str(2 << 20)) as stack:
        yield stack


@pytest.fixture(scope="session")
def stack(bare_stack: Stack, collection: dict[str, bytes]) -> Stack:
    """The same stack with the collection added and trained."""
    add_all(bare_stack, collection)
    bare_stack.run("train")
    return bare_stack


def add_all(stack: Stack, images: dict[str, bytes]) -> None:
    """Add images from fifty clients at once; every one must be taken."""

    def add(item: tuple[str, bytes]) -> int:
        return stack.post(f"/similarity/add?id={item[0]}", item[1]).status_code

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(add, images.items())) == {200}
