"""JSON as somebody wrote it: what is wrong with it, and where. https://hl7.org/fhir/R4/json.html

``kernel.json`` reads fast and stops at the first fault; this reads what it refused, to say all that is wrong.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from fhirserver.kernel.json import InvalidJson, Json, loads, loads_unique
from fhirserver.kernel.outcomes import Issue
from fhirserver.model.validation.unknown import step

_SPACE = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"')
_WORD = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
_TYPE = re.compile(r'"resourceType"\s*:\s*"([A-Z][A-Za-z]{1,63})"')
MAX_DEPTH = 200


class _Stop(Exception):
    """The text cannot be followed any further."""


def read_json(data: bytes, allow_comments: bool = False) -> tuple[Json, list[Issue]]:
    """The value and the faults of JSON text; the value is None where there are faults.

    ``expression`` of a fault is the path to where it is, its text names line and column. Comments are faults
    unless ``allow_comments``.
    """
    try:
        return loads_unique(data), []
    except InvalidJson as error:
        first = str(error)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None, [Issue("invalid", "the text is not UTF-8")]
    reader = _Reader(text, allow_comments)
    faults = reader.read()
    if faults:
        return None, faults
    try:
        return loads(reader.without_comments()), []
    except InvalidJson:
        return None, [Issue("invalid", first)]


class _Reader:
    """Follows JSON text, notes what is wrong, and goes on where it can be told what was meant."""

    def __init__(self, text: str, allow_comments: bool):
        self._text = text
        self._allow_comments = allow_comments
        self._at = 0
        self._faults: list[Issue] = []
        self._path: list[str] = []
        self._comments: list[tuple[int, int]] = []
        found = _TYPE.search(text)
        self._type = found[1] if found else ""

    def read(self) -> list[Issue]:
        try:
            self._space()
            self._value(0)
            self._space()
            if self._at < len(self._text):
                self._fault("there is more after the end of the JSON")
        except _Stop:
            pass
        return [replace(fault, expression=self._whole(fault.expression)) for fault in self._faults]

    def _whole(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """A path with the type of the resource before it, where that is known."""
        return (".".join([self._type, *path]),) if self._type else path

    def without_comments(self) -> str:
        """The text with a space for each comment."""
        parts, last = [], 0
        for start, end in self._comments:
            parts += [self._text[last:start], " "]
            last = end
        return "".join([*parts, self._text[last:]])

    def _fault(self, words: str) -> None:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - (self._text.rfind("\n", 0, self._at) + 1) + 1
        path = "".join(self._path).removeprefix(".")
        self._faults.append(
            Issue("invalid", f"{words} (line {line}, column {column})", (path,) if path else ())
        )
        if len(self._faults) > 100:
            raise _Stop

    def _stop(self, words: str) -> _Stop:
        self._fault(words)
        return _Stop()

    def _space(self) -> None:
        while True:
            self._at = _match_end(_SPACE, self._text, self._at)
            comment = _COMMENT.match(self._text, self._at)
            if comment is None:
                return
            if not self._allow_comments:
                self._fault("comments are not allowed in JSON")
            self._comments.append(comment.span())
            self._at = comment.end()

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _value(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._stop("the JSON is nested too deeply")
        start = self._next()
        if start == "{":
            self._members(depth)
        elif start == "[":
            self._items(depth)
        elif start == '"':
            self._string()
        else:
            end = _match_end(_WORD, self._text, self._at)
            if end == self._at:
                raise self._stop("expected a value")
            self._at = end

    def _string(self) -> str:
        found = _STRING.match(self._text, self._at)
        if found is None:
            raise self._stop("a string is not closed, or holds a control character or an unknown escape")
        self._at = found.end()
        text: str = json.loads(found[0])
        return text

    def _items(self, depth: int) -> None:
        self._at += 1
        self._space()
        count = 0
        while self._next() != "]":
            self._path.append(f"[{count}]")
            self._value(depth + 1)
            self._path.pop()
            count += 1
            self._separator("]", "list")
        self._at += 1

    def _members(self, depth: int) -> None:
        self._at += 1
        self._space()
        seen: set[str] = set()
        while self._next() != "}":
            if self._next() != '"':
                raise self._stop("expected the name of a member")
            self._member(seen, depth)
            self._separator("}", "object")
        self._at += 1

    def _member(self, seen: set[str], depth: int) -> None:
        name = self._string()
        known_as = step(name)
        self._path.append(f".{known_as}" if known_as else "")
        if name in seen:
            self._fault("the object has this member twice")
        seen.add(name)
        self._space()
        if self._next() != ":":
            raise self._stop("expected a colon")
        self._at += 1
        self._space()
        self._value(depth + 1)
        self._path.pop()

    def _separator(self, closing: str, kind: str) -> None:
        """What stands after an item: a comma and another one, or the end."""
        self._space()
        if self._next() == ",":
            self._at += 1
            self._space()
            if self._next() == closing:
                self._fault(f"there is a comma after the last item of the {kind}")
        elif self._next() != closing:
            if self._next() not in ('"', "{", "["):
                raise self._stop(f"expected a comma or the end of the {kind}")
            self._fault("a comma is missing")


def _match_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
