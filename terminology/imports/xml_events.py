"""XML read piece by piece, so that a file of any size takes the memory of its deepest element."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from terminology.imports.kind import InvalidSource
from terminology.imports.sources import Sources

_PIECE = 1 << 16
_DEEPEST = 64


@dataclass(slots=True)
class Element:
    """``text`` is there when the element ends; ``line`` is where it begins."""

    tag: str
    attributes: dict[str, str]
    line: int
    text: str = ""
    ended: bool = False
    parts: list[str] = field(default_factory=list)


def elements(sources: Sources, name: str) -> Iterator[Element]:
    """Each element twice: as it begins, and when it has ended (then with its text). Document types may not define
    entities. Raises :class:`InvalidSource` with the line where the file is no XML, or is cut off."""
    reader = _Reader(sources.place(name))
    with sources.open(name) as file:
        while piece := _piece(file, sources.place(name)):
            yield from reader.feed(piece)
    yield from reader.feed(b"", True)


def _piece(file: BinaryIO, place: str) -> bytes:
    try:
        return file.read(_PIECE)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InvalidSource(place, f"the zip is damaged: {error}") from None


class _Reader:
    def __init__(self, place: str):
        self._place = place
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = self._entity
        self._open: list[Element] = []
        self._events: list[Element] = []

    def feed(self, piece: bytes, last: bool = False) -> list[Element]:
        try:
            self._parser.Parse(piece, last)
        except expat.ExpatError as error:
            why = expat.ErrorString(error.code)
            raise InvalidSource(self._place, f"it is no XML, or is cut off ({why})", error.lineno) from None
        events, self._events = self._events, []
        return events

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _DEEPEST:
            raise InvalidSource(
                self._place, "elements are too deep in each other", self._parser.CurrentLineNumber
            )
        element = Element(tag, attributes, self._parser.CurrentLineNumber)
        self._open.append(element)
        self._events.append(element)

    def _end(self, tag: str) -> None:
        element = self._open.pop()
        text = " ".join("".join(element.parts).split())
        self._events.append(Element(tag, element.attributes, element.line, text, True))

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].parts.append(text)

    def _entity(self, *_: object) -> None:
        raise InvalidSource(self._place, "it defines entities", self._parser.CurrentLineNumber)
