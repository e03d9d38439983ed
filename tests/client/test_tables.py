"""Texts by key, in memory and beyond."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from similarity_client.cli import tables

NAMES = st.text("ab\udcff", max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["put", "first"]), NAMES, NAMES)))
def test_a_table_is_a_dictionary_wherever_its_texts_lie(
    monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, str, str]]
) -> None:
    monkeypatch.setattr(tables, "IN_MEMORY", 2)
    table, wanted = tables.Table(), dict[str, str]()
    for step, key, text in steps:
        if step == "put":
            table.put(key, text)
            wanted[key] = text
        else:
            assert shown(table.first(key, text)) == shown(wanted.setdefault(key, text))
        assert {name: shown(table.get(name)) for name in wanted} == {
            name: shown(kept) for name, kept in wanted.items()
        }
        assert table.get("c") is None


def shown(text: str | None) -> str | None:
    """A text as it is shown: what is not UTF-8 may have changed its form."""
    return None if text is None else tables._clean(text)
