"""Uses a stack over its published port, and checks that it loses nothing."""

import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from demo.client import Client, Photo
from deploy.check.progress import Failed, expect

SAME = 1e-3  # squared distance of a photo to itself, stored


@dataclass
class Story:
    """Remembers what was acknowledged to a client.

    Args:
        client: of the published port.
        photos: what there is to add.
    """

    client: Client
    photos: list[Photo]
    added: dict[str, bytes] = field(default_factory=dict)

    def add(self, count: int) -> None:
        """Adds the next photos in one request, as a tar."""
        coming = self.photos[len(self.added) :][:count]
        answers = self.client.add_archive(_tar(coming))
        expect([a["status"] for a in answers] == ["ok"] * count, f"{count} adds are acknowledged")
        self.added.update(coming)

    def run(self, kind: str) -> Any:
        """Runs a training or an update, which must end well."""
        return self.finish(self.client.get(f"/similarity/{kind}"))

    def switch(self, call: str) -> Any:
        """Runs an upgrade, a rollback or a retirement, which must end well."""
        return self.finish(self.client.post(f"/similarity/{call}"))

    def finish(self, asked: Any) -> Any:
        task = self.client.finish(asked)
        expect(task["status"] == "ok", f"the task ends well: {task}")
        return task

    def find_newest(self) -> None:
        """Checks that a search for the photo added last finds it first."""
        name, file = list(self.added.items())[-1]
        found = self.client.post("/similarity/search?num_results=3", file)
        first = list(zip(found.get("result", []), found.get("dist", []), strict=True))[:1]
        expect(bool(first) and first[0][0] == name and first[0][1] < SAME, f"{name}, not {found}")

    def miss_nothing(self) -> None:
        """Checks that every acknowledged photo is there, and no other."""
        listed: list[str] = []
        path = "/similarity/images"
        while path:
            page = self.client.get(path)
            listed += page["ids"]
            path = page["next"] and f"/similarity/images?after={page['next']}"
        if set(listed) != set(self.added):
            raise Failed(f"{len(set(self.added) - set(listed))} of {len(self.added)} are lost")

    def go_on(self) -> None:
        """Adds, updates and searches as before, with all that was there before."""
        self.add(1)
        self.run("update")
        self.find_newest()
        self.miss_nothing()


def _tar(photos: Iterable[Photo]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in photos:
            entry = tarfile.TarInfo(f"{name}.jpg")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()
