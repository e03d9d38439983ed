"""Parameters: known ones alone, once, in the query or as fields of a form."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from falcon.testing import Result, TestClient

from sidecar.http.app import create_app
from sidecar.http.reading.known_params import taken
from sidecar.settings import from_environment
from tests.support.calls import jpeg
from tests.support.local_client import sidecar

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
FORM = {"Content-Type": "Multipart/Form-Data; Boundary=cut"}
BATCH = "/similarity/add_batch"
Field = tuple[str, bytes]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with sidecar(tmp_path_factory.mktemp("data")) as client:
        yield client


def form(*fields: Field, end: bytes = b"--cut--\r\n") -> bytes:
    """A form; a name with a dot is a file's."""
    parts = [
        b'--cut\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        % (
            name.partition(".")[0].encode(),
            b"; filename=%s" % name.encode() if "." in name else b"",
            content,
        )
        for name, content in fields
    ]
    return b"".join(parts) + end


def refusal(answer: Result) -> str:
    assert (answer.status_code, answer.json["message"]) == (400, "wrong_arguments_format")
    return str(answer.json["detail"])


@pytest.mark.parametrize(
    ("method", "path", "nearest"),
    [
        ("POST", "/similarity/add?ID=cat", "did you mean id?"),
        ("POST", "/similarity/add?imageid=cat", "did you mean image_id?"),
        ("POST", "/similarity/add?overwite=true", "did you mean overwrite?"),
        ("POST", "/similarity/search?numResults=3", "did you mean num_results?"),
        ("GET", "/similarity/search?Id=cat", "did you mean id?"),
        ("POST", "/predict/concepts?top-k=3", "did you mean top_k?"),
        ("GET", "/similarity/images?x=1", "this call takes after, limit"),
        ("GET", "/similarity/train?images=7", "this call takes none"),
        ("HEAD", "/similarity/tasks?limits=7", ""),
        ("DELETE", "/similarity/images/cat?really=true", "this call takes none"),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_nearest_known_one(
    client: TestClient, method: str, path: str, nearest: str
) -> None:
    answer = client.simulate_request(method, path)
    if method == "HEAD":
        assert answer.status_code == 400
    else:
        assert nearest in refusal(answer)


def test_a_long_name_is_shown_in_part(client: TestClient) -> None:
    detail = refusal(client.simulate_get("/similarity/images", params={"x" * 5000: "1"}))
    assert len(detail) < 200


@pytest.mark.parametrize(
    "path", ["/similarity/remove?id=a&id=a", "/similarity/remove?id=a&image_id=b&image_id=c"]
)
def test_a_repeated_parameter_is_refused(client: TestClient, path: str) -> None:
    assert "more than once" in refusal(client.simulate_post(path))


def test_a_failed_search_has_empty_lists_whatever_failed(client: TestClient) -> None:
    for path in ("/similarity/search?ID=cat", "/similarity/search?id=nobody"):
        answer = client.simulate_get(path).json
        assert (answer["status"], answer["dist"], answer["result"]) == ("error", [], [])


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (URLENCODED, b"id=caf%C3%A9"),
        (URLENCODED, "id=café".encode()),
        (URLENCODED, b"image_id=caf%C3%A9"),
        ({"Content-Type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"}, b"id=caf%C3%A9"),
        (FORM, form(("id", "café".encode()))),
    ],
)
def test_an_id_may_come_as_a_field_of_a_form(
    client: TestClient, headers: dict[str, str], body: bytes
) -> None:
    answer = client.simulate_post("/similarity/remove", headers=headers, body=body)
    assert (answer.status_code, answer.json["message"]) == (404, "unknown_image_id")
    assert "café" in answer.json["detail"]


@pytest.mark.parametrize(
    ("query", "body", "wrong"),
    [
        ("", b"ID=cat", "did you mean id?"),
        ("", b"id=cat&id=cat", "more than once"),
        ("?id=cat", b"id=cat", "more than once"),
        ("", b"id=%FF%FE&x", "this call takes"),
        ("", b"id=\xff\xfe", "not in UTF-8"),
        ("", b"id=" + bytes(300_000), "larger than 256 KiB"),
    ],
)
def test_a_form_keeps_the_same_rules(
    client: TestClient, query: str, body: bytes, wrong: str
) -> None:
    answer = client.simulate_post(f"/similarity/remove{query}", headers=URLENCODED, body=body)
    assert wrong in refusal(answer)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ([("data.jpg", jpeg()), ("id", b"a/b")], "an id is"),
        ([("id", b"a/b"), ("data.jpg", jpeg())], "an id is"),
        ([("overwrite", b"yes"), ("data.jpg", jpeg())], "overwrite must be true or false"),
        ([("ID", b"cat"), ("data.jpg", jpeg())], "did you mean id?"),
        ([("id", b"cat"), ("id", b"cat"), ("data.jpg", jpeg())], "more than once"),
        ([("id", b"\xe4"), ("data.jpg", jpeg())], "not in UTF-8"),
        ([("id", b"x" * 140_000), ("data.jpg", jpeg())], "longer than 128 KiB"),
    ],
)
def test_the_fields_beside_an_image_are_parameters(
    client: TestClient, fields: list[Field], wrong: str
) -> None:
    answer = client.simulate_post("/similarity/add", headers=FORM, body=form(*fields))
    assert wrong in refusal(answer)


def test_a_field_whose_name_cannot_be_read_is_refused(client: TestClient) -> None:
    for path in ("/similarity/add", "/similarity/remove"):
        body = form(("id", b"cat")).replace(b'"id"', b'"\xff"')
        assert client.simulate_post(path, headers=FORM, body=body).status_code == 400


def test_files_of_other_names_are_passed_over(client: TestClient) -> None:
    body = form(("note.txt", b"x"), ("data.jpg", jpeg()))
    answer = client.simulate_post("/similarity/add", headers=FORM, body=body)
    assert answer.json["message"] == "model_unavailable"  # the image has gone all the way


@pytest.mark.parametrize(
    ("path", "field", "wrong"),
    [
        ("/similarity/search", ("num_results", b"0"), "num_results must be"),
        ("/similarity/search", ("max_dist", b"near"), "max_dist must be"),
        ("/similarity/search", ("id", b"cat"), "this call takes num_results, nprob, max_dist"),
        ("/predict/concepts", ("top_k", b"many"), "top_k must be"),
    ],
)
def test_every_call_with_an_image_takes_its_parameters_from_the_form(
    client: TestClient, path: str, field: Field, wrong: str
) -> None:
    body = form(("data.jpg", jpeg()), field)
    assert wrong in refusal(client.simulate_post(path, headers=FORM, body=body))


def test_a_batch_takes_its_parameters_before_its_files(client: TestClient) -> None:
    body = form(("overwrite", b"yes"), ("data.jpg", jpeg()))
    answer = client.simulate_post(BATCH, headers=FORM, body=body)
    assert "overwrite must be" in refusal(answer)
    body = form(("data.jpg", b"no image"), ("overwrite", b"true"))
    lines = client.simulate_post(BATCH, headers=FORM, body=body).text.splitlines()
    assert "send the field overwrite before the files" in lines[-1]
    assert len(lines) == 2


@pytest.mark.parametrize("path", ["/similarity/add", "/similarity/search", "/predict/concepts"])
@pytest.mark.parametrize("kind", ["image/jpeg", "Image/PNG", "image/whatever; q=1"])
def test_a_body_of_an_image_type_is_the_image(client: TestClient, path: str, kind: str) -> None:
    headers = {"Content-Type": kind}
    for body, message in {
        jpeg(): {"/similarity/search": "no index, train first"}.get(path, "model_unavailable"),
        b"no image": {"/similarity/search": "no index, train first"}.get(
            path, "image_reading_error"
        ),
        b"": "data_payload_required",
        bytes((32 << 20) + 1): "image_too_large",
    }.items():
        answer = client.simulate_post(path, headers=headers, body=body)
        assert answer.json["message"] == message


def test_a_body_of_another_type_is_no_image(client: TestClient) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    answer = client.simulate_post("/similarity/add", headers=headers, body=jpeg())
    assert answer.json["message"] == "data_payload_required"


def test_a_body_that_breaks_off_is_no_image(client: TestClient) -> None:
    headers = {"Content-Type": "image/jpeg", "Content-Length": "2000"}
    answer = client.simulate_post("/similarity/add", headers=headers, body=jpeg()[:1000])
    assert "breaks off" in refusal(answer)


def test_no_parameter_is_known_unless_a_responder_says_so(tmp_path: Path) -> None:
    def known(path: str, method: str) -> tuple[str, ...]:
        found = taken(routes[path], method)
        return found.names if found else ()

    routes = {r.path: r.resource for r in create_app(from_environment(data_dir=tmp_path)).routes}
    added = ("id", "image_id", "overwrite", "metadata", "report_similar", "unique")
    assert known("/similarity/add", "POST") == added
    assert known("/similarity/search", "GET")[:2] == ("id", "image_id")
    assert known("/similarity/train", "GET") == known("/metrics", "GET") == ()
