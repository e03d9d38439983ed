"""Calls as different clients spell them, over gunicorn and with a model."""

import requests

from local.stack import Stack
from tests.support.calls import jpeg, unused


def test_an_image_may_come_as_the_body_and_its_id_as_a_field(tiny_stack: Stack) -> None:
    names = [unused(), unused()]
    path, headers = "/similarity/add", {"Content-Type": "image/jpeg"}
    raw = tiny_stack.post(f"{path}?id={names[0]}", data=jpeg(), headers=headers)
    form = tiny_stack.post(path, jpeg(), data={"id": names[1]})
    assert [raw.json()["id"], form.json()["id"]] == names
    again = tiny_stack.post(path, jpeg((1, 2, 3)), data={"id": names[1], "overwrite": "true"})
    assert again.json() == {"status": "ok", "id": names[1]}
    for name in names:
        removed = tiny_stack.post("/similarity/remove", data={"id": name})
        assert removed.json() == {"status": "ok", "id": name}


def test_max_dist_of_0_finds_the_uploaded_image_itself(
    tiny_stack: Stack, collection: dict[str, bytes]
) -> None:
    name, photo = next(iter(collection.items()))
    parameters = {"max_dist": "0", "nprob": "100"}
    answer = tiny_stack.post("/similarity/search", photo, data=parameters).json()
    assert name in answer["result"]
    assert max(answer["dist"]) <= 1e-5


def test_head_leaves_a_connection_usable(tiny_stack: Stack, collection: dict[str, bytes]) -> None:
    path = f"/similarity/images/{next(iter(collection))}/thumbnail"
    with requests.Session() as session:
        for _ in range(2):
            head = session.head(tiny_stack.url + path, timeout=60)
            got = session.get(tiny_stack.url + path, timeout=60)
            assert head.content == b""
            assert head.headers["Content-Length"] == f"{len(got.content)}"
            assert head.headers["ETag"] == got.headers["ETag"]
