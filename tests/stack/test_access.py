"""Who is let in: keys and their scopes, how many at once, and how long a request may take."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from redis import Redis
from redis.exceptions import RedisError

from local.ports import free_ports
from local.stack import ROOT, Stack
from sidecar.errors import KeyRequired, SettingsError
from sidecar.http.guards import api_keys as keys
from sidecar.http.guards.api_keys import ApiKeys, Key
from tests.conftest import Trained
from tests.support.calls import failure, jpeg, noise

THREADS = 8
MOST = 7  # an eighth of them is kept for refusals
TIMEOUT_S = 4


class Guarded(NamedTuple):
    """A stack that asks for keys, and three of them by their scope."""

    stack: Stack
    file: Path
    secrets: dict[str, str]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, trained: Trained) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    drawn = {scope: keys.draw(f"{scope}-only", scope) for scope in keys.SCOPES}
    file = folder / "keys"
    file.write_text("# ours\n\n" + "".join(f"{key}\n" for _, key in drawn.values()))
    settings = {
        "API_KEYS_FILE": str(file),
        "HTTP_PROCESSES": "1",
        "HTTP_THREADS": str(THREADS),
        "REQUEST_TIMEOUT_S": str(TIMEOUT_S),
        "LOG_FORMAT": "json",
        "REDIS_URL": f"redis://:se%2Fcret@127.0.0.1:{free_ports(1)[0]}/0",
    }
    (folder / "data").mkdir()
    with trained(folder / "data", **settings) as stack:
        yield Guarded(stack, file, {scope: secret for scope, (secret, _) in drawn.items()})


def ask(guarded: Guarded, method: str, path: str, scope: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {guarded.secrets[scope]}"}
    return guarded.stack.call(method, path, headers=headers)


CALLS = {
    ("GET", "/similarity/stats"): "read",
    ("GET", "/metrics"): "read",
    ("POST", "/similarity/search"): "read",
    ("POST", "/similarity/search_batch"): "read",
    ("POST", "/similarity/recommend"): "read",
    ("POST", "/similarity/compare"): "read",
    ("GET", "/similarity/explain"): "read",
    ("POST", "/similarity/explain"): "read",
    ("POST", "/predict/concepts"): "read",
    ("POST", "/predict/features"): "read",
    ("GET", "/similarity/images/nobody"): "read",
    ("DELETE", "/similarity/images/nobody"): "write",
    ("GET", "/similarity/images/nobody/metadata"): "read",
    ("PUT", "/similarity/images/nobody/metadata"): "write",
    ("PATCH", "/similarity/images/nobody/metadata"): "write",
    ("POST", "/similarity/add"): "write",
    ("POST", "/similarity/add_batch"): "write",
    ("POST", "/similarity/remove?id=nobody"): "write",
    ("POST", "/similarity/images/check"): "read",
    ("POST", "/similarity/remove_batch"): "write",
    ("GET", "/similarity/duplicates"): "read",
    ("POST", "/similarity/duplicates"): "write",
    ("GET", "/similarity/duplicates.ndjson"): "read",
    ("POST", "/similarity/duplicates/decisions"): "write",
    ("GET", "/similarity/train"): "admin",
    ("POST", "/similarity/update"): "admin",
    ("POST", "/similarity/upgrade?version=9"): "admin",
    ("GET", "/similarity/upgrade/estimate?version=9"): "admin",
    ("GET", "/similarity/upgrade/preview?version=9"): "admin",
    ("POST", "/similarity/upgrade/cancel"): "admin",
    ("POST", "/similarity/rollback"): "admin",
    ("POST", "/similarity/retire?version=9"): "admin",
    ("POST", "/similarity/keywords/fill"): "admin",
    ("GET", "/similarity/keywords"): "read",
    ("POST", "/similarity/tasks/none/cancel"): "admin",
}


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_each_call_wants_the_key_of_its_scope(guarded: Guarded, method: str, path: str) -> None:
    let_in = []
    for scope in keys.SCOPES:
        response = ask(guarded, method, path, scope)
        if response.status_code != 403:
            let_in.append(scope)
            assert response.status_code != 401
        else:
            assert failure(response) == (403, "scope_missing")
    assert let_in == [CALLS[method, path]]
    none = guarded.stack.call(method, path)
    assert failure(none) == (401, "key_required")
    assert none.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("query", ["unique=same", "report_similar=1"])
def test_an_add_that_shows_what_is_stored_wants_to_read_it_too(
    guarded: Guarded, query: str
) -> None:
    secret, key = keys.draw("both", "read,write")
    with guarded.file.open("a") as file:
        file.write(f"{key}\n")
    path, photo = f"/similarity/add?id=both-{query[:6]}&{query}", noise(41)
    for each, status in ((guarded.secrets["write"], 403), (secret, 200)):
        answer = guarded.stack.post(path, photo, headers={"Authorization": f"Bearer {each}"})
        assert answer.status_code == status, answer.text
        guarded.stack.call(
            "DELETE",
            f"/similarity/images/both-{query[:6]}",
            headers={"Authorization": f"Bearer {secret}"},
        )


def test_every_key_may_ask_what_serves_and_who_it_is(guarded: Guarded) -> None:
    for scope in keys.SCOPES:
        me = ask(guarded, "GET", "/similarity/me", scope).json()
        assert me == {"status": "ok", "name": f"{scope}-only", "scopes": [scope]}
        version = ask(guarded, "GET", "/similarity/version", scope).json()
        assert version["features"]["keys"] is True
    for path in ("/similarity/me", "/similarity/version"):
        assert failure(guarded.stack.get(path)) == (401, "key_required")


def test_redis_wants_its_password(guarded: Guarded) -> None:
    url = guarded.stack.env["REDIS_URL"]
    assert guarded.stack.get("/health/ready").json()["parts"]["queue"] == "ok"
    with Redis.from_url(url.replace(":se%2Fcret@", "")) as stranger, pytest.raises(RedisError):
        stranger.ping()


def test_health_and_the_document_of_the_calls_are_open_to_all(guarded: Guarded) -> None:
    assert guarded.stack.get("/health/live").ok
    assert guarded.stack.get("/health/ready").ok
    assert guarded.stack.get("/openapi.json").json()["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic bm9ib2R5Om5vdGhpbmc="},
        {"X-API-Key": "\xff\xfe"},
    ],
)
def test_a_wrong_key_opens_nothing(guarded: Guarded, headers: dict[str, str]) -> None:
    assert failure(guarded.stack.get("/similarity/stats", headers=headers))[0] == 401


def test_a_key_may_come_as_x_api_key(guarded: Guarded) -> None:
    headers = {"X-API-Key": guarded.secrets["read"]}
    assert guarded.stack.get("/similarity/stats", headers=headers).ok


def test_a_refused_upload_is_answered_all_the_same(guarded: Guarded) -> None:
    """On one connection: the refused body must be out of the next request's way."""

    url = f"{guarded.stack.url}/similarity/add"

    def thrice() -> bool:
        with requests.Session() as session:
            try:
                for _ in range(3):
                    files = {"data": bytes(2 << 20)}
                    answer = session.post(url, files=files, timeout=60)
                    assert failure(answer) == (401, "key_required")
            except requests.ConnectionError:  # on a busy machine a kept one is closed meanwhile
                return False
        return True

    assert any(thrice() for _ in range(5))


def test_no_key_is_in_the_log_but_its_name_is(guarded: Guarded) -> None:
    for scope, secret in guarded.secrets.items():
        ask(guarded, "GET", f"/similarity/stats?key={secret}", scope)
        guarded.stack.get("/similarity/stats", headers={"X-API-Key": secret})
    log = guarded.stack.log("sidecar")
    assert '"key": "read-only"' in log
    assert not any(secret in log for secret in guarded.secrets.values())


def test_keys_come_and_go_without_a_restart(guarded: Guarded) -> None:
    secret, key = keys.draw("late", "read")
    headers = {"X-API-Key": secret}
    before = guarded.file.read_text()
    guarded.file.write_text(f"{before}{key}\n")
    assert guarded.stack.get("/similarity/stats", headers=headers).ok
    guarded.file.write_text("nonsense\n")  # does not take the others' keys away
    assert guarded.stack.get("/similarity/stats", headers=headers).ok
    guarded.file.write_text(before)
    assert guarded.stack.get("/similarity/stats", headers=headers).status_code == 401


def test_the_command_draws_a_key_that_its_line_knows(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sidecar", "key", "shop", "read,write"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (tmp_path / "keys").write_text(done.stdout)
    [secret] = re.findall(r"this once: (\S+)", done.stderr)
    assert secret not in done.stdout
    assert len(secret) > 40
    found = ApiKeys(tmp_path / "keys").find(secret)
    assert (found.name, found.scopes) == ("shop", frozenset(("read", "write")))


@pytest.mark.parametrize("words", [("shop", "rule"), ("two words", "read"), ("shop", "")])
def test_a_key_with_a_wrong_name_or_scope_is_not_drawn(words: tuple[str, str]) -> None:
    command = [sys.executable, "-m", "sidecar", "key", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)


@pytest.mark.parametrize(
    "text",
    ["shop read", "shop read,rule " + "0" * 64, "shop read " + "0" * 63, "a/b read " + "0" * 64],
)
def test_a_file_with_a_wrong_line_is_refused_by_its_number(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").write_text(f"# first\n{text}\n")
    with pytest.raises(SettingsError, match="line 2"):
        keys.read(tmp_path / "keys")


def test_a_missing_file_ends_the_start_with_a_line(tmp_path: Path) -> None:
    stack = Stack(tmp_path, API_KEYS_FILE=str(tmp_path / "none"))
    stack.start("sidecar")
    stack.wait(lambda: stack.ended("sidecar"), "it has ended")
    [line] = stack.log("sidecar").splitlines()
    assert line.startswith("API_KEYS_FILE=")


def test_a_key_is_found_among_many(tmp_path: Path) -> None:
    drawn = [keys.draw(f"client-{number}", "read") for number in range(50)]
    (tmp_path / "keys").write_text("".join(f"{key}\n" for _, key in drawn))
    known = ApiKeys(tmp_path / "keys")
    assert [known.find(secret).name for secret, _ in drawn] == [key.name for _, key in drawn]
    assert known.find(drawn[3][0]) == Key("client-3", frozenset({"read"}), drawn[3][1].sha256)
    with pytest.raises(KeyRequired):
        known.find(drawn[3][1].sha256)  # the file itself opens nothing


@contextmanager
def slow_uploads(guarded: Guarded, number: int) -> Iterator[list[socket.socket]]:
    """Requests whose body has yet to come."""
    head = (
        "POST /similarity/search HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {guarded.secrets['read']}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000\r\n\r\n--b\r\n"
    )
    opened = []
    try:
        for _ in range(number):
            opened.append(socket.create_connection(("127.0.0.1", int(guarded.stack.env["PORT"]))))
            opened[-1].sendall(head.encode())
        yield opened
    finally:
        for each in opened:
            each.close()


@contextmanager
def full(guarded: Guarded) -> Iterator[None]:
    """As many searches in flight as may be: they wait for a Triton that hangs."""
    guarded.stack.send_all("triton", signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(MOST) as pool:
            headers = {"X-API-Key": guarded.secrets["read"]}
            for _ in range(MOST):
                pool.submit(guarded.stack.post, "/similarity/search", jpeg(), headers=headers)
            guarded.stack.wait(
                lambda: guarded.stack.get("/nowhere").status_code == 503, "it is full"
            )
            yield
            guarded.stack.send_all("triton", signal.SIGCONT)
    finally:
        guarded.stack.send_all("triton", signal.SIGCONT)


def test_requests_beyond_the_limit_get_a_time_to_come_again(guarded: Guarded) -> None:
    with full(guarded):
        refused = guarded.stack.get("/similarity/stats")
        assert failure(refused) == (503, "too_busy")
        assert int(refused.headers["Retry-After"]) > 0
        assert guarded.stack.get("/health/live").ok
    guarded.stack.wait(
        lambda: ask(guarded, "GET", "/similarity/stats", "read").ok, "there is room again"
    )


def test_a_request_that_does_not_arrive_is_given_up(guarded: Guarded) -> None:
    with slow_uploads(guarded, 2) as (silent, trickling):
        trickling.settimeout(0.2)
        answers = {silent: b"", trickling: b""}
        deadline = time.monotonic() + 120
        while not answers[trickling].endswith(b"}") and time.monotonic() < deadline:
            try:
                trickling.sendall(b"x")
                answers[trickling] += trickling.recv(65_536)
            except OSError:
                continue
        while not answers[silent].endswith(b"}") and (more := silent.recv(65_536)):
            answers[silent] += more
    for answer in answers.values():
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"request_timeout" in answer


def test_headers_that_never_end_are_given_up(guarded: Guarded) -> None:
    with socket.create_connection(("127.0.0.1", int(guarded.stack.env["PORT"]))) as slow:
        slow.settimeout(60)
        slow.sendall(b"GET /similarity/stats HTTP/1.1\r\nHost: local")
        assert slow.recv(1024) == b""  # closed by the server


@pytest.mark.long
def test_a_batch_may_take_longer_than_that(guarded: Guarded) -> None:
    def slowly() -> Iterator[bytes]:
        yield b"--b\r\nContent-Disposition: form-data; name=data; filename=slow.jpg\r\n\r\n"
        body = jpeg((7, 7, 7))
        for part in range(4):
            time.sleep(TIMEOUT_S / 3)
            yield body[part * len(body) // 4 : (part + 1) * len(body) // 4]
            time.sleep(TIMEOUT_S / 3)
        yield b"\r\n--b--\r\n"

    headers = {
        "Authorization": f"Bearer {guarded.secrets['write']}",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    path = "/similarity/add_batch"
    response = guarded.stack.call("POST", path, data=slowly(), headers=headers)
    assert response.json() == {"status": "ok", "id": "slow", "name": "slow.jpg"}


def test_many_more_clients_than_threads_are_all_answered(guarded: Guarded) -> None:
    def search(_: int) -> int:
        headers = {"X-API-Key": guarded.secrets["read"]}
        return guarded.stack.post("/similarity/search", jpeg(), headers=headers).status_code

    with ThreadPoolExecutor(64) as pool:
        seen = set(pool.map(search, range(256)))
    assert seen <= {200, 503}
    assert 200 in seen
    assert guarded.stack.get("/health/live").ok


def test_answers_tell_browsers_to_keep_their_hands_off(guarded: Guarded) -> None:
    for response in (
        ask(guarded, "GET", "/similarity/stats", "read"),
        guarded.stack.get("/nowhere"),
    ):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["Referrer-Policy"] == "no-referrer"


def test_who_watches_is_let_in_when_nobody_else_is(guarded: Guarded) -> None:
    with full(guarded):
        assert ask(guarded, "GET", "/metrics", "read").ok
        assert "parts" in guarded.stack.get("/health/ready").json()


@pytest.mark.long
def test_a_triton_that_hangs_hides_neither_health_nor_metrics(guarded: Guarded) -> None:
    guarded.stack.send_all("triton", signal.SIGSTOP)
    try:
        ready = guarded.stack.get("/health/ready").json()["parts"]
        page = ask(guarded, "GET", "/metrics", "read").text
    finally:
        guarded.stack.send_all("triton", signal.SIGCONT)
    # The second where a round of the warm-up has met the silence before this request.
    assert ready.pop("triton") in ("no answer within 3 s", "model_unavailable")
    assert ready == {"catalogue": "ok", "queue": "ok"}
    assert 'similarity_part_up{part="triton"} 0.0' in page
    assert 'similarity_model_info{precision="fp32"' in page
