"""Parameters of a query are numbers within their bounds, or refused."""

import math
from urllib.parse import quote

import falcon
import pytest
from falcon import testing
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.errors import WrongArguments
from sidecar.http.reading.params import flag, number, whole_number

TEXTS = st.text(max_size=12) | st.integers().map(str) | st.floats().map(str)


def request(text: str) -> falcon.Request:
    return testing.create_req(query_string=f"given={quote(text, safe='')}")


@given(TEXTS, st.integers(1, 1000))
@example("9" * 5000, 1000)
@example("0", 1000)
@example("1001", 1000)
def test_a_whole_number_is_within_its_bounds_or_refused(text: str, most: int) -> None:
    try:
        value = whole_number(request(text), "given", most, 1)
    except WrongArguments as error:
        assert "given" in str(error)
        assert not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= most)
    else:
        assert 1 <= value <= most
        assert value == int(text)


@given(TEXTS)
@example("nan")
@example("-0.0000001")
def test_a_number_is_at_least_zero_or_refused(text: str) -> None:
    try:
        value = number(request(text), "given", 0.5)
    except WrongArguments as error:
        assert "given" in str(error)
    else:
        assert value >= 0
        assert value == float(text)


@given(st.floats(min_value=0) | st.just(math.inf))
def test_every_distance_may_be_asked_for(most: float) -> None:
    assert number(request(str(most)), "given", 0.0) == most


@given(TEXTS | st.sampled_from(["true", "false", "True", "1", "0"]))
def test_a_flag_is_true_or_false_or_refused(text: str) -> None:
    if text in ("true", "false", "1", "0"):
        assert flag(request(text), "given") == (text in ("true", "1"))
    else:
        with pytest.raises(WrongArguments, match="given"):
            flag(request(text), "given")
