"""A client of the service."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

CLIENTS = 32
POLL_S = 0.2
TIMEOUT_S = 60

Photo = tuple[str, bytes]  # id and file


class Client:
    """Calls the documented HTTP API and nothing else; every answer is JSON, errors too."""

    def __init__(self, url: str, key: str = "") -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._threads = threading.local()

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self._url}/health/ready", timeout=5).ok
        except requests.ConnectionError:
            return False

    def add_all(self, photos: Iterable[Photo]) -> Iterator[Any]:
        """Adds photos from `CLIENTS` threads and yields the answers in the photos' order."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            yield from pool.map(self._add, photos)

    def add_archive(self, archive: bytes) -> list[Any]:
        """Adds the photos of a tar or zip and returns the answer for each."""
        lines = self._ask("POST", "/similarity/add_batch", data=archive).text.splitlines()
        return [json.loads(line) for line in lines]

    def run(self, kind: str, report: Callable[[str], None]) -> Any:
        """Requests a training or an update and waits for it; `report` gets the first answer."""
        answer = self.get(f"/similarity/{kind}")
        report(json.dumps(answer))
        return self.finish(answer)

    def finish(self, answer: Any) -> Any:
        """Waits for the task that an answer names and returns its last status."""
        while answer["status"] == "ongoing":
            time.sleep(POLL_S)
            answer = self._json("GET", f"/similarity/status/{answer['task_id']}")
        return answer

    def get(self, path: str) -> Any:
        return self._json("GET", path)

    def post(self, path: str, file: bytes | None = None) -> Any:
        return self._json("POST", path, files=None if file is None else {"data": file})

    def _add(self, photo: Photo) -> Any:
        name, file = photo
        return self._json("POST", "/similarity/add", params={"id": name}, files={"data": file})

    def _json(self, method: str, path: str, **options: Any) -> Any:
        return self._ask(method, path, **options).json()

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        if not hasattr(self._threads, "session"):
            self._threads.session = requests.Session()
            self._threads.session.headers.update(self._headers)
        answer: requests.Response = self._threads.session.request(
            method, self._url + path, timeout=TIMEOUT_S, **options
        )
        return answer
