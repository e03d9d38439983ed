"""Calls an app within the process, by a name that it has."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import falcon
from falcon.testing import TestClient

from sidecar.http.app import create_app
from sidecar.settings import from_environment

AWAY: dict[str, Any] = {"triton_url": "127.0.0.1:1", "redis_url": "redis://127.0.0.1:1/0"}


def local_client(app: falcon.App[Any, Any]) -> TestClient:
    """Returns a client of an app; Falcon's own calls every service falconframework.org."""
    return TestClient(app, headers={"Host": "localhost"})


@contextmanager
def sidecar(folder: Path, **settings: Any) -> Iterator[TestClient]:
    """A sidecar with an empty catalogue; Triton and Redis are away."""
    with create_app(from_environment(data_dir=folder, **AWAY, **settings)) as app:
        yield local_client(app)
