"""The service as a client sees it."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

CLIENTS = 32
POLL_S = 0.2

Photo = tuple[str, bytes]  # id and file


class Client:
    """Calls the documented HTTP API and nothing else."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._threads = threading.local()

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self._url}/health/ready", timeout=5).ok
        except requests.ConnectionError:
            return False

    def add_all(self, photos: Iterable[Photo], told: Callable[[int], None]) -> None:
        """Add photos from many threads; `told` hears how many are in."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            for count, _ in enumerate(pool.map(self._add, photos), start=1):
                told(count)

    def run(self, kind: str, told: Callable[[str], None]) -> Any:
        """Ask for a training or an update, and wait for it."""
        answer = self._json("GET", f"/similarity/{kind}")
        told(json.dumps(answer))
        while answer["status"] == "ongoing":
            time.sleep(POLL_S)
            answer = self._json("GET", f"/similarity/status/{answer['task_id']}")
        return answer

    def post(self, path: str, file: bytes) -> Any:
        return self._json("POST", path, files={"data": file})

    def _add(self, photo: Photo) -> None:
        self._json("POST", "/similarity/add", params={"id": photo[0]}, files={"data": photo[1]})

    def _json(self, method: str, path: str, **options: Any) -> Any:
        if not hasattr(self._threads, "session"):
            self._threads.session = requests.Session()
        response = self._threads.session.request(method, self._url + path, timeout=60, **options)
        response.raise_for_status()
        return response.json()
