"""Uses a stack over its published port, and checks that it loses nothing."""

from dataclasses import dataclass, field

from similarity_client import Similarity, Task, TaskFailed

from deploy.check.progress import Failed, expect

SAME = 1e-3  # squared distance of a photo to itself, stored

Photo = tuple[str, bytes]  # id and file


@dataclass
class Story:
    """Remembers what was acknowledged to a client.

    Args:
        client: of the published port.
        photos: what there is to add.
    """

    client: Similarity
    photos: list[Photo]
    added: dict[str, bytes] = field(default_factory=dict)

    def add(self, count: int) -> None:
        """Adds the next photos in one request."""
        coming = self.photos[len(self.added) :][:count]
        failed = self.client.add_batch(dict(coming)).failed
        expect(not failed, f"{count} adds are acknowledged: {failed}")
        self.added.update(coming)

    def finish(self, task: Task) -> None:
        """Waits for a task, which must end well."""
        try:
            task.wait()
        except TaskFailed as error:
            raise Failed(f"the task ends well: {error}") from error

    def find_newest(self) -> None:
        """Checks that a search for the photo added last finds it first."""
        name, file = list(self.added.items())[-1]
        found = list(self.client.search(file, num_results=3).pairs())
        expect(bool(found) and found[0][1] == name and found[0][0] < SAME, f"{name}, not {found}")

    def miss_nothing(self) -> None:
        """Checks that every acknowledged photo is there, and no other."""
        listed = {image.id for image in self.client.images()}
        if listed != set(self.added):
            raise Failed(f"{len(set(self.added) - listed)} of {len(self.added)} are lost")

    def go_on(self) -> None:
        """Adds, updates and searches as before, with all that was there before."""
        self.add(1)
        self.finish(self.client.update())
        self.find_newest()
        self.miss_nothing()
