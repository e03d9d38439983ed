"""Finds the keys that clients send in a file of their hashes, which says what each key opens.

A key is 256 random bits, so one round of SHA-256 keeps it secret: there is nothing to guess.
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
from sidecar.http.guards.rate import Rate

log = logging.getLogger(__name__)

READ, WRITE, ADMIN = SCOPES = ("read", "write", "admin")
PREFIX = "sim_"  # lets scanners for leaked secrets recognise a key
NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}")
EMPTY = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Key:
    """A key is a line of the file: a name for the log, its scopes, its SHA-256 in hex, and how much
    it may send, where that has a limit."""

    name: str
    scopes: frozenset[str]
    sha256: str
    rate: Rate | None = None

    def __str__(self) -> str:
        scopes = ",".join(scope for scope in SCOPES if scope in self.scopes)
        return f"{self.name} {scopes} {self.sha256}{f' {self.rate}' if self.rate else ''}"


class ApiKeys:
    """Holds the keys of the file, and reads it again when it has changed: no restart is needed."""

    def __init__(self, path: Path) -> None:
        """Reads the file. Raises SettingsError: it can't be read, or a line breaks the rule."""
        self._path = path
        self._lock = threading.Lock()
        self._seen = self._state()
        self._keys = read(path)

    def find(self, secret: str) -> Key:
        """Returns the key with this secret, in a time that does not show how near a guess came.

        Raises:
            KeyRequired: no key has this secret.
        """
        self._refresh()
        sha256 = _sha256(secret)
        found = [key for key in self._keys if hmac.compare_digest(key.sha256, sha256)]
        if not found:
            raise KeyRequired("unknown key" if secret else "send a key: Authorization: Bearer KEY")
        return found[0]

    def _refresh(self) -> None:
        state = self._state()
        with self._lock:
            if state == self._seen:
                return
            self._seen = state
            try:
                self._keys = read(self._path)
                log.info("read API_KEYS_FILE=%s again: %d keys", self._path, len(self._keys))
            except SettingsError as error:
                log.error("the keys read before stay valid: %s", error)

    def _state(self) -> tuple[int, ...]:
        """Returns what differs when the file has changed; nothing where there is no file."""
        try:
            stat = self._path.stat()
        except OSError:
            return ()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


def read(path: Path) -> list[Key]:
    """Returns the keys of a file: a line is `NAME SCOPE,SCOPE SHA256`, perhaps with `rate=10/20`
    at its end, or empty; # begins a comment.

    Raises:
        SettingsError: it can't be read, a line breaks the rule, or is of an empty key.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"API_KEYS_FILE={path}: {error}") from error
    found = []
    for number, line in enumerate(lines, 1):
        words = line.split("#")[0].split()
        try:
            found += [_key(words)] if words else []
        except SettingsError as error:
            raise SettingsError(f"API_KEYS_FILE={path}, line {number}: {error}") from error
    return found


def _key(words: list[str]) -> Key:
    """Returns the key of a line. Raises SettingsError: the line breaks the rule."""
    name, scopes, sha256 = words[:3] if len(words) in (3, 4) else ("", "", "")
    if not (NAME.fullmatch(name) and are_scopes(scopes) and SHA256.fullmatch(sha256)):
        raise SettingsError("must be NAME SCOPE,SCOPE SHA256, and may end with rate=RATE/BURST")
    if sha256 == EMPTY:  # as `printf "$UNSET" | sha256sum` makes it
        raise SettingsError("the SHA-256 of an empty key, which would let everybody in")
    rate = Rate.read(words[3]) if words[3:] else None
    return Key(name, frozenset(scopes.split(",")), sha256, rate)


def are_scopes(text: str) -> bool:
    """Returns whether a text is one or more of `read,write,admin`, with commas between them."""
    return set(text.split(",")) <= set(SCOPES)


def draw(name: str, scopes: str, rate: str = "") -> tuple[str, Key]:
    """Draws a new key: returns its secret, which is kept nowhere, and its line for the file.

    Args:
        rate: as `rate=10/20`; empty is without a limit.
    Raises:
        SettingsError: the name, the scopes or the rate break their rule.
    """
    if not NAME.fullmatch(name) or not are_scopes(scopes):
        raise SettingsError(
            "NAME must be 1 to 64 letters, digits and ._-, "
            f"and SCOPES one or more of {','.join(SCOPES)}"
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    limit = Rate.read(rate) if rate else None
    return secret, Key(name, frozenset(scopes.split(",")), _sha256(secret), limit)


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
