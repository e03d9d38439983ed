"""What waits to be sent: whole groups go in, and none is forgotten."""

import threading
import time

from similarity_client.upload.waiting import Waiting


def waits(queue: Waiting[int], count: int) -> bool:
    """Whether so many threads wait for room in a queue."""
    with queue._room:
        return len(queue._room._waiters) == count  # type: ignore[attr-defined]


def test_every_group_that_waits_for_room_goes_in() -> None:
    queue: Waiting[int] = Waiting(low=1)
    queue.put([0, 1, 2])
    putting = [threading.Thread(target=queue.put, args=([n],)) for n in (3, 4)]
    for thread in putting:
        thread.start()
    while not waits(queue, 2):
        time.sleep(0.01)
    with queue._lock:  # all are taken before either of the two comes to it
        assert [queue.get() for _ in range(3)] == [0, 1, 2]
    for thread in putting:
        thread.join(10)
    assert not any(thread.is_alive() for thread in putting)
    assert {queue.get(), queue.get()} == {3, 4}


def test_after_its_end_nothing_is_waited_for() -> None:
    queue: Waiting[int] = Waiting(low=1)
    queue.put([0])
    queue.end()
    assert [queue.get(), queue.get()] == [0, None]


def test_after_a_stop_what_is_left_is_given_to_nobody() -> None:
    queue: Waiting[int] = Waiting(low=1)
    queue.put([0, 1, 2])
    putting = threading.Thread(target=queue.put, args=([3],))
    putting.start()
    while not waits(queue, 1):
        time.sleep(0.01)
    queue.stop()
    putting.join(10)
    assert not putting.is_alive()
    assert queue.get() is None
