"""An empty key opens nothing, whatever the file of keys says."""

import hashlib
from pathlib import Path

import pytest

from sidecar.errors import KeyRequired, SettingsError
from sidecar.http.guards.api_keys import ApiKeys, draw, read

EMPTY = hashlib.sha256(b"").hexdigest()


def test_a_line_of_an_empty_key_is_refused_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{draw('good', 'read')[1]}\nopen read,write,admin {EMPTY}\n")
    with pytest.raises(SettingsError, match="line 2: the SHA-256 of an empty key"):
        read(file)


def test_such_a_line_that_comes_later_changes_nothing(tmp_path: Path) -> None:
    file, (secret, key) = tmp_path / "keys", draw("good", "read")
    file.write_text(f"{key}\n")
    keys = ApiKeys(file)
    file.write_text(f"{key}\nopen read {EMPTY}\n")
    with pytest.raises(KeyRequired):
        keys.find("")
    assert keys.find(secret) == key
