"""Every way to ask for a resource of somebody else, made from the search parameters of its type.

The values are those under which the resource itself would be found: what the server's own index takes out of it by
the parameters' expressions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from fhirserver.kernel.json import JsonObject
from fhirserver.operations.all import all_operations
from fhirserver.search.index import extract
from fhirserver.search.parameters import searchable
from fhirserver.search.values import (
    CompositeValue,
    DateValue,
    IndexValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
)
from tests.attacks.records import SHARED

PLAIN, MODIFIED, SORTED, FILTERED, CHAINED, REVERSED, INCLUDED, READ, WHOLE = (
    "plain",
    "modified",
    "sorted",
    "filtered",
    "chained",
    "reversed",
    "included",
    "read",
    "whole",
)
"""Kinds of ways: by a parameter's value; by a modifier or prefix; as an order; by ``_filter``; through a reference
forward; and backward; along with something else; by the address; by operations, Bundles and what names no parameter."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BASE: Final = "/fhir"
_SPECIAL: Final = str.maketrans({"\\": "\\\\", "$": "\\$", ",": "\\,", "|": "\\|"})
_BY_ID: Final = (
    ("GET", "{t}/{i}"),
    ("HEAD", "{t}/{i}"),
    ("GET", "{t}/{i}/_history"),
    ("GET", "{t}/{i}/_history/1"),
    ("GET", "{t}/{i}?_format=xml"),
    ("GET", "{t}/{i}?_elements=id"),
    ("GET", "{t}/{i}?_summary=text"),
    ("POST", "{t}/{i}/$validate?mode=delete"),
    ("GET", "$diff?from={t}/{i}&to={t}/{i}"),
    ("GET", "{t}/{i}/$graphql?query={{id}}"),
    ("GET", "{t}/{i}?_asOf=1"),
)
_WITHOUT_PARAMETERS: Final = (
    "{t}?_id={i}",
    "{t}?_id:not={i}",
    "{t}?_lastUpdated=ge2000",
    "{t}?_count=0",
    "{t}?_summary=count",
    "{t}?_total=accurate&_count=1",
    "{t}?_total=estimate&_sort=-_lastUpdated",
    "{t}?_elements=id",
    "{t}?_content={word}",
    "{t}?_text={word}",
    "{t}?_contained=true&_id={i}",
    "{t}?_contained=both&_total=accurate",
    "Organization?_contained=true&name={inside}",
    "Organization?_contained=both&_containedType=contained&name={inside}&_summary=count",
    "{t}?_list={who}-list",
    "{t}/_history",
    "{t}/_history?_count=0",
    "{t}/_history?_list={who}-list",
    "Patient/{who}-patient/{t}",
    "Patient/{who}-patient/{t}?_total=accurate",
    "Practitioner/qzdoc/{t}",
    "{t}?_has:Provenance:target:_lastUpdated=ge2000&_id={i}",
    "{t}?_revinclude=Provenance:target&_id={i}",
    "{t}?_include=*&_revinclude=*&_id={i}",
    "Provenance?target={t}/{i}",
    "?_type={t}&_id={i}",
    "?_type={t}&_content={word}",
    "{t}?_format=xml&_id={i}",
)


_ROUND: Final = {
    "Patient": (("Observation", "patient"),),
    "Practitioner": (
        ("Observation", "performer:Practitioner"),
        ("Patient", "general-practitioner:Practitioner"),
    ),
    "Organization": (("Patient", "organization"),),
}
"""How one's own leads to what refers to the same: a resource, and the parameter by which it does."""


class Way(NamedTuple):
    """One request, and of which kind it is. ``code``: the parameter that it is made of."""

    kind: str
    method: str
    path: str
    body: Any = None
    code: str = ""


class Asked(NamedTuple):
    """A parameter with a value that a resource has."""

    code: str
    text: str
    value: IndexValue


def asked(resource: JsonObject) -> list[Asked]:
    """Each search parameter of the resource's type under which it has a value, with one of them."""
    found: dict[str, Asked] = {}
    for value in extract(resource):
        text = literal(value)
        if text and ":" not in value.param and value.param not in found:
            found[value.param] = Asked(value.param, text, value)
    return [found[code] for code in searchable(resource["resourceType"]) if code in found]


def literal(value: IndexValue) -> str:
    """A value as a search writes it; empty for one that cannot be asked for."""
    match value:
        case StringValue(text=text):
            return text.translate(_SPECIAL)
        case TokenValue(system=system, code=code):
            plain = code.translate(_SPECIAL)
            return f"{system}|{plain}" if system else plain
        case ReferenceValue(type=type, target=target):
            return f"{type}/{target}" if type else target
        case UriValue(uri=uri):
            return uri
        case NumberValue(low=low):
            return f"{low:g}"
        case QuantityValue(value=amount, system=system, code=code):
            return f"{amount:g}|{system}|{code}" if system or code else f"{amount:g}"
        case DateValue(low=low):
            return _date(low)
        case CompositeValue(parts=parts):
            return "$".join(map(literal, parts)) if all(map(literal, parts)) else ""
    raise AssertionError(value)


def _date(low: int) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=low)).strftime("%Y-%m-%d")
    except OverflowError:  # an open end
        return ""


def ways(resource: JsonObject, patient: JsonObject) -> Iterator[Way]:
    """All ways to a resource of a person; ``patient`` is the person's own."""
    type, known = resource["resourceType"], asked(resource)
    for one in known:
        yield from _by_parameter(type, one)
        if isinstance(one.value, ReferenceValue):
            yield from _by_reference(resource, known, one, asked(patient))
    yield from _by_id(resource)
    yield from _without(resource)
    yield from _together(type, resource["id"], known)


def _search(type: str, *pairs: tuple[str, str]) -> str:
    query = "&".join(f"{quote(name, safe=':')}={quote(value, safe='/|:$,')}" for name, value in pairs)
    return f"{_BASE}/{type}?{query}"


def _by_parameter(type: str, one: Asked) -> Iterator[Way]:
    code, text, value = one
    yield Way(PLAIN, "GET", _search(type, (code, text)), code=code)
    yield Way(MODIFIED, "GET", _search(type, (f"{code}:missing", "false"), ("_summary", "count")), code=code)
    for name, said in _modified(code, text, value):
        yield Way(MODIFIED, "GET", _search(type, (name, said)), code=code)
    if not isinstance(value, CompositeValue):
        yield Way(SORTED, "GET", _search(type, ("_sort", f"-{code}")), code=code)
        how = "ne" if len(code) % 2 else "eq"
        quoted = f"{code} {how} {_quoted(value, text)}"
        yield Way(FILTERED, "GET", _search(type, ("_filter", quoted)), code=code)


def _quoted(value: IndexValue, text: str) -> str:
    if isinstance(value, NumberValue | DateValue | TokenValue | ReferenceValue) and '"' not in text:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _modified(code: str, text: str, value: IndexValue) -> Iterator[tuple[str, str]]:
    match value:
        case StringValue():
            yield f"{code}:contains", text[1:]
            yield f"{code}:exact", text
        case TokenValue():
            yield f"{code}:not", text
        case ReferenceValue(type=type, target=target) if type:
            yield f"{code}:{type}", target
            yield f"{code}:missing", "true"
        case UriValue():
            yield f"{code}:below", text
        case DateValue():
            yield code, f"lt{text[:4]}-12-31"
            yield code, f"ge{text[:4]}"
        case NumberValue() | QuantityValue():
            yield code, f"gt{text.partition('|')[0]}"


def _by_reference(
    resource: JsonObject, known: Sequence[Asked], one: Asked, of_patient: Sequence[Asked]
) -> Iterator[Way]:
    """Forward through a reference, back through it, and along with what it leads from or to."""
    type, id, code = resource["resourceType"], resource["id"], one.code
    assert isinstance(one.value, ReferenceValue)
    to = one.value.type
    yield Way(INCLUDED, "GET", _search(type, ("_id", id), ("_include", f"{type}:{code}")), code=code)
    if to == "Patient":
        for other in of_patient[:: max(1, len(of_patient) // 3)]:
            yield Way(CHAINED, "GET", _search(type, (f"{code}:Patient.{other.code}", other.text)), code=code)
    if to not in ("Patient", *SHARED):
        return
    yield Way(INCLUDED, "GET", _search(to, ("_revinclude", f"{type}:{code}")), code=code)
    yield Way(REVERSED, "GET", _search(to, (f"_has:{type}:{code}:_id", id)), code=code)
    for other in [one for one in known if "qz" in one.text.lower()][:2]:
        name = f"_has:{type}:{code}:{other.code}"
        yield Way(REVERSED, "GET", _search(to, (name, other.text), ("_summary", "count")), code=code)
    for start, way in _ROUND.get(to, ()):
        yield Way(CHAINED, "GET", _search(start, (f"{way}._has:{type}:{code}:_id", id)), code=code)


def _by_id(resource: JsonObject) -> Iterator[Way]:
    type, id = resource["resourceType"], resource["id"]
    for method, form in _BY_ID:
        yield Way(READ, method, f"{_BASE}/{form.format(t=type, i=id)}")
    for operation in all_operations():
        for level, place in (("instance", f"{type}/{id}"), ("version", f"{type}/{id}/_history/1")):
            if operation.fits(level, type):
                method = "POST" if operation.affects_state else "GET"
                body = {"resourceType": "Parameters"} if operation.affects_state else None
                yield Way(READ, method, f"{_BASE}/{place}/${operation.name}", body)


def _without(resource: JsonObject) -> Iterator[Way]:
    word = resource["text"]["div"].partition("<p>")[2].partition("</p>")[0]
    who, inside = resource["id"].partition("-")[0], resource["contained"][0]["name"]
    for form in _WITHOUT_PARAMETERS:
        path = form.format(t=resource["resourceType"], i=resource["id"], who=who, word=word, inside=inside)
        yield Way(WHOLE, "GET", f"{_BASE}/{path}" if path[0] != "?" else f"{_BASE}{path}")


def _together(type: str, id: str, known: Sequence[Asked]) -> Iterator[Way]:
    """Bundles, forms and GraphQL, with all that is known in one request."""
    searches = [_search(type, (one.code, one.text)).removeprefix(f"{_BASE}/") for one in known[:20]]
    urls = [f"{type}/{id}", f"{type}/{id}/_history", f"{type}?_id={id}&_summary=count", *searches]
    for kind in ("batch", "transaction"):
        entries = [{"request": {"method": "GET", "url": url}} for url in urls]
        yield Way(WHOLE, "POST", _BASE, {"resourceType": "Bundle", "type": kind, "entry": entries})
    form = "&".join(f"{quote(one.code)}={quote(one.text)}" for one in known[:1])
    yield Way(WHOLE, "POST", f"{_BASE}/{type}/_search", f"{form}&_id={id}")
    marked = [one for one in known if isinstance(one.value, StringValue | TokenValue) and "qz" in one.text]
    lists = "".join(
        f'a{number}: {type}List({one.code.replace("-", "_")}: "{one.text}") {{ id }} '
        for number, one in enumerate(marked[:5])
        if "\\" not in one.text
    )
    graph = f'{{ one: {type}(id: "{id}") {{ id }} {lists} c: {type}Connection {{ count }} }}'
    yield Way(WHOLE, "POST", f"{_BASE}/$graphql", {"query": graph})


def of_a_person(who: str) -> Iterator[Way]:
    """What is asked of a patient as a whole."""
    patient = f"{who}-patient"
    for path in (
        f"Patient/{patient}/$everything",
        f"Patient/{patient}/$everything?_type=Observation&_count=1",
        f"Patient/{patient}/$story",
        f"Patient/{patient}/*",
        f"Patient/{patient}/_history?_count=1",
        f"Observation/$lastn?patient=Patient/{patient}",
        f"Observation/$lastn?patient={patient}&max=1",
        f"Encounter/{who}-encounter/$everything",
        f"Group/{who}-group/$everything",
        "Patient/$everything",
        "_history?_count=1000",
        "_history?_since=2000-01-01T00:00:00Z&_summary=count",
        "$meta",
        "Patient/$meta",
        "?_type=Patient,Observation,Condition&_summary=count",
        "Task/$review-statistics",
        "Subscription",
        "Endpoint",
        "Binary",
        f"Binary/{who}-binary",
        f"AuditEvent?patient={patient}",
        f"Patient?_has:AuditEvent:patient:action=R&_id={patient}",
    ):
        yield Way(WHOLE, "GET", f"{_BASE}/{path}")


def matching(patient: JsonObject) -> Way:
    """Whether there is somebody such as this."""
    kept: Mapping[str, Any] = {
        name: patient[name]
        for name in ("name", "birthDate", "telecom", "address", "identifier", "gender")
        if name in patient
    }
    return Way(WHOLE, "POST", f"{_BASE}/Patient/$match", {"resourceType": "Patient", **kept})


_EVERY: Final = {
    PLAIN: 1,
    MODIFIED: 9,
    SORTED: 12,
    FILTERED: 9,
    CHAINED: 8,
    REVERSED: 6,
    INCLUDED: 6,
    READ: 8,
    WHOLE: 9,
}
"""Of how many ways of a kind one is tried where not all are; which, differs from type to type."""


def thinned(found: Sequence[Way], number: int, narrow: Collection[str]) -> list[Way]:
    """Some of the ways to the resource of this ``number``. ``narrow``: whoever tries may see hardly any type, and is
    refused most of them at the door."""
    counts: dict[str, int] = {}
    kept = []
    for way in found:
        at = counts[way.kind] = counts.get(way.kind, number) + 1
        if at % (_EVERY[way.kind] * (3 if narrow else 1)) == 0:
            kept.append(way)
    return kept
