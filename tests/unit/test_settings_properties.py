"""Settings out of the environment: each within its range, or named; no secret is ever shown."""

from typing import Any, get_args

import pytest
from annotated_types import Ge, Gt, Le
from hypothesis import given
from hypothesis import strategies as st

from sidecar.errors import SettingsError
from sidecar.settings import SECRET, Settings, from_environment

FIELDS = Settings.model_fields
NUMBERS = [name for name, field in FIELDS.items() if field.annotation in (int, float)]
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20
)
NEEDED = {"milvus": {"milvus_uri": "http://milvus:19530"}}  # by a choice


def read(**given: str) -> Settings:
    """The settings where the environment has these, and no others."""
    with pytest.MonkeyPatch.context() as patched:
        for name in FIELDS:
            patched.delenv(name.upper(), raising=False)
        for name, value in given.items():
            patched.setenv(name.upper(), value)
        return from_environment()


def bound(name: str, kind: Any) -> float | None:
    """What a number's own rule says of one end of its range."""
    found = [rule for rule in FIELDS[name].metadata if isinstance(rule, kind)]
    return getattr(found[0], kind.__name__.lower()) if found else None


@st.composite
def wild_numbers(draw: st.DrawFn) -> dict[str, float]:
    names = draw(st.sets(st.sampled_from(NUMBERS), min_size=1, max_size=4))
    whole = st.integers(-2, 70_000) | st.integers(-(2**63), 2**63)
    any_float = whole | st.floats(allow_nan=False, allow_infinity=False)
    return {n: draw(whole if FIELDS[n].annotation is int else any_float) for n in sorted(names)}


@given(wild_numbers())
def test_a_number_is_taken_within_its_range_and_named_beyond(given: dict[str, float]) -> None:
    wrong = []
    for name, value in given.items():
        least, above, most = (bound(name, kind) for kind in (Ge, Gt, Le))
        fits = (least is None or value >= least) and (above is None or value > above)
        if not fits or (most is not None and value > most):
            wrong.append(name)
    texts = {name: str(value) for name, value in given.items()}
    if not wrong:
        settings = read(**texts)
        assert {name: getattr(settings, name) for name in given} == given
        return
    with pytest.raises(SettingsError) as refused:
        read(**texts)
    named = [line.split("=")[0].lower() for line in str(refused.value).splitlines()]
    assert sorted(named) == sorted(wrong)


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)), TEXTS, max_size=5))
def test_whatever_stands_in_the_environment_is_read_or_named(given: dict[str, str]) -> None:
    try:
        settings = read(**given)
    except SettingsError as error:
        assert any(str(error).startswith(name.upper()) for name in given)
    else:
        for name, value in given.items():
            if FIELDS[name].annotation is str and value:
                assert getattr(settings, name) == value


@given(st.text("abcXYZ019", min_size=6, max_size=12), st.sampled_from(SECRET))
def test_a_wrong_setting_that_may_hold_a_password_is_not_shown(word: str, name: str) -> None:
    try:
        read(**{name: f"{word}://user:{word}@host", "port": "none"})
    except SettingsError as error:
        assert "PORT='none'" in str(error)
        assert word not in str(error)


def test_every_choice_is_taken() -> None:
    for name, field in FIELDS.items():
        for choice in get_args(field.annotation):
            if isinstance(choice, str):
                assert getattr(read(**{name: choice, **NEEDED.get(choice, {})}), name) == choice
