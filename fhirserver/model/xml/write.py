"""FHIR JSON to XML. https://hl7.org/fhir/R4/xml.html"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from html.entities import html5

from fhirserver.kernel.json import DecimalText, Json, JsonObject
from fhirserver.model.xml.faults import NotInXml
from fhirserver.model.xml.tables import FHIR, Kind, Member, Table, resource_table, table_of

_MARKUP = re.compile(r'[&<>"\t\n\r]')
_ESCAPES = {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord('"'): "&quot;",
    ord("\t"): "&#9;",  # a parser would make spaces of these three in an attribute
    ord("\n"): "&#10;",
    ord("\r"): "&#13;",
}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_ELEMENT = table_of("Element")
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

Out = Callable[[str], None]


def write_xml(resource: JsonObject, pretty: bool = False) -> bytes:
    """The XML document of a valid resource, UTF-8, elements in the order of the definitions.

    ``pretty`` gives each its own indented line; a narrative stays as it is, as white space may matter
    there. Raises :class:`NotInXml` for what is no R4 resource, and for characters that XML does not have.
    """
    parts: list[str] = []
    try:
        _resource(parts.append, resource, f' xmlns="{FHIR}"')
        text = _DECLARATION + ("\n".join(_indented(parts)) if pretty else "".join(parts))
    except (KeyError, TypeError, AttributeError):
        raise NotInXml("The content is not an R4 resource") from None
    if _NOT_XML.search(text):
        raise NotInXml("The content has a character that XML does not have")
    return text.encode()


def _indented(parts: Iterable[str]) -> Iterator[str]:
    """Every part is one tag, or a whole narrative."""
    depth = 0
    for part in parts:
        depth -= part.startswith("</")
        yield "  " * depth + part
        depth += not (part.startswith(("</", "<div")) or part.endswith("/>"))


def _resource(out: Out, resource: JsonObject, namespace: str = "") -> None:
    name = resource["resourceType"]
    table = resource_table(name)
    if table is None:
        raise NotInXml("The content is not an R4 resource")
    out(f"<{name}{namespace}>")
    _members(out, resource, table)
    out(f"</{name}>")


def _members(out: Out, value: JsonObject, table: Table) -> None:
    order, members = table.order, table.members
    for name in sorted(value, key=order.__getitem__):
        member = members.get(name)
        if member is None:
            _sibling_alone(out, value, name, table)
        elif member.kind is Kind.PRIMITIVE:
            _primitive(out, member, value[name], value.get(member.sibling))
        elif member.kind is not Kind.ATTRIBUTE:
            _others(out, member, value[name])


def _sibling_alone(out: Out, value: JsonObject, name: str, table: Table) -> None:
    """A primitive that has only an id or extensions. One with a value is written where its value is."""
    if name != "resourceType" and name[1:] not in value:
        member = table.members[name[1:]]
        if member.kind is not Kind.PRIMITIVE:
            raise KeyError(name)
        _primitive(out, member, [None] * len(value[name]) if member.is_list else None, value[name])


def _primitive(out: Out, member: Member, value: Json, sibling: Json) -> None:
    if not member.is_list:
        _one(out, member.json_name, value, sibling)
        return
    siblings = sibling or ()
    for number in range(max(len(value), len(siblings))):
        one = value[number] if number < len(value) else None
        _one(out, member.json_name, one, siblings[number] if number < len(siblings) else None)


def _one(out: Out, name: str, value: Json, sibling: JsonObject | None) -> None:
    text = "" if value is None else f' value="{_text(value)}"'
    if sibling is None:
        out(f"<{name}{text}/>")
        return
    id = f' id="{_text(sibling["id"])}"' if "id" in sibling else ""
    out(f"<{name}{id}{text}>")
    _members(out, sibling, _ELEMENT)
    out(f"</{name}>")


def _text(value: Json) -> str:
    """A primitive's text as it stands in an attribute."""
    if isinstance(value, str):
        return value.translate(_ESCAPES) if _MARKUP.search(value) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, DecimalText):
        return value.text
    if isinstance(value, dict | list):
        raise TypeError("not a primitive")
    return str(value)


def _others(out: Out, member: Member, value: Json) -> None:
    if member.kind is Kind.XHTML:
        out(_well_formed(value))
        return
    for item in value if member.is_list else (value,):
        if member.kind is Kind.RESOURCE:
            out(f"<{member.json_name}>")
            _resource(out, item)
        else:
            table = table_of(member.type)
            out(f"<{member.json_name}{_attributes(item, table)}>")
            _members(out, item, table)
        out(f"</{member.json_name}>")


def _attributes(value: JsonObject, table: Table) -> str:
    id = f' id="{_text(value["id"])}"' if "id" in value else ""
    if "url" in value and "url" in table.attributes:
        return f'{id} url="{_text(value["url"])}"'
    return id


def _well_formed(div: str) -> str:
    """XHTML with the named entities of HTML as characters: in XML they would have to be declared."""
    return _ENTITY.sub(_character, div) if "&" in div else div


def _character(match: re.Match[str]) -> str:
    return match[0] if match[1] in _XML_ENTITIES else html5.get(f"{match[1]};", match[0])
