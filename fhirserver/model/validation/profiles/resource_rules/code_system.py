"""CodeSystem: its properties and those of its concepts. https://hl7.org/fhir/R4/codesystem.html"""

from __future__ import annotations

from collections.abc import Iterator

from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation.profiles.objects import objects, text, value_of
from fhirserver.model.validation.profiles.run import Run
from fhirserver.model.validation.report import Place

STANDARD = "http://hl7.org/fhir/concept-properties#"
STANDARD_TYPES = {
    "status": "code",
    "inactive": "boolean",
    "effectiveDate": "dateTime",
    "deprecationDate": "dateTime",
    "retirementDate": "dateTime",
    "notSelectable": "boolean",
    "parent": "code",
    "child": "code",
    "partOf": "code",
    "synonym": "code",
    "comment": "string",
    "itemWeight": "decimal",
}
_BUILT_IN = frozenset(STANDARD_TYPES) | {"code", "display", "definition", "concept"}


def check(resource: JsonObject, place: Place, run: Run) -> None:
    """Properties defined once and used as they are defined; codes once."""
    types: dict[str, str] = {}
    _properties(resource, types, place, run)
    seen: set[str] = set()
    for concept, at in _concepts(resource, place):
        run.beat()
        _code(concept, seen, at, run)
        for held, where in objects(concept, "property", at):
            _held(held, types, where, run)
    if text(resource, "content") == "supplement" and not text(resource, "supplements"):
        run.add("business-rule", "a supplement names the code system that it supplements", place)


def _properties(resource: JsonObject, types: dict[str, str], place: Place, run: Run) -> None:
    uris: set[str] = set()
    for held, at in objects(resource, "property", place):
        code, uri = text(held, "code"), text(held, "uri")
        if code in types:
            run.add("business-rule", "a property with this code is defined already", at)
        if uri and uri in uris:
            run.add("business-rule", "a property with this uri is defined already", at)
        uris.add(uri)
        types.setdefault(code, text(held, "type"))
        _standard(code, uri, text(held, "type"), at, run)


def _standard(code: str, uri: str, type_name: str, place: Place, run: Run) -> None:
    """What has a standard uri has the standard type and, to be found by filters, the standard code."""
    name = uri.removeprefix(STANDARD) if uri.startswith(STANDARD) else ""
    wanted = STANDARD_TYPES.get(name)
    if wanted is not None and type_name != wanted:
        run.add("business-rule", f"the property that this uri identifies has the type {wanted}", place)
    if wanted is not None and code != name and code in STANDARD_TYPES:
        run.add("business-rule", "has the code of another standard property", place)
    if not uri and code in STANDARD_TYPES:
        run.add(
            "business-rule", "has a standard code but not its uri, so it may mean anything", place, "warning"
        )


def _concepts(node: JsonObject, place: Place, depth: int = 0) -> Iterator[tuple[JsonObject, Place]]:
    for concept, at in objects(node, "concept", place):
        yield concept, at
        if depth < 64:
            yield from _concepts(concept, at, depth + 1)


def _code(concept: JsonObject, seen: set[str], place: Place, run: Run) -> None:
    code = text(concept, "code")
    if code and code in seen:
        run.add("business-rule", "the code stands in the code system already (csd-1)", (place, "code", -1))
    seen.add(code)


def _held(held: JsonObject, types: dict[str, str], place: Place, run: Run) -> None:
    code, value = text(held, "code"), value_of(held)
    if code not in types:
        if code not in _BUILT_IN:
            run.add("business-rule", "the code system defines no such property", place, "warning")
    elif value is not None and not _fits(value[0], types[code]):
        run.add("business-rule", f"the property is defined to have the type {types[code]}", place)


def _fits(value_type: str, wanted: str) -> bool:
    found = value_type[:1].lower() + value_type[1:]
    return not wanted or found == wanted or (found, wanted) == ("coding", "Coding")
