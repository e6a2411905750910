"""``GET [base]/metadata?mode=terminology``: https://hl7.org/fhir/R4/terminologycapabilities.html

Made from the operations that the registry routes and the code systems whose codes are here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from fhirserver.interactions.exchange import Context
from fhirserver.interactions.registry import Operation, Registry
from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.terminology import KnownSystem


def terminology_capabilities(
    registry: Registry, version: str, started: str
) -> Callable[[Context], Awaitable[bytes]]:
    """What makes the statement, anew after each change of the code systems that are stored."""
    kept: dict[tuple[str, int], bytes] = {}

    async def made(context: Context) -> bytes:
        if context.terminology is None:
            raise refuse(Category.NOT_SUPPORTED, "not-supported", "There is no terminology here", "http.mode")
        key = (context.base_url, context.conformance.generation)
        if key not in kept:
            systems = await asyncio.to_thread(context.terminology.systems)
            statement = terminology_statement(registry, context.base_url, version, started, systems)
            kept.clear()
            kept[key] = dumps(statement)
        return kept[key]

    return made


def terminology_statement(
    registry: Registry, base_url: str, version: str, started: str, systems: Sequence[KnownSystem]
) -> JsonObject:
    """The TerminologyCapabilities of what is routed and known."""
    routed = {(type, one.name): one for one in registry.operations for type in one.types}
    statement: JsonObject = {
        "resourceType": "TerminologyCapabilities",
        "url": f"{base_url}/metadata?mode=terminology",
        "version": version,
        "name": "CredenceTerminology",
        "title": "What the terminology of this Credence server knows and does",
        "status": "active",
        "date": started,
        "kind": "instance",
        "software": {"name": "Credence", "version": version},
        "implementation": {"description": "Credence FHIR server", "url": base_url},
        "codeSystem": [*_code_systems(systems)],
    }
    if expand := routed.get(("ValueSet", "expand")):
        statement["expansion"] = _expansion(expand)
    statement["codeSearch"] = "explicit"
    if ("ValueSet", "validate-code") in routed:
        statement["validateCode"] = {"translations": False}
    if ("ConceptMap", "translate") in routed:
        statement["translation"] = {"needsMap": False}
    if ("ConceptMap", "closure") in routed:
        statement["closure"] = {"translation": False}
    return statement


def _code_systems(systems: Sequence[KnownSystem]) -> Iterator[JsonObject]:
    """Each system once, with all its versions: the last is the one that is meant where none is named."""
    by_url: dict[str, list[KnownSystem]] = {}
    for one in systems:
        by_url.setdefault(one.url, []).append(one)
    for url, versions in by_url.items():
        named = [one.version for one in versions if one.version]
        told: JsonObject = {"uri": url}
        if named:
            told["version"] = [
                {"code": one, "isDefault": one == named[-1], "compositional": False} for one in named
            ]
        yield {**told, "subsumption": any(one.hierarchical for one in versions)}


def _expansion(expand: Operation) -> JsonObject:
    parameters = [one for one in expand.parameters if one.use == "in"]
    return {
        "hierarchical": True,
        "paging": True,
        "incomplete": any(one.name == "limitedExpansion" for one in parameters),
        "parameter": [{"name": one.name, "documentation": one.text} for one in parameters],
        "textFilter": "Codes that hold the text, in any case, or have words beginning with each of its words",
    }
