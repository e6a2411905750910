"""Which CapabilityStatements of guides the server lives up to: those stored in it, of which it has all that shall be.

https://hl7.org/fhir/R4/capabilitystatement-definitions.html#CapabilityStatement.instantiates; what shall, should and
may be is said by https://hl7.org/fhir/R4/extension-capabilitystatement-expectation.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from fhirserver.kernel.json import Json, JsonObject

_EXPECTATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-expectation"
_COMBINATION = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-search-parameter-combination"
_SHALL = "SHALL"
_LISTED = ("supportedProfile", "searchInclude", "searchRevInclude")
_NAMED = {"interaction": "code", "searchParam": "name", "operation": "definition"}
"""Elements that repeat, and by what of them one is known."""


def instantiated(statement: JsonObject, asked: Iterable[JsonObject]) -> list[str]:
    """The canonical urls of those of the CapabilityStatements ``asked`` that the server's own fulfils."""
    met = [one for one in asked if _is_for_servers(one) and not any(lacking(statement, one))]
    return sorted({f"{one['url']}|{one['version']}" if one.get("version") else one["url"] for one in met})


def _is_for_servers(asked: JsonObject) -> bool:
    """Whether it is a requirement on servers of this version of FHIR, and no draft that was given up."""
    return (
        asked.get("kind") == "requirements"
        and asked.get("status") != "retired"
        and str(asked.get("fhirVersion", "")).startswith("4.0")
        and any(rest.get("mode") == "server" for rest in asked.get("rest", ()))
        and bool(asked.get("url"))
    )


def lacking(statement: JsonObject, asked: JsonObject) -> Iterator[str]:
    """What shall be by ``asked`` and is not in the statement of a server."""
    told = statement["rest"][0]
    resources = {one["type"]: one for one in told["resource"]}
    for rest in (one for one in asked.get("rest", ()) if one.get("mode") == "server"):
        yield from _parts(told, rest, "the system")
        for resource in rest.get("resource", ()):
            if _shall(resource):
                yield from _parts(resources.get(resource["type"], {}), resource, resource["type"])


def _parts(told: JsonObject, asked: JsonObject, where: str) -> Iterator[str]:
    for name, key in _NAMED.items():
        there = {one.get(key) for one in told.get(name, ())}
        yield from _missing(where, name, (one.get(key) for one in asked.get(name, ()) if _shall(one)), there)
    for name in _LISTED:
        marks = asked.get(f"_{name}", ())
        wanted = (one for number, one in enumerate(asked.get(name, ())) if _shall(_at(marks, number)))
        yield from _missing(where, name, wanted, {*told.get(name, ())})
    parameters = {one["name"] for one in told.get("searchParam", ())}
    yield from _missing(where, "searchParam", _combined(asked), parameters)


def _missing(where: str, name: str, wanted: Iterable[Json], there: set[Json]) -> Iterator[str]:
    """One with a further restriction of what it leads to (``Type:parameter:Target``) is there where it is without."""
    for one in wanted:
        if one not in there and ":".join(str(one).split(":")[:2]) not in there:
            yield f"{where}: {name} {one}"


def _combined(asked: JsonObject) -> Iterator[str]:
    """The parameters that shall be there together."""
    for one in asked.get("extension", ()):
        if one.get("url") == _COMBINATION and _shall(one):
            yield from (part["valueString"] for part in one["extension"] if part.get("url") == "required")


def _at(marks: Iterable[Json], number: int) -> Json:
    listed = list(marks)
    return listed[number] if number < len(listed) else None


def _shall(part: Json) -> bool:
    """Whether it shall be: also where nothing is said."""
    extensions = part.get("extension", ()) if isinstance(part, Mapping) else ()
    said = [one.get("valueCode") for one in extensions if one.get("url") == _EXPECTATION]
    return not said or _SHALL in said
