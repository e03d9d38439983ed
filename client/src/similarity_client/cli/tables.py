"""Texts by key that lie in a temporary file, not in memory, however many there are."""

import sqlite3


class Table:
    """Texts by key; one thread at a time. The file is gone with the process, however that ends."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._rows.execute("CREATE TABLE texts (key TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID")
        self._rows.execute("BEGIN")  # never ended: nothing has to be kept

    def get(self, key: str) -> str | None:
        """Returns the text of a key."""
        found = self._rows.execute("SELECT text FROM texts WHERE key = ?", (_clean(key),))
        row: tuple[str] | None = found.fetchone()
        return None if row is None else row[0]

    def put(self, key: str, text: str) -> None:
        """Sets the text of a key."""
        self._rows.execute("REPLACE INTO texts VALUES (?, ?)", (_clean(key), _clean(text)))

    def first(self, key: str, text: str) -> str:
        """Returns the text that a key was first given: this one, where it had none."""
        row = _clean(key), _clean(text)
        done = self._rows.execute("INSERT OR IGNORE INTO texts VALUES (?, ?)", row)
        return row[1] if done.rowcount else self.get(key) or ""


def _clean(text: str) -> str:
    """Returns a text that can be stored; names of files need not be UTF-8."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
