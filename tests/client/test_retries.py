"""When a call is sent again, against a server that answers as a script says."""

import time
import warnings
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from similarity_client import (
    NewerService,
    Retries,
    ServiceAway,
    Similarity,
    SimilarityError,
    errors,
)
from similarity_client.retry import LONGEST_WAIT_S, seconds_of

from local.ports import free_ports
from tests.client.peer import DROPPED, Answer, Asked, error, in_turn, ok, peer
from tests.support.calls import jpeg

QUICK = Retries(first_s=0.01, longest_s=0.02)
BUSY = error(503, "too_busy")
LOST = Answer(DROPPED)
ADDED = ok(id="cat")


def client(url: str, retries: Retries = QUICK) -> Similarity:
    return Similarity(url, retries=retries, check_version=False)


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_what_passes_by_itself_is_tried_again(status: int) -> None:
    script = in_turn(error(status, "some_word"), Answer(status, b"<html>"), ADDED)
    with peer(script) as served, client(served.url) as similarity:
        added = similarity.add(jpeg(), "cat")
        assert added.meta.attempts == len(served.asked) == 3
        assert len(served.ids) == 1  # all attempts have one id in the service's log


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422, 500, 507])
def test_what_does_not_pass_is_not_tried_again(status: int) -> None:
    with peer(in_turn(error(status, "wrong_arguments_format"))) as served:
        with client(served.url) as similarity, pytest.raises(errors.WrongArgumentsFormat) as raised:
            similarity.add(jpeg(), "cat")
        assert raised.value.status == status
        assert len(served.asked) == 1


def test_a_lost_connection_is_tried_again_with_the_same_id() -> None:
    """So the second attempt can't add the image twice; the service says that it has it."""
    same = error(409, "duplicate_image_id", identical=True)
    with peer(in_turn(LOST, same)) as served, client(served.url) as similarity:
        added = similarity.add(jpeg())
        queries = [parse_qs(urlsplit(each.path).query) for each in served.asked]
    assert queries[0] == queries[1] == {"id": [added.id]}
    assert [each.body for each in served.asked] == [jpeg(), jpeg()]
    assert added.identical


def test_another_image_of_the_id_is_an_error() -> None:
    other = error(409, "duplicate_image_id", identical=False)
    with peer(in_turn(other)) as served, client(served.url) as similarity:
        with pytest.raises(errors.DuplicateImageId):
            similarity.add(jpeg(), "cat")
        assert len(served.asked) == 1


def test_after_four_more_attempts_it_is_an_error() -> None:
    with peer(in_turn(BUSY)) as served, client(served.url) as similarity:
        with pytest.raises(errors.TooBusy, match="too_busy: a sentence") as raised:
            similarity.stats()
        assert len(served.asked) == 5
        assert raised.value.status == 503
        assert raised.value.request_id in served.ids
    with peer(in_turn(LOST)) as served, client(served.url) as similarity:
        with pytest.raises(ServiceAway, match="no answer in 5 attempts"):
            similarity.stats()
        assert len(served.asked) == 5


def test_a_service_that_is_not_there_is_away() -> None:
    with (
        client(f"http://127.0.0.1:{free_ports(1)[0]}") as similarity,
        pytest.raises(ServiceAway, match="ConnectError") as raised,
    ):
        similarity.stats()
    assert raised.value.status is None


def test_a_service_that_says_nothing_is_away_after_the_timeout() -> None:
    def slow(_: Asked) -> Answer:
        time.sleep(0.5)
        return LOST

    with peer(slow) as served, client(served.url, Retries(count=0)) as similarity:
        with pytest.raises(ServiceAway, match="no answer in 1 attempt"):
            similarity.stats(timeout=0.05)
        assert len(served.asked) == 1


def test_retry_after_is_waited_for() -> None:
    script = in_turn(error(429, "rate_limited", {"Retry-After": "1"}), ok(name=None, scopes=[]))
    with peer(script) as served, client(served.url) as similarity:
        began = time.monotonic()
        assert similarity.me().meta.attempts == 2
        assert time.monotonic() - began >= 1  # no earlier, however late


def test_a_retry_after_of_an_hour_is_for_the_caller() -> None:
    limited = error(429, "rate_limited", {"Retry-After": "3600"})
    with peer(in_turn(limited)) as served, client(served.url) as similarity:
        with pytest.raises(errors.RateLimited):
            similarity.me()
        assert len(served.asked) == 1


@given(st.integers(1, 10), st.floats(0, LONGEST_WAIT_S) | st.none())
def test_pauses_grow_and_are_cut_by_chance(attempt: int, retry_after: float | None) -> None:
    pause = Retries().pause_s(attempt, retry_after)
    if attempt > 4:
        assert pause is None
        return
    longest = 0.5 * 16 ** ((attempt - 1) / 3)
    assert pause is not None
    if retry_after is None:
        assert 0.5 * longest <= pause <= longest
    else:
        assert retry_after <= pause <= retry_after + 1


@given(st.text())
def test_any_retry_after_is_read(text: str) -> None:
    found = seconds_of(text)
    assert found is None or found >= 0


def test_a_retry_after_may_be_a_date() -> None:
    found = seconds_of(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    assert found is not None
    assert 0 < found <= 60
    assert seconds_of("-1") is None
    assert seconds_of(None) is None


def test_a_removal_whose_answer_was_lost_is_done() -> None:
    gone = error(404, "unknown_image_id")
    with peer(in_turn(LOST, gone)) as served, client(served.url) as similarity:
        assert similarity.remove("cat").meta.attempts == 2
    with (
        peer(in_turn(BUSY, gone)) as served,
        client(served.url) as similarity,
        pytest.raises(errors.UnknownImageId),
    ):
        similarity.remove("cat")  # the first attempt surely did nothing


@pytest.mark.parametrize("call", ["rollback", "cancel_upgrade"])
@pytest.mark.parametrize("lost", [LOST, Answer(502, b""), Answer(504, b"")])
def test_what_would_be_undone_by_a_second_attempt_is_sent_once(call: str, lost: Answer) -> None:
    with peer(in_turn(lost)) as served, client(served.url) as similarity:
        with pytest.raises(SimilarityError):
            getattr(similarity, call)()
        assert len(served.asked) == 1
    done = ok(task_id="1", message="rolling back")
    with peer(in_turn(BUSY, done)) as served, client(served.url) as similarity:
        getattr(similarity, call)()
        assert len(served.asked) == 2


def test_a_word_that_is_not_known_is_the_base() -> None:
    with peer(in_turn(error(418, "teapot"))) as served, client(served.url) as similarity:
        with pytest.raises(SimilarityError) as raised:
            similarity.stats()
        assert type(raised.value) is SimilarityError
        assert (raised.value.word, raised.value.status) == ("teapot", 418)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"", b"\xff", b'{"message": 3}'])
def test_an_answer_that_is_none_of_this_service_is_an_error(body: bytes) -> None:
    for status in (200, 302, 403):
        with peer(in_turn(Answer(status, body))) as served, client(served.url) as similarity:
            for call in (similarity.stats, similarity.models, similarity.ready):
                with pytest.raises(SimilarityError):
                    call()


def test_the_key_is_sent_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    script = in_turn(ok(name=None, scopes=[]))
    with peer(script) as served:
        monkeypatch.setenv("SIMILARITY_URL", f"{served.url}/behind/")
        monkeypatch.setenv("SIMILARITY_KEY", "s3cret")
        with Similarity(check_version=False) as similarity:
            similarity.me()
        with Similarity(key="other", check_version=False) as similarity:
            similarity.me()
            assert "other" not in repr(similarity.settings)
    first, second = served.asked
    assert first.path == "/behind/similarity/me"
    assert first.headers["authorization"] == "Bearer s3cret"
    assert first.headers["user-agent"].startswith("similarity-client/")
    assert second.headers["authorization"] == "Bearer other"


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="SIMILARITY_URL"):
        Similarity("localhost:5000")
    with pytest.raises(ValueError, match="SIMILARITY_KEY"):
        Similarity(key="a\nb")


@pytest.mark.parametrize(
    ("release", "api", "newer"),
    [("0.2.0", 1, True), ("0.1.9", 1, False), ("0.1.0", 2, True), ("0", 1, False)],
)
def test_a_newer_service_gives_one_warning(release: str, api: int, newer: bool) -> None:
    def script(asked: Asked) -> Answer:
        if asked.path == "/similarity/version":
            return ok(version=release, api=api, model=None, features={})
        return ok(name=None, scopes=[])

    with (
        peer(script) as served,
        Similarity(served.url) as similarity,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        similarity.me()
        similarity.me()
    assert [each.category for each in caught] == [NewerService] * newer
    assert len(served.asked) == 3


def test_a_service_without_a_version_gives_none() -> None:
    def script(asked: Asked) -> Answer:
        if asked.path == "/similarity/version":
            return error(404, "unknown_path")
        return ok(name=None, scopes=[])

    with peer(script) as served, Similarity(served.url) as similarity:
        assert similarity.me().scopes == ()
