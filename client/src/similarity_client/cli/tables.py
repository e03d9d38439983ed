"""Texts by key: the first ones in memory, all others in a temporary file, however many they are."""

import sqlite3

IN_MEMORY = 50_000  # some 15 MB


class Table:
    """Texts by key; one thread at a time. The file is gone with the process, however that ends."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._rows = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._rows.execute("CREATE TABLE texts (key TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID")
        self._rows.execute("BEGIN")  # never ended: nothing has to be kept

    def get(self, key: str) -> str | None:
        """Returns the text of a key."""
        if key in self._first or len(self._first) < IN_MEMORY:
            return self._first.get(key)
        found = self._rows.execute("SELECT text FROM texts WHERE key = ?", (_clean(key),))
        row: tuple[str] | None = found.fetchone()
        return None if row is None else row[0]

    def put(self, key: str, text: str) -> None:
        """Sets the text of a key."""
        if key in self._first or len(self._first) < IN_MEMORY:
            self._first[key] = text
            return
        self._rows.execute("REPLACE INTO texts VALUES (?, ?)", (_clean(key), _clean(text)))

    def first(self, key: str, text: str) -> str:
        """Returns the text that a key was first given: this one, where it had none."""
        found = self.get(key)
        if found is None:
            self.put(key, text)
        return text if found in (None, _clean(text)) else found or ""


def _clean(text: str) -> str:
    """Returns a text that can be stored; names of files need not be UTF-8."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
