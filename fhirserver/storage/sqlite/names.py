"""Names as small numbers: resource types, and whatever else repeats in every row."""

from __future__ import annotations

import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS name (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
"""


class Names:
    """Numbers for names, kept in the database, remembered here. One per connection."""

    def __init__(self, connection: sqlite3.Connection):
        self._connection = connection
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def find(self, name: str) -> int:
        """The number of a name, or 0 where nothing was ever stored under it."""
        known = self._ids.get(name)
        if known is not None:
            return known
        row = self._connection.execute("SELECT id FROM name WHERE name = ?", (name,)).fetchone()
        return self._remember(row[0], name) if row else 0

    def number(self, name: str) -> int:
        """The number of a name, given now where it has none. Only for the writer."""
        known = self._ids.get(name) or self.find(name)
        if known:
            return known
        cursor = self._connection.execute("INSERT INTO name (name) VALUES (?)", (name,))
        return int(cursor.lastrowid or 0)

    def name(self, number: int) -> str:
        """The name of a number."""
        known = self._names.get(number)
        if known is None:
            row = self._connection.execute("SELECT name FROM name WHERE id = ?", (number,)).fetchone()
            known = str(row[0])
            self._remember(number, known)
        return known

    def starting(self, prefix: str) -> list[tuple[str, int]]:
        """The names that begin with ``prefix``, and their numbers."""
        found = self._connection.execute(
            "SELECT name, id FROM name WHERE name >= ? AND name < ?", (prefix, prefix + "\U0010ffff")
        )
        return [(row[0], row[1]) for row in found]

    def _remember(self, number: int, name: str) -> int:
        self._ids[name] = number
        self._names[number] = name
        return number
