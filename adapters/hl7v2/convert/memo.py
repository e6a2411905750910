"""What data types were made into, kept for the next message that says the same.

Doctors, units, codes and payers come again and again, so that a data type map need not be run for each of them. What
is kept is a text of a message beside the JSON made of it, packed: nobody who was handed a copy can change it. It stays
in the memory of this process, within :data:`MOST` and :data:`LONGEST`.
"""

from __future__ import annotations

from collections.abc import Callable
from marshal import dumps, loads
from typing import Any, NamedTuple

MOST = 4096
"""Entries of a generation; twice as many are kept at most, for each sender's ways and set of separators."""

LONGEST = 512
"""Characters of a text that is kept."""


class Group(NamedTuple):
    """One object that a data type became: its number, its finished JSON, whether there is anything in it (also where
    nothing of it is finished), and the top elements that were filled, in order."""

    number: int
    packed: bytes
    has_content: bool
    origin: tuple[str, ...]


class Entry(NamedTuple):
    """``issues`` are what and the source of each."""

    groups: tuple[Group, ...]
    issues: tuple[tuple[str, str], ...]


Key = tuple[object, str]
"""The row or data type map, and the text."""


class Memo:
    """Entries by key. The least recently used half goes when there are too many: a generation at a time, which costs
    nothing when an entry is read."""

    __slots__ = ("_most", "_old", "_seen", "_young")

    def __init__(self, most: int = MOST):
        self._most = most
        self._young: dict[Key, Entry] = {}
        self._old: dict[Key, Entry] = {}
        self._seen: set[int] = set()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: Key) -> Entry | None:
        found = self._young.get(key)
        if found is None and (found := self._old.pop(key, None)) is not None:
            self.put(key, found)
        return found

    def admits(self, key: Key) -> bool:
        """Whether to keep it: what comes for the first time, such as a patient's number, may never come again."""
        if len(key[1]) > LONGEST:
            return False
        mark = hash(key)
        if mark in self._seen:
            return True
        if len(self._seen) >= self._most * 2:
            self._seen.clear()
        self._seen.add(mark)
        return False

    def put(self, key: Key, entry: Entry) -> None:
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        self._young[key] = entry


def packed(json: Any) -> bytes | None:
    """None for what cannot be packed: a decimal with its digits."""
    try:
        return dumps(json)
    except ValueError:
        return None


class Settled:
    """An object that a data type map has filled and that nothing was added to since.

    It is finished JSON already. ``opened`` makes it again what it was under construction, for a row that completes it.
    """

    __slots__ = ("_again", "_json", "group")

    def __init__(self, group: Group, json: Any, again: Callable[[int], Any]):
        self.group, self._json, self._again = group, json, again

    @property
    def has_content(self) -> bool:
        """Whether there is anything in it, also where nothing of it is finished."""
        return self.group.has_content

    def opened(self) -> Any:
        return self._again(self.group.number)

    def json(self) -> Any:
        """The JSON, which is the caller's own; None for nothing."""
        made = self._json
        if made is None:
            return loads(self.group.packed)  # noqa: S302 -- bytes that packed() made in this process
        self._json = None
        return made
