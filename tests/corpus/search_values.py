"""For each search parameter of a resource: searches that must find it.

Made from the resource and the parameter's FHIRPath expression, without the server's index extraction and
matching: a value is written as a client would write it, after https://hl7.org/fhir/R4/search.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import compile_path

Json = dict[str, Any]
MOST = 5
"""How many different values of one parameter are tried."""
SIMPLE = frozenset(("string", "token", "reference", "date", "number", "quantity", "uri"))


def searches(resource: Json) -> Iterator[tuple[str, str]]:
    """Pairs of parameter code and value text; nothing for a parameter that the resource has no value for."""
    type = resource["resourceType"]
    for code, parameter in sorted(definitions().search_parameters(type).items()):
        if parameter.expression and parameter.type in SIMPLE:
            for text in values(resource, parameter.type, parameter.expression):
                yield code, text


def values(resource: Json, kind: str, expression: str) -> list[str]:
    """The first different values of one parameter as they are written in a search."""
    path = compile_path(expression, context=resource["resourceType"])
    texts: dict[str, None] = {}
    for typed in path(resource):
        for text in _WRITERS[kind](typed.value, typed.type):
            texts[text] = None
    return list(texts)[:MOST]


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
        return
    yield _escaped(code)
    if coding.get("system") and type != "ContactPoint":
        yield f"{_escaped(coding['system'])}|{_escaped(code)}"


def _reference(value: Any, type: str) -> Iterator[str]:
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


def _quantity(value: Any, type: str) -> Iterator[str]:
    if not isinstance(value, dict) or value.get("comparator") or type in ("Range", "SampledData", "Ratio"):
        return
    for number in _number(value.get("value"), type):
        yield number
        if value.get("system") and value.get("code"):
            yield f"{number}|{_escaped(value['system'])}|{_escaped(value['code'])}"
        elif type != "Money" and (value.get("code") or value.get("unit")):
            yield f"{number}||{_escaped(value.get('code') or value['unit'])}"


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
