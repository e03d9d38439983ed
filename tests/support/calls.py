"""Makes what tests of the API send, and reads refusals."""

import io
import uuid

import requests
from PIL import Image

JSON = "application/json"


def jpeg(colour: tuple[int, int, int] = (10, 120, 30), size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def picture(number: int) -> bytes:
    out = io.BytesIO()
    image = Image.linear_gradient("L").rotate(number * 7).convert("RGB")
    image.save(out, "JPEG")
    return out.getvalue()


def unused() -> str:
    return uuid.uuid4().hex


def failure(response: requests.Response) -> tuple[int, str]:
    """Returns status and error word; every failure is JSON with a sentence and no stack trace."""
    answer = response.json()
    assert response.headers["Content-Type"] == JSON
    assert answer["status"] == "error"
    assert answer["detail"]
    assert "Traceback" not in response.text
    return response.status_code, answer["message"]
