"""The file of API keys: each line opens what it says, a broken one is named, no other key works."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.errors import KeyRequired, SettingsError
from sidecar.http.guards import api_keys as keys
from sidecar.http.guards.api_keys import SCOPES, ApiKeys, Key
from sidecar.http.guards.rate import Rate

NAMES = st.text("abcXYZ0189._-", min_size=1, max_size=64)
SCOPE_SETS = st.lists(st.sampled_from(SCOPES), min_size=1, unique=True)
REMARKS = st.sampled_from(["", "  ", "# a remark", "\t# read write", "\n"])
SECRETS = st.text(st.characters(max_codepoint=255), max_size=60)  # as a header brings them


RATES = st.sampled_from(["", "rate=10", "rate=0.5/20", "rate=100000/1"])


@given(st.lists(st.tuples(NAMES, SCOPE_SETS, RATES, REMARKS), max_size=5), SECRETS)
def test_each_drawn_key_is_found_by_its_secret_alone(
    wanted: list[tuple[str, list[str], str, str]], other: str
) -> None:
    drawn = [
        (*keys.draw(name, ",".join(scopes), rate), remark) for name, scopes, rate, remark in wanted
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "keys"
        file.write_text("".join(f"{key}{remark}\n" for _, key, remark in drawn))
        known = ApiKeys(file)
        for (secret, key, _), (name, scopes, rate, _) in zip(drawn, wanted, strict=True):
            assert known.find(secret) == key
            assert key.rate == (Rate.read(rate) if rate else None)
            assert (key.name, sorted(key.scopes)) == (name, sorted(scopes))
            assert secret not in file.read_text()
            for near in (secret[:-1], secret + "A", secret.swapcase(), other, key.sha256):
                with pytest.raises(KeyRequired):
                    known.find(near)


LINES = st.lists(st.text("ab, #0f\treadwritmn", max_size=12) | st.text(max_size=12), max_size=4)


@given(LINES, st.integers(0, 4))
@example(["a read " + "0" * 64, "a read,nothing " + "0" * 64], 0)
@example(["a read " + "0" * 63], 0)
@example(["a  " + "0" * 64], 0)
@example(["a read " + "0" * 64 + " rate=0"], 0)
@example(["a read " + "0" * 64 + " rate=1 rate=2"], 0)
@example(["a read " + "0" * 64 + " rate=1 # slowly"], 0)
def test_a_line_is_a_key_or_nothing_or_named(lines: list[str], where: int) -> None:
    lines = [line for line in lines if line.splitlines() in ([], [line])]
    lines.insert(where, f"good read,write {'ab' * 32}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "keys"
        file.write_text("\n".join(lines), newline="\n")
        try:
            found = keys.read(file)
        except SettingsError as error:
            assert str(file) in str(error)
            number = int(str(error).split("line ")[1].split(":")[0])
            assert lines[number - 1].strip()[:1] != "#"
            assert "good" not in lines[number - 1]
        else:
            assert Key("good", frozenset({"read", "write"}), "ab" * 32) in found
            assert all(key.scopes <= set(SCOPES) for key in found)
            written = [line.split("#")[0] for line in lines]
            assert len(found) == sum(bool(line.split()) for line in written)


@given(
    st.text(max_size=70),
    st.text(max_size=12) | SCOPE_SETS.map(",".join),
    RATES | st.text("rate=/.0123456789", max_size=12),
)
@example("a", "read", "rate=0")
def test_a_key_that_is_drawn_can_be_read_back(name: str, scopes: str, rate: str) -> None:
    try:
        _, key = keys.draw(name, scopes, rate)
    except SettingsError:
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "keys"
        file.write_text(f"{key}\n")
        assert keys.read(file) == [key]
