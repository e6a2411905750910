"""The concepts of a CodeSystem as JSON of any size, one after the other, however they are nested.

The text is cut at its braces and brackets; what lies between is looked into only by the JSON parser, concept by
concept, so memory holds a chunk of the file and the concepts that are open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fhirserver.kernel.json import InvalidJson, JsonObject, loads
from terminology.imports.kind import InvalidSource

_CHUNK = 1 << 20
_NEXT = re.compile(rb'[^{}\[\]"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^{}\[\]"]*+)*+([{}\[\]])', re.DOTALL)
"""Up to the next brace or bracket that is outside of strings."""
_LIST = re.compile(rb'(?<!\\)"concept"\s*:\s*\[\Z')
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_FLAT_LEVELS = 6
_FLAT_BYTES = 1 << 16
_BETWEEN = b" \t\r\n,"
MOST_DEPTH = 10_000
MOST_BYTES = 64 << 20
"""Of one concept, or of all that is beside the concepts."""


def _flat(levels: int) -> re.Pattern[bytes]:
    """The rest of an object behind its first brace, as long as nothing in it is nested deeper."""
    inner = b""
    for _ in range(levels):
        inner = rb"(?:[^{}\[\]\"]++|" + _STRING + (rb"|[{\[]" + inner + rb"[}\]]" if inner else b"") + rb")*+"
    return re.compile(inner + rb"}", re.DOTALL)


_FLAT = _flat(_FLAT_LEVELS)
"""Most concepts are read by this in one go."""


@dataclass(slots=True)
class Open:
    """A resource or concept that is being read: ``text`` is what was read of it, without the concepts inside.

    ``code`` is known while concepts inside are read, where it stands before them; if not, ``inner`` may take theirs.
    """

    depth: int
    text: list[bytes] = field(default_factory=lambda: [b"{"])
    length: int = 0
    code: str = ""
    inner: list[str] = field(default_factory=list)


class Scan:
    """Reads one file. :attr:`header` is the resource without its concepts: what stands before them when the first one
    comes, and all of it once :meth:`concepts` has ended."""

    def __init__(self, path: Path, stream: IO[bytes]):
        self._path, self._stream = path, stream
        self._buffer, self._at, self._line = b"", 0, 1
        self._open: list[Open] = []
        self._depth, self._between, self._ended = 0, False, False
        self.header: JsonObject = {}

    def concepts(self) -> Iterator[tuple[JsonObject, Open, Open | None]]:
        """Each concept, those inside it first, with what was read of it and the concept that it is in.

        Raises :class:`InvalidSource` with the line.
        """
        self._begin()
        while not self._ended:
            text = self._cut()
            if self._between:
                self._go_on(text)
                if not self._between and (flat := self._flat_one()) is not None:
                    yield flat
            elif (found := self._inside(text)) is not None:
                yield found

    def _flat_one(self) -> tuple[JsonObject, Open, Open | None] | None:
        """A concept that has just begun, whole, where it is small and has no others in it."""
        found = _FLAT.match(self._buffer, self._at, self._at + _FLAT_BYTES)
        if self._depth != self._open[-1].depth or found is None or b'"concept"' in (text := found.group()):
            return None
        self._at = found.end()
        self._depth -= 1
        self._open[-1].text.append(text)
        return self._end(self._open[-1])

    @property
    def line(self) -> int:
        """Counted only when it is asked for."""
        return self._line + self._buffer.count(b"\n", 0, self._at)

    def _begin(self) -> None:
        if self._cut().removeprefix(b"\xef\xbb\xbf").strip() != b"{":
            raise self.wrong("not a JSON object")
        self._enter()

    def _cut(self) -> bytes:
        """Up to and with the next brace or bracket."""
        while (found := _NEXT.match(self._buffer, self._at)) is None:
            more = self._stream.read(max(_CHUNK, len(self._buffer) - self._at))
            if not more:
                self._at = len(self._buffer)
                raise self.wrong("it ends in the middle" if self._open else "not a JSON object")
            self._line = self.line
            self._buffer, self._at = self._buffer[self._at :] + more, 0
            if len(self._buffer) > MOST_BYTES + 2 * _CHUNK:
                raise self.wrong("a text has no end")
        self._at = found.end()
        return found.group()

    def _enter(self) -> None:
        self._depth += 1
        self._between = False
        if len(self._open) > MOST_DEPTH:
            raise self.wrong(f"concepts are nested more than {MOST_DEPTH} deep")
        self._open.append(Open(self._depth))

    def _go_on(self, text: bytes) -> None:
        """Between two concepts of a list: another, or the end of the list."""
        if text[:-1].strip(_BETWEEN) or text[-1:] not in b"{]":
            raise self.wrong("not a list of concepts")
        if text[-1:] == b"{":
            return self._enter()
        self._depth -= 1
        self._between = False
        return self._open[-1].text.append(b"]")

    def _inside(self, text: bytes) -> tuple[JsonObject, Open, Open | None] | None:
        """Inside a concept (or the resource): the concept, where this is its end."""
        top = self._open[-1]
        top.text.append(text)
        top.length += len(text)
        if top.length > MOST_BYTES:
            raise self.wrong("a concept, or the resource without its concepts, is too big")
        if text[-1:] in b"{[":
            self._depth += 1
            if self._depth == top.depth + 1 and _LIST.search(text):
                self._begin_list(top)
            return None
        self._depth -= 1
        return self._end(top) if self._depth < top.depth else None

    def _begin_list(self, top: Open) -> None:
        """What stands before the list is read at once: those in it are told the code they are in."""
        self._between = True
        before = self._read(top, b"]}")
        if len(self._open) == 1:
            self.header = before
        elif isinstance(before.get("code"), str):
            top.code = before["code"]

    def _end(self, top: Open) -> tuple[JsonObject, Open, Open | None] | None:
        self._open.pop()
        read = self._read(top)
        if not self._open:
            self.header, self._ended = read, True
            return None
        self._between = True
        return read, top, self._open[-1] if len(self._open) > 1 else None

    def _read(self, one: Open, ending: bytes = b"") -> JsonObject:
        try:
            read: JsonObject = loads(b"".join(one.text) + ending)
        except InvalidJson as error:
            raise self.wrong(f"not JSON: {str(error).partition(' (byte')[0]}") from None
        read.pop("concept", None)
        return read

    def wrong(self, why: str) -> InvalidSource:
        return InvalidSource(self._path, why, self.line)
