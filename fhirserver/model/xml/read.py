"""FHIR XML to JSON, while it is parsed: no tree is built. https://hl7.org/fhir/R4/json.html#xml"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat

from fhirserver.kernel import json
from fhirserver.kernel.json import InvalidJson, Json, JsonObject
from fhirserver.model.xml.faults import LIMIT, Fault, InvalidXml
from fhirserver.model.xml.narrative import Capture
from fhirserver.model.xml.tables import FHIR, NUMBERS, XHTML, Kind, Member, Table, resource_table, table_of

MAX_DEPTH = 200
MOST_TAG = 16 * 1024 * 1024
"""Bytes of one tag with its attributes: the time that expat takes, and holds everything up, grows with their square."""
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
    """The resource in an XML document, as JSON. Raises :class:`InvalidXml` with everything that is wrong with the
    document, each with its line and element.

    Document types, and with them all entities, are refused at once; nothing outside the document is ever read.
    Elements may be in any order, as they are in some of the official material: nothing is lost by it.
    What the types do not have (elements, attributes) comes out under its name, and values that do not fit their
    type (a boolean that is neither true nor false) stay text, for validation to report as it does for JSON.
    """
    try:
        utf8 = _utf8(data if isinstance(data, bytes) else data.encode())
    except UnicodeError:
        raise InvalidXml([Fault(0, "the document is not UTF-8")]) from None
    if len(utf8) > MOST_TAG and max(map(len, utf8.split(b"<"))) > MOST_TAG:
        raise InvalidXml([Fault(0, f"a tag has more than {MOST_TAG} bytes")])
    return _Reader(utf8).read()


def _utf8(data: bytes) -> bytes:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16").encode()
    return data.removeprefix(b"\xef\xbb\xbf")


class _Stop(Exception):
    """There is no reading on; the faults say why."""


class _Reader:
    def __init__(self, data: bytes):
        self._data = data
        self._root: JsonObject = {}
        self._top: _Frame | None = None
        self._depth = 0
        self._xhtml: Capture | None = None
        self._skipped = 0  # the depth of the element whose content is passed over; 0 for none
        self._faults: list[Fault] = []
        self._unreadable = False
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
        except _Stop:
            pass
        except expat.ExpatError as error:
            self._faults.append(Fault(error.lineno, "not well-formed"))
            self._unreadable = True
        except (UnicodeError, LookupError):
            self._faults.append(Fault(0, "the document is not UTF-8"))
            self._unreadable = True
        finally:  # or reader and parser would hold each other until the garbage collector runs
            for name in (*self._handlers, "StartDoctypeDeclHandler", "XmlDeclHandler"):
                setattr(self._parser, name, None)
        if self._unreadable:
            raise InvalidXml(self._faults)
        return self._root

    def _wrong(self, problem: str, expression: str = "") -> None:
        """Note a fault and go on."""
        stop = self._refuse(problem, expression)
        if len(self._faults) > LIMIT:
            raise stop

    def _refuse(self, problem: str, expression: str = "") -> _Stop:
        """Note a fault behind which nothing can be said of the document."""
        self._faults.append(Fault(self._parser.CurrentLineNumber, problem, expression))
        self._unreadable = True
        return _Stop()

    def _strange(self, frame: _Frame, name: str, value: Json) -> None:
        """Take what the type does not have under its name: validation will say so, as of a property of JSON."""
        frame.out.setdefault(name, value)
        if len(self._faults) < LIMIT:
            where = f"{frame.path()}.{name[:64]}"
            self._faults.append(Fault(self._parser.CurrentLineNumber, "there is no such element here", where))

    def _skip(self) -> None:
        """Pass over the content of the element that has just begun."""
        self._skipped = self._depth

    def _doctype(self, *declaration: object) -> None:
        raise self._refuse("a document type declaration is not allowed")

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "utf8", "us-ascii", "utf-16"):
            raise self._refuse("the encoding of FHIR XML is UTF-8")

    def _text(self, text: str) -> None:
        if self._xhtml is not None:
            self._xhtml.text(text)
        elif not self._skipped and not text.isspace():
            self._wrong("there is text between the elements", self._top.path() if self._top else "")
            if self._top is not None and self._top.table is not None:
                self._top.filled = True  # wrong enough: not empty, too

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._refuse("the elements are nested too deeply", self._top.path() if self._top else "")
        if self._skipped:
            return
        if self._xhtml is not None:
            self._xhtml.start(tag, attributes)
            return
        frame = self._top
        if frame is None or frame.table is None:
            self._start_resource(frame, tag, attributes)
            return
        member = frame.table.tags.get(tag)
        if member is None:
            self._unknown(frame, frame.table, tag, attributes)
        elif not self._may_stand(frame, member):
            self._skip()
        elif member.kind is Kind.PRIMITIVE:
            self._start_primitive(frame, member, attributes)
        elif member.kind is Kind.XHTML:
            self._xhtml = Capture(self._parser.CurrentByteIndex, self._depth, tag, attributes)
        else:
            self._start_complex(frame, member, attributes)

    def _unknown(self, frame: _Frame, table: Table, tag: str, attributes: dict[str, str]) -> None:
        self._skip()
        frame.filled = True
        namespace, _, name = tag.rpartition(" ")
        if namespace == FHIR and name not in table.order:
            self._strange(frame, name, attributes.get("value", {}))
            return
        where = f"{frame.path()}.{name[:64]}"
        if f"{XHTML} {name}" in table.tags:
            self._wrong("the narrative is not in the namespace of XHTML", where)
        elif namespace == FHIR and name in table.attributes:
            self._wrong(f"{name} is an attribute here, not an element", where)
        elif namespace == FHIR:
            self._wrong(f"there is no such element {name[:64]} here", where)
        else:
            self._wrong("the element is not in the namespace of FHIR", where)

    def _start_resource(self, frame: _Frame | None, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition(" ")
        table = resource_table(name) if namespace == FHIR else None
        if table is None or (frame is not None and frame.filled):
            self._no_resource(frame, namespace, table)
            return
        out: JsonObject = {"resourceType": name}
        if frame is None:
            self._root = out
        else:
            frame.filled = True
            frame.out.update(out)
            out = frame.out
        self._top = _Frame(table, out, frame, None, name)
        self._attributes(self._top, table, attributes)

    def _no_resource(self, frame: _Frame | None, namespace: str, table: Table | None) -> None:
        words = "expected one resource"
        if table is None:
            is_fhir = namespace == FHIR
            words = "not a resource type of R4" if is_fhir else "the element is not in the namespace of FHIR"
        if frame is None:
            raise self._refuse(words)
        frame.filled = True
        self._wrong(words, frame.path())
        self._skip()

    def _may_stand(self, frame: _Frame, member: Member) -> bool:
        """Whether there is room for one more of an element."""
        frame.filled = True
        if member.is_list or (member.json_name not in frame.out and member.sibling not in frame.out):
            return True
        self._wrong(f"{member.json_name} may not repeat", f"{frame.path()}.{member.name}")
        return False

    def _index(self, frame: _Frame, member: Member) -> int:
        """The place in a list, or -1."""
        if not member.is_list:
            return -1
        return max(len(frame.out.get(member.json_name, ())), len(frame.out.get(member.sibling, ())))

    def _start_complex(self, frame: _Frame, member: Member, attributes: dict[str, str]) -> None:
        index = self._index(frame, member)
        out: JsonObject = {}
        if index < 0:
            frame.out[member.json_name] = out
        else:
            frame.out.setdefault(member.json_name, []).append(out)
        table = None if member.kind is Kind.RESOURCE else table_of(member.type)
        self._top = _Frame(table, out, frame, member, member.name, index)
        self._attributes(self._top, table, attributes)

    def _start_primitive(self, frame: _Frame, member: Member, attributes: dict[str, str]) -> None:
        index = self._index(frame, member)
        text = attributes.pop("value", None)
        value = None if text is None else primitive(text, member.type)
        if value is not None:
            _put(frame.out, member.json_name, index, value)
        self._top = _Frame(_ELEMENT, {}, frame, member, member.name, index, value=value)
        if attributes:
            self._attributes(self._top, _ELEMENT, attributes)

    def _attributes(self, frame: _Frame, table: Table | None, attributes: dict[str, str]) -> None:
        known = table.attributes if table else frozenset()
        for name, value in attributes.items():
            if name in known:
                frame.out[name] = value
            elif not name.startswith(_SCHEMA_INSTANCE):
                self._unknown_attribute(frame, table, name, value)

    def _unknown_attribute(self, frame: _Frame, table: Table | None, name: str, value: str) -> None:
        frame.filled = True
        if table is None or " " in name:
            self._wrong(f"unknown attribute on {frame.name}", frame.path())
        elif name in table.order:
            self._wrong(f"{name} is an element here, not an attribute", f"{frame.path()}.{name}")
        else:
            self._strange(frame, name, value)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        if self._skipped:
            self._skipped = self._skipped if self._depth >= self._skipped else 0
            return
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
            self._wrong("the element is empty", frame.path())

    def _end_primitive(self, frame: _Frame, member: Member) -> None:
        sibling, above = frame.out, frame.parent
        if above is None:
            return
        if not sibling and frame.value is None:
            if not frame.filled:
                self._wrong("the element is empty", frame.path())
            return
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
