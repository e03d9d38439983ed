"""Who may do what: the keys that clients send, held against a file of their hashes.

A key is 256 random bits, so that one round of SHA-256 keeps it secret: there is nothing to guess.
"""

import hashlib
import hmac
import logging
import re
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from sidecar.errors import KeyRequired, SettingsError

log = logging.getLogger(__name__)

SCOPES = ("read", "write", "admin")
PREFIX = "sim_"  # by which scanners for leaked secrets may know one
NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Key:
    """A line of the file: a name for the log, what it opens, and the SHA-256 of the key in hex."""

    name: str
    scopes: frozenset[str]
    sha256: str

    def __str__(self) -> str:
        scopes = ",".join(scope for scope in SCOPES if scope in self.scopes)
        return f"{self.name} {scopes} {self.sha256}"


class ApiKeys:
    """The file, read again whenever it has changed: so keys come and go without a restart."""

    def __init__(self, path: Path) -> None:
        """Raises SettingsError: it can't be read, or a line breaks the rule."""
        self._path = path
        self._lock = threading.Lock()
        self._seen = self._mark()
        self._keys = read(path)

    def find(self, secret: str) -> Key:
        """The key with this secret, in a time that does not tell how nearly it was guessed.

        Raises:
            KeyRequired: there is none.
        """
        self._refresh()
        sha256 = _sha256(secret)
        found = [key for key in self._keys if hmac.compare_digest(key.sha256, sha256)]
        if not found:
            raise KeyRequired("no such key" if secret else "send a key: Authorization: Bearer KEY")
        return found[0]

    def _refresh(self) -> None:
        mark = self._mark()
        with self._lock:
            if mark == self._seen:
                return
            self._seen = mark
            try:
                self._keys = read(self._path)
                log.info("%s has changed: %d keys", self._path, len(self._keys))
            except SettingsError as error:
                log.error("the keys stay as they were: %s", error)

    def _mark(self) -> tuple[int, ...]:
        try:
            state = self._path.stat()
        except OSError:
            return ()
        return state.st_mtime_ns, state.st_size, state.st_ino


def read(path: Path) -> list[Key]:
    """The keys of a file: `NAME SCOPE,SCOPE SHA256` a line; empty ones and those after # are none.

    Raises:
        SettingsError: it can't be read, or a line breaks the rule.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"API_KEYS_FILE={path}: {error}") from error
    found = []
    for number, line in enumerate(lines, 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        name, scopes, sha256 = words if len(words) == 3 else ("", "", "")
        if not (NAME.fullmatch(name) and are_scopes(scopes) and SHA256.fullmatch(sha256)):
            raise SettingsError(
                f"API_KEYS_FILE={path}, line {number}: it is NAME SCOPE,SCOPE SHA256"
            )
        found.append(Key(name, frozenset(scopes.split(",")), sha256))
    return found


def are_scopes(text: str) -> bool:
    """Whether it is some of `read`, `write` and `admin`, with commas between them."""
    return set(text.split(",")) <= set(SCOPES)


def draw(name: str, scopes: str) -> tuple[str, Key]:
    """A new key: its secret, which is kept nowhere, and its line for the file.

    Raises:
        SettingsError: the name or the scopes break their rule.
    """
    if not NAME.fullmatch(name) or not are_scopes(scopes):
        raise SettingsError(
            f"a key has a name of letters, digits and ._- and some of the scopes {','.join(SCOPES)}"
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    return secret, Key(name, frozenset(scopes.split(",")), _sha256(secret))


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
