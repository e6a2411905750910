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
    _content(resource, place, run)
    _value_set(resource, place, run)


def _content(resource: JsonObject, place: Place, run: Run) -> None:
    """What ``content`` says of the concepts, and of their number."""
    content, origin = text(resource, "content"), text(resource, "supplements")
    if content == "supplement" and not origin:
        run.add("business-rule", "a supplement names the code system that it supplements", place)
    if origin:
        _supplement(resource, content, origin, place, run)
    if content == "not-present" and resource.get("concept"):
        words = "says that its content is not present, and has concepts"
        run.add("invalid", words, (place, "content", -1))
    stated, found = resource.get("count"), sum(1 for _ in _concepts(resource, place))
    if not isinstance(stated, int):
        return
    if content == "complete" and stated != found:
        run.add("invalid", f"says {stated} concepts, but has {found}", (place, "count", -1))
    elif content in ("example", "fragment") and found > stated:
        run.add("invalid", f"says {stated} concepts, but has {found}", (place, "count", -1), "warning")


def _supplement(resource: JsonObject, content: str, origin: str, place: Place, run: Run) -> None:
    """It says so, adds to codes that there are, and does not say anew how the codes are meant."""
    if content != "supplement":
        words = "a code system that supplements another has the content supplement"
        run.add("business-rule", words, (place, "content", -1))
    for name in ("caseSensitive", "hierarchyMeaning"):
        if name in resource:
            run.add("business-rule", "does not stand in a supplement", (place, name, -1))
    for concept, at in _concepts(resource, place):
        if run.codes.is_unknown(origin.partition("|")[0], text(concept, "code")):
            run.add(
                "business-rule", "the code system that is supplemented has no such code", (at, "code", -1)
            )


def _value_set(resource: JsonObject, place: Place, run: Run) -> None:
    """``valueSet`` is the value set of all codes of this system."""
    url = text(resource, "valueSet")
    found = run.profiles.conformance.find(url, "ValueSet") if url else None
    if found is None:
        return
    parts = [part for part, _ in objects(found.get("compose"), "include", place)]
    whole = len(parts) == 1 and text(parts[0], "system") == text(resource, "url")
    if not whole or any(name in parts[0] for name in ("concept", "filter", "valueSet")):
        words = "this value set does not hold just all codes of this code system"
        run.add("business-rule", words, (place, "valueSet", -1))


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
