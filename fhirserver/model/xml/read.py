"""FHIR XML to JSON, while it is parsed: no tree is built. https://hl7.org/fhir/R4/json.html#xml"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat

from fhirserver.kernel import json
from fhirserver.kernel.json import InvalidJson, Json, JsonObject
from fhirserver.model.xml.faults import InvalidXml
from fhirserver.model.xml.narrative import Capture
from fhirserver.model.xml.tables import FHIR, NUMBERS, XHTML, Kind, Member, Table, resource_table, table_of

MAX_DEPTH = 200
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\Z", re.ASCII)
_SCHEMA_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance "
_FHIR_TAG = f"{FHIR} "
_ELEMENT = table_of("Element")


@dataclass(slots=True, eq=False)
class _Frame:
    """An open element. ``out`` collects its members; ``table`` is None where a resource must come.

    ``value`` is the value of a primitive.
    """

    table: Table | None
    out: JsonObject
    parent: _Frame | None
    member: Member | None
    name: str
    index: int = -1
    value: Json = None
    filled: bool = False

    def path(self) -> str:
        """The element as FHIRPath: ``Patient.name[0].given``."""
        own = f"{self.name}[{self.index}]" if self.index >= 0 else self.name
        above = self.parent
        if self.member is None and above is not None:
            return above.path()  # a resource is where its contained or entry.resource is
        return f"{above.path()}.{own}" if above is not None else own


def read_xml(data: bytes | str) -> JsonObject:
    """The resource in an XML document, as JSON. Raises :class:`InvalidXml`, naming line and element.

    Document types, and with them all entities, are refused; nothing outside the document is ever read.
    Elements may be in any order, as they are in some of the official material: nothing is lost by it.
    Values that do not fit their type (a boolean that is neither true nor false) stay text, for validation
    to report.
    """
    try:
        return _Reader(_utf8(data if isinstance(data, bytes) else data.encode())).read()
    except expat.ExpatError as error:
        raise InvalidXml(error.lineno, "not well-formed") from None
    except (UnicodeError, LookupError):
        raise InvalidXml(0, "the document is not UTF-8") from None


def _utf8(data: bytes) -> bytes:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16").encode()
    return data.removeprefix(b"\xef\xbb\xbf")


class _Reader:
    def __init__(self, data: bytes):
        self._data = data
        self._root: JsonObject = {}
        self._top: _Frame | None = None
        self._depth = 0
        self._xhtml: Capture | None = None
        self._parser = parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.XmlDeclHandler = self._declaration
        self._handlers = ("StartElementHandler", "EndElementHandler", "CharacterDataHandler")

    def read(self) -> JsonObject:
        try:
            self._parser.Parse(self._data, True)
        finally:  # or reader and parser would hold each other until the garbage collector runs
            for name in (*self._handlers, "StartDoctypeDeclHandler", "XmlDeclHandler"):
                setattr(self._parser, name, None)
        return self._root

    def _refuse(self, problem: str, expression: str = "") -> InvalidXml:
        return InvalidXml(self._parser.CurrentLineNumber, problem, expression)

    def _doctype(self, *declaration: object) -> None:
        raise self._refuse("a document type declaration is not allowed")

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "utf8", "us-ascii", "utf-16"):
            raise self._refuse("the encoding of FHIR XML is UTF-8")

    def _text(self, text: str) -> None:
        if self._xhtml is not None:
            self._xhtml.text(text)
        elif not text.isspace():
            raise self._refuse("there is text between the elements", self._top.path() if self._top else "")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refuse("the elements are nested too deeply", self._top.path() if self._top else "")
        if self._xhtml is not None:
            self._xhtml.start(tag, attributes)
            return
        frame = self._top
        if frame is None or frame.table is None:
            self._start_resource(frame, tag, attributes)
            return
        member = frame.table.tags.get(tag)
        if member is None:
            raise self._unknown(frame, tag)
        if member.kind is Kind.PRIMITIVE:
            self._start_primitive(frame, member, attributes)
        elif member.kind is Kind.XHTML:
            self._place(frame, member)
            self._xhtml = Capture(self._parser.CurrentByteIndex, self._depth, tag, attributes)
        else:
            self._start_complex(frame, member, attributes)

    def _unknown(self, frame: _Frame, tag: str) -> InvalidXml:
        namespace, _, name = tag.rpartition(" ")
        where = f"{frame.path()}.{name[:64]}"
        tags = frame.table.tags if frame.table else {}
        if f"{_FHIR_TAG}{name}" in tags:
            return self._refuse("the element is not in the namespace of FHIR", where)
        if f"{XHTML} {name}" in tags:
            return self._refuse("the narrative is not in the namespace of XHTML", where)
        if namespace == FHIR and frame.table and name in frame.table.attributes:
            return self._refuse(f"{name} is an attribute here, not an element", where)
        return self._refuse(f"there is no such element {name[:64]} here", where)

    def _start_resource(self, frame: _Frame | None, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        if namespace != FHIR:
            raise self._refuse("the element is not in the namespace of FHIR", frame.path() if frame else "")
        table = resource_table(name)
        if table is None:
            raise self._refuse("not a resource type of R4", frame.path() if frame else "")
        if frame is not None and frame.filled:
            raise self._refuse("expected one resource", frame.path())
        out: JsonObject = {"resourceType": name}
        if frame is None:
            self._root = out
        else:
            frame.filled = True
            frame.out.update(out)
            out = frame.out
        self._top = _Frame(table, out, frame, None, name)
        self._attributes(self._top, attributes)

    def _place(self, frame: _Frame, member: Member) -> int:
        """Check repetition; the index in a list, or -1."""
        frame.filled = True
        if member.is_list:
            out = frame.out
            return max(len(out.get(member.json_name, ())), len(out.get(member.sibling, ())))
        if member.json_name in frame.out or member.sibling in frame.out:
            raise self._refuse(f"{member.json_name} may not repeat", f"{frame.path()}.{member.name}")
        return -1

    def _start_complex(self, frame: _Frame, member: Member, attributes: dict[str, str]) -> None:
        index = self._place(frame, member)
        out: JsonObject = {}
        if index < 0:
            frame.out[member.json_name] = out
        else:
            frame.out.setdefault(member.json_name, []).append(out)
        table = None if member.kind is Kind.RESOURCE else table_of(member.type)
        self._top = _Frame(table, out, frame, member, member.name, index)
        self._attributes(self._top, attributes)

    def _start_primitive(self, frame: _Frame, member: Member, attributes: dict[str, str]) -> None:
        index = self._place(frame, member)
        text = attributes.pop("value", None)
        value = None if text is None else primitive(text, member.type)
        if value is not None:
            _put(frame.out, member.json_name, index, value)
        self._top = _Frame(_ELEMENT, {}, frame, member, member.name, index, value=value)
        if attributes:
            self._attributes(self._top, attributes)

    def _attributes(self, frame: _Frame, attributes: dict[str, str]) -> None:
        known = frame.table.attributes if frame.table else frozenset()
        for name, value in attributes.items():
            if name in known:
                frame.out[name] = value
            elif not name.startswith(_SCHEMA_INSTANCE):
                raise self._refuse(f"unknown attribute on {frame.name}", frame.path())

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if self._xhtml is not None:
            self._end_xhtml(tag)
            return
        frame = self._top
        if frame is None:
            return
        self._top = frame.parent
        if frame.member is not None and frame.member.kind is Kind.PRIMITIVE:
            self._end_primitive(frame, frame.member)
        elif not (frame.filled or frame.out) or (frame.table is None and not frame.filled):
            raise self._refuse("the element is empty", frame.path())

    def _end_primitive(self, frame: _Frame, member: Member) -> None:
        sibling, above = frame.out, frame.parent
        if above is None:
            return
        if not sibling and frame.value is None:
            raise self._refuse("the element is empty", frame.path())
        if sibling:
            _put(above.out, member.sibling, frame.index, sibling)
        if frame.index >= 0:
            for name in (member.json_name, member.sibling):
                if len(above.out.get(name, ())) == frame.index and name in above.out:
                    above.out[name].append(None)

    def _end_xhtml(self, tag: str) -> None:
        capture, frame = self._xhtml, self._top
        if capture is None or frame is None:
            return
        capture.end(tag)
        if self._depth < capture.depth:
            self._xhtml = None
            frame.out["div"] = capture.source(self._data, self._parser.CurrentByteIndex)


def _put(out: JsonObject, name: str, index: int, value: Json) -> None:
    """Set a member, or append to a list what is the ``index``-th of it; nulls stand where nothing was."""
    if index < 0:
        out[name] = value
    else:
        items = out.setdefault(name, [])
        items.extend([None] * (index - len(items)))
        items.append(value)


def primitive(text: str, type_name: str) -> Json:
    """The JSON value of a primitive's text; decimals keep their characters."""
    if type_name == "boolean" and text in ("true", "false"):
        return text == "true"
    if type_name in NUMBERS and _NUMBER.match(text):
        try:
            return json.loads(text)
        except InvalidJson:
            return text
    return text
