"""For each search parameter of a resource: searches that must find it.

Made from the resource and the parameter's FHIRPath expression, without the server's index extraction and
matching: a value is written as a client would write it, after https://hl7.org/fhir/R4/search.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import product
from typing import Any

from fhirserver.kernel.references import parse_reference
from fhirserver.model.definitions import SearchComponent, SearchParameter, definitions
from fhirserver.model.fhirpath import Typed, compile_path

Json = dict[str, Any]
MOST = 5
"""How many different values of one parameter are tried."""
_TAG = re.compile(r"<[^>]*>|&\S+;")
SIMPLE = frozenset(("string", "token", "reference", "date", "number", "quantity", "uri"))


def searches(resource: Json) -> Iterator[tuple[str, str]]:
    """Pairs of parameter, perhaps with a modifier, and value text; nothing for one that has no value here."""
    type = resource["resourceType"]
    for code, parameter in sorted(definitions().search_parameters(type).items()):
        if not parameter.expression:
            continue
        if parameter.type in SIMPLE:
            items = compile_path(parameter.expression, context=type)(resource)
            texts = written(items, parameter.type)
            yield from ((code, text) for text in texts)
            if texts or any(map(_is_said, items)):
                yield f"{code}:missing", "false"
            yield from modified(code, items, parameter.type)
        elif parameter.type == "composite":
            for text in composites(resource, parameter):
                yield code, text


def _is_said(item: Typed) -> bool:
    """A reference of any kind, if only by its display; what is contained belongs to its holder alone."""
    return item.type == "Reference" and not str(item.value.get("reference", "")).startswith("#")


def special_searches(resource: Json) -> Iterator[tuple[str, str]]:
    """Searches by what has no simple value: position, and words of the narrative or of anywhere."""
    position = resource.get("position") if resource["resourceType"] == "Location" else None
    if position:
        yield "near", f"{position['latitude']}|{position['longitude']}|1|km"
    words = _TAG.sub(" ", resource.get("text", {}).get("div", "")).split()
    if word := next((word for word in words if len(word) > 3 and word.isalpha()), None):
        yield "_text", word
        yield "_content", word


def written(items: list[Typed], kind: str) -> list[str]:
    """The first different values as they are written in a search."""
    texts: dict[str, None] = {}
    for item in items:
        for text in _WRITERS[kind](item.value, item.type):
            texts[text] = None
    return list(texts)[:MOST]


def modified(code: str, items: list[Typed], kind: str) -> Iterator[tuple[str, str]]:
    """Searches with the modifiers that ask for another part of a value: identifier, of-type, text and type."""
    found: dict[tuple[str, str], None] = {}
    for item in items:
        if isinstance(item.value, dict):
            for modifier, text in _MODIFIED.get(kind, _no_modifiers)(item.value, item.type):
                found[(f"{code}:{modifier}", text)] = None
    yield from list(found)[:MOST]


def composites(resource: Json, parameter: SearchParameter) -> list[str]:
    """For each node of a composite: the values of its components, with ``$`` between them."""
    texts: dict[str, None] = {}
    for node in compile_path(parameter.expression, context=resource["resourceType"])(resource):
        parts = [_part(component, node, resource) for component in parameter.components]
        for chosen in product(*(part[:2] for part in parts)):
            texts["$".join(chosen)] = None
    return list(texts)[:MOST]


def _part(component: SearchComponent, node: Typed, resource: Json) -> list[str]:
    """A component's values at a node; those of the whole resource where it says ``%resource``."""
    if component.expression.startswith("%resource."):
        path = component.expression.removeprefix("%resource.")
        return written(compile_path(path, context=resource["resourceType"])(resource), component.type)
    return written(compile_path(component.expression, context=node.type)(node.value), component.type)


def _escaped(text: object) -> str:
    """https://hl7.org/fhir/R4/search.html#escaping"""
    plain = str(text).replace("\\", "\\\\")
    for sign in ",$|":
        plain = plain.replace(sign, f"\\{sign}")
    return plain


def _string(value: Any, type: str) -> Iterator[str]:
    parts = {
        "HumanName": ("family", "given", "text", "prefix", "suffix"),
        "Address": ("line", "city", "district", "state", "postalCode", "country", "text"),
    }
    if isinstance(value, str):
        yield from _non_blank(value)
    elif isinstance(value, dict):
        for name in parts.get(type, ()):
            part = value.get(name, ())
            for text in [part] if isinstance(part, str) else part:
                yield from _non_blank(text)


def _non_blank(text: str | None) -> Iterator[str]:
    if text and text.strip():
        yield _escaped(text)


def _token(value: Any, type: str) -> Iterator[str]:
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str):
        yield _escaped(value)
    elif isinstance(value, dict):
        for coding in value.get("coding", ()) if type == "CodeableConcept" else (value,):
            yield from _coded(coding, type)


def _coded(coding: Json, type: str) -> Iterator[str]:
    code = coding.get("value" if type in ("Identifier", "ContactPoint") else "code")
    if not code:
        if coding.get("system") and type != "ContactPoint":
            yield f"{_escaped(coding['system'])}|"
        return
    yield _escaped(code)
    if coding.get("system") and type != "ContactPoint":
        yield f"{_escaped(coding['system'])}|{_escaped(code)}"


def _reference(value: Any, type: str) -> Iterator[str]:
    """A resource inside a Bundle stands for itself."""
    if isinstance(value, dict) and "resourceType" in value:
        if value.get("id"):
            yield f"{value['resourceType']}/{value['id']}"
        return
    text = value.get("reference") if isinstance(value, dict) else value
    if isinstance(text, str) and text and not text.startswith("#"):
        yield _escaped(text)


def _date(value: Any, type: str) -> Iterator[str]:
    if type in ("date", "dateTime", "instant"):
        yield value
    elif isinstance(value, dict) and type == "Period":
        yield from _period(value)
    elif isinstance(value, dict) and type == "Timing":
        yield from (f"ge{event}" for event in value.get("event", ()) if event)
        yield from _period(value.get("repeat", {}).get("boundsPeriod", {}))


def _period(value: Json) -> Iterator[str]:
    """A search by eq finds a period only when it covers it whole, so the bounds are asked for by ge "
    "and le."""
    if value.get("start"):
        yield f"ge{value['start']}"
    if value.get("end"):
        yield f"le{value['end']}"


def _number(value: Any, type: str) -> Iterator[str]:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        yield getattr(value, "text", str(value))
    elif isinstance(value, dict) and type == "Range":
        yield from _range(value)


def _range(value: Json) -> Iterator[str]:
    """Like a period, a range is asked for by its ends."""
    for end, prefix in (("low", "ge"), ("high", "le")):
        for number in _number(value.get(end, {}).get("value"), ""):
            yield f"{prefix}{number}"


_COMPARED = {"<": "lt", "<=": "le", ">=": "ge", ">": "gt"}


def _quantity(value: Any, type: str) -> Iterator[str]:
    if not isinstance(value, dict) or type in ("SampledData", "Ratio"):
        return
    if type == "Range":
        yield from _range(value)
        return
    for number in _number(value.get("value"), type):
        number = _COMPARED.get(value.get("comparator", ""), "") + number
        yield number
        if value.get("system") and value.get("code"):
            yield f"{number}|{_escaped(value['system'])}|{_escaped(value['code'])}"
        elif type != "Money" and (value.get("code") or value.get("unit")):
            yield f"{number}||{_escaped(value.get('code') or value['unit'])}"
        elif type == "Money" and value.get("currency"):
            yield f"{number}|urn:iso:std:iso:4217|{_escaped(value['currency'])}"


def _uri(value: Any, type: str) -> Iterator[str]:
    if isinstance(value, str):
        yield _escaped(value)


_WRITERS = {
    "string": _string,
    "token": _token,
    "reference": _reference,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "uri": _uri,
}


def _no_modifiers(value: Json, type: str) -> Iterator[tuple[str, str]]:
    yield from ()


def _modified_token(value: Json, type: str) -> Iterator[tuple[str, str]]:
    codings = value.get("coding", ()) if type == "CodeableConcept" else (value,) if type == "Coding" else ()
    texts = [
        value.get("text") if type == "CodeableConcept" else None,
        *(one.get("display") for one in codings),
    ]
    for text in texts:
        if text and text.strip():
            yield "text", _escaped(text)
    if type == "Identifier" and value.get("value"):
        for coding in value.get("type", {}).get("coding", ()):
            if coding.get("system") and coding.get("code"):
                parts = (coding["system"], coding["code"], value["value"])
                yield "of-type", "|".join(map(_escaped, parts))


def _modified_reference(value: Json, type: str) -> Iterator[tuple[str, str]]:
    if type != "Reference":
        return
    identifier = value.get("identifier", {})
    if identifier.get("value"):
        yield "identifier", _escaped(identifier["value"])
        if identifier.get("system"):
            yield "identifier", f"{_escaped(identifier['system'])}|{_escaped(identifier['value'])}"
    literal = parse_reference(value.get("reference") or "")
    if literal is not None and not literal.base:
        yield literal.type, literal.id


_MODIFIED = {"token": _modified_token, "reference": _modified_reference}
