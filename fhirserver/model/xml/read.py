"""An element tree to FHIR JSON. https://hl7.org/fhir/R4/json.html#xml"""

from __future__ import annotations

import re

from fhirserver.kernel import json
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.definitions import ElementDef, TypeDef, definitions
from fhirserver.model.xml.document import FHIR, XHTML, Element, InvalidXml, parse_xml

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\Z", re.ASCII)
_INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt"})


def read_xml(data: bytes | str) -> JsonObject:
    """The resource in an XML document, as JSON. Raises :class:`InvalidXml`, naming line and element.

    Values that do not fit their type (a boolean that is neither true nor false) stay text, for validation
    to report.
    """
    return _resource(parse_xml(data))


def _resource(element: Element) -> JsonObject:
    if element.namespace != FHIR:
        raise InvalidXml(f"line {element.line}: the element is not in the namespace of FHIR")
    found = definitions().type(element.name)
    if found is None or found.kind != "resource" or found.abstract:
        raise InvalidXml(f"line {element.line}: not a resource type of R4")
    return {"resourceType": element.name, **_object(element, found)}


def _object(element: Element, type_def: TypeDef) -> JsonObject:
    """The members of a complex element, attributes first."""
    out: JsonObject = {}
    for name, value in element.attributes.items():
        known = type_def.elements.get(name)
        if known is not None and (known.xml_attribute or name == "id"):
            out[name] = value
        elif not name.startswith("http://www.w3.org/"):
            raise InvalidXml(f"line {element.line}: unknown attribute on {element.name}")
    for child in element.children:
        _add(out, child, _element_def(child, type_def))
    return out


def _element_def(child: Element, type_def: TypeDef) -> ElementDef:
    known = type_def.elements.get(child.name)
    if known is None or known.xml_attribute or child.namespace != (XHTML if known.type == "xhtml" else FHIR):
        raise InvalidXml(f"line {child.line}: {type_def.name} has no such element here")
    return known


def _add(out: JsonObject, child: Element, known: ElementDef) -> None:
    found = definitions().type(known.type)
    if known.type == "xhtml":
        out[known.json_name] = child.raw
    elif known.type == "Resource":
        _put(out, known, _contained(child))
    elif found is not None and found.kind == "primitive-type":
        _put_primitive(out, known, child)
    elif found is not None:
        _put(out, known, _object(child, found))


def _contained(child: Element) -> JsonObject:
    if len(child.children) != 1:
        raise InvalidXml(f"line {child.line}: expected one resource")
    return _resource(child.children[0])


def _put(out: JsonObject, known: ElementDef, value: Json) -> None:
    name = known.json_name
    if known.is_list:
        out.setdefault(name, []).append(value)
    elif name in out:
        raise InvalidXml(f"{known.path} may not repeat")
    else:
        out[name] = value


def _put_primitive(out: JsonObject, known: ElementDef, child: Element) -> None:
    text = child.attributes.get("value")
    value = None if text is None else primitive(text, known.type)
    sibling = _sibling(child)
    name = known.json_name
    if not known.is_list:
        if name in out or "_" + name in out:
            raise InvalidXml(f"line {child.line}: {known.path} may not repeat")
        out.update({key: one for key, one in ((name, value), ("_" + name, sibling)) if one is not None})
        return
    values = out.setdefault(name, [])
    values.append(value)
    if sibling is not None or "_" + name in out:
        siblings = out.setdefault("_" + name, [])
        siblings.extend([None] * (len(values) - 1 - len(siblings)))
        siblings.append(sibling)


def _sibling(child: Element) -> JsonObject | None:
    """What a primitive has beside its value: an id and extensions."""
    attributes = {name: value for name, value in child.attributes.items() if name != "value"}
    if not attributes and not child.children:
        return None
    element = definitions().type("Element")
    if element is None:
        raise InvalidXml("the definitions have no Element")
    return _object(Element(child.namespace, child.name, attributes, child.line, child.children), element)


def primitive(text: str, type_name: str) -> Json:
    """The JSON value of a primitive's text; decimals keep their characters."""
    if type_name == "boolean" and text in ("true", "false"):
        return text == "true"
    if (type_name == "decimal" or type_name in _INTEGERS) and _NUMBER.match(text):
        return json.loads(text)
    return text
