"""The grammar of ``_filter``: text to a tree that knows where in the text each part stands.

https://hl7.org/fhir/R4/search_filter.html ``and`` binds more tightly than ``or``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from fhirserver.kernel.json import InvalidJson, loads

OPERATORS: Final = frozenset(
    [
        "eq",
        "ne",
        "co",
        "sw",
        "ew",
        "gt",
        "lt",
        "ge",
        "le",
        "ap",
        "sa",
        "eb",
        "pr",
        "po",
        "ss",
        "sb",
        "in",
        "ni",
        "re",
    ]
)

_NAME = re.compile(r"[A-Za-z0-9_\-:]+")
_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[A-Za-z]+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BARE = re.compile(r"[^\s()\[\]]+")
_DEPTH: Final = 20
_LENGTH: Final = 4000


@dataclass(frozen=True, slots=True)
class Step:
    """A parameter, and what the resource that it refers to must fulfil before the next step."""

    name: str
    at: int
    inner: Node | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """``path operator value``; ``quoted``: the value was written as a string."""

    path: tuple[Step, ...]
    operator: str
    value: str
    quoted: bool
    at: int


@dataclass(frozen=True, slots=True)
class Both:
    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    of: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    of: Node


Node: TypeAlias = Comparison | Both | Either | Negation


def wrong(expected: str, at: int) -> ValueError:
    """What was expected at a place of the text, counted from 1."""
    return ValueError(f"expected {expected} at character {at + 1}")


def parse_filter(text: str) -> Node:
    """The tree of a filter. Raises :class:`ValueError` that names the place of what is wrong."""
    if len(text) > _LENGTH:
        raise ValueError(f"expected at most {_LENGTH} characters")
    reading = _Reading(text)
    found = reading.alternatives(0)
    if reading.at < len(text):
        raise wrong("and, or, or the end", reading.at)
    return found


class _Reading:
    """A recursive descent; ``at`` never stands on white space."""

    def __init__(self, text: str):
        self._text = text
        self.at = 0
        self._skip()

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self.at)
        self.at = match.end() if match else self.at

    def _take(self, pattern: re.Pattern[str], expected: str) -> str:
        match = pattern.match(self._text, self.at)
        if match is None:
            raise wrong(expected, self.at)
        self.at = match.end()
        return match[0]

    def _took(self, symbol: str) -> bool:
        if not self._text.startswith(symbol, self.at):
            return False
        self.at += len(symbol)
        self._skip()
        return True

    def _took_word(self, word: str) -> bool:
        match = _WORD.match(self._text, self.at)
        if match is None or match[0].lower() != word:
            return False
        self.at = match.end()
        self._skip()
        return True

    def _expect(self, symbol: str) -> None:
        if not self._took(symbol):
            raise wrong(symbol, self.at)

    def alternatives(self, depth: int) -> Node:
        found = [self._together(depth)]
        while self._took_word("or"):
            found.append(self._together(depth))
        return found[0] if len(found) == 1 else Either(tuple(found))

    def _together(self, depth: int) -> Node:
        found = [self._one(depth)]
        while self._took_word("and"):
            found.append(self._one(depth))
        return found[0] if len(found) == 1 else Both(tuple(found))

    def _one(self, depth: int) -> Node:
        if depth > _DEPTH:
            raise wrong("fewer parentheses", self.at)
        if self._took("("):
            return self._closed(depth)
        start = self.at
        if self._took_word("not"):
            if self._took("("):
                return Negation(self._closed(depth))
            self.at = start
        return self._comparison(depth)

    def _closed(self, depth: int) -> Node:
        found = self.alternatives(depth + 1)
        self._expect(")")
        return found

    def _comparison(self, depth: int) -> Comparison:
        path = self._path(depth)
        self._skip()
        at = self.at
        operator = self._take(_WORD, "an operator such as eq").lower()
        if operator not in OPERATORS:
            raise wrong(f"one of {', '.join(sorted(OPERATORS))}", at)
        self._skip()
        at = self.at
        quoted = self._text.startswith('"', at)
        value = self._string() if quoted else self._take(_BARE, "a value")
        self._skip()
        return Comparison(path, operator, value, quoted, at)

    def _path(self, depth: int) -> tuple[Step, ...]:
        steps: list[Step] = []
        while True:
            at = self.at
            name = self._take(_NAME, "a search parameter")
            inner = None
            if self._took("["):
                inner = self.alternatives(depth + 1)
                self._expect("]")
                if not self._text.startswith(".", self.at):
                    raise wrong("a dot and a search parameter", self.at)
            steps.append(Step(name, at, inner))
            if not self._took("."):
                return tuple(steps)

    def _string(self) -> str:
        at = self.at
        text = self._take(_STRING, "a string that ends with a quotation mark")
        try:
            value = loads(text.encode())
        except (InvalidJson, UnicodeEncodeError):
            raise wrong("a JSON string", at) from None
        return str(value)
