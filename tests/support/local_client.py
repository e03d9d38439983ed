"""Calls an app within the process, by a name that it has."""

from typing import Any

import falcon
from falcon.testing import TestClient


def local_client(app: falcon.App[Any, Any]) -> TestClient:
    """Returns a client of an app; Falcon's own calls every service falconframework.org."""
    return TestClient(app, headers={"Host": "localhost"})
