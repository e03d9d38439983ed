"""Makes what tests of the API send, and reads refusals."""

import uuid

import numpy as np
import requests
from PIL import Image

from tests.support.image_files import encode

JSON = "application/json"


def jpeg(colour: tuple[int, int, int] = (10, 120, 30), size: tuple[int, int] = (64, 48)) -> bytes:
    return encode(Image.new("RGB", size, colour), "JPEG")


def picture(number: int) -> bytes:
    image = Image.linear_gradient("L").rotate(number * 7).convert("RGB")
    return encode(image, "JPEG")


def noise(number: int) -> bytes:
    """An image that is like no photo."""
    pixels = np.random.default_rng(number).integers(0, 256, (96, 96, 3), np.uint8)
    return encode(Image.fromarray(pixels), "JPEG")


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
