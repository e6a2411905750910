"""XML to a tree of elements. Document type declarations, and with them all entities, are refused."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

FHIR = "http://hl7.org/fhir"
XHTML = "http://www.w3.org/1999/xhtml"
MAX_DEPTH = 200
_END_TAG = re.compile(rb"</(?:[^\s:>]+:)?([^\s:>]+)\s*>")


class InvalidXml(ValueError):
    """The text is not FHIR XML. The message names the line and elements and holds no content."""


@dataclass(slots=True)
class Element:
    """An element with its namespace; ``raw`` is the source text of an XHTML element."""

    namespace: str
    name: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)
    raw: str = ""


def parse_xml(data: bytes | str) -> Element:
    """The root element. Raises :class:`InvalidXml`; nothing outside the document is ever read."""
    try:
        return _Builder(data if isinstance(data, bytes) else data.encode()).build()
    except expat.ExpatError as error:
        raise InvalidXml(f"line {error.lineno}: not well-formed") from None
    except (UnicodeError, LookupError):
        raise InvalidXml("the character encoding is not supported") from None


def _utf8(data: bytes) -> bytes:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16").encode()
    return data.removeprefix(b"\xef\xbb\xbf")


class _Builder:
    def __init__(self, data: bytes):
        self._data = _utf8(data)
        self._open: list[Element] = []
        self._root: Element | None = None
        self._xhtml: tuple[int, int] | None = None
        self._parser = parser = expat.ParserCreate("utf-8", " ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype

    def build(self) -> Element:
        self._parser.Parse(self._data, True)
        if self._root is None:
            raise InvalidXml("the document is empty")
        return self._root

    def _refuse(self, message: str) -> InvalidXml:
        return InvalidXml(f"line {self._parser.CurrentLineNumber}: {message}")

    def _doctype(self, *declaration: object) -> None:
        raise self._refuse("a document type declaration is not allowed")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        if len(self._open) >= MAX_DEPTH:
            raise self._refuse("the elements are nested too deeply")
        element = Element(namespace, name, attributes, self._parser.CurrentLineNumber)
        if self._xhtml is None:
            if self._open:
                self._open[-1].children.append(element)
            elif self._root is None:
                self._root = element
            if namespace == XHTML:
                self._xhtml = (self._parser.CurrentByteIndex, len(self._open))
        self._open.append(element)

    def _end(self, tag: str) -> None:
        element = self._open.pop()
        if self._xhtml is not None and self._xhtml[1] == len(self._open):
            element.raw = self._source(self._xhtml[0], self._parser.CurrentByteIndex, element.name)
            self._xhtml = None

    def _source(self, start: int, end: int, name: str) -> str:
        """The source of an element; ``end`` is where its end tag begins, or what follows an empty one."""
        tag = _END_TAG.match(self._data, end)
        closed = tag.end() if tag is not None and tag[1].decode() == name else end
        return self._data[start:closed].decode()

    def _text(self, text: str) -> None:
        if self._xhtml is None and text.strip():
            raise self._refuse("there is text between the elements")
