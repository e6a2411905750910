"""``$meta``: https://hl7.org/fhir/R4/resource-operation-meta.html"""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.preconditions import version_headers
from fhirserver.interactions.read import current
from fhirserver.interactions.reserved import DERIVED
from fhirserver.interactions.vread import vread
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.definitions import definitions
from fhirserver.operations.parameters import parameters, part
from fhirserver.ports.storage import Version


async def meta(context: Context, request: Request) -> Result:
    """The meta of a resource or of one of its versions; of a type or the system: every label in use."""
    if not request.id:
        return Result(200, parameters([part("return", "Meta", await _in_use(context, request.type))]))
    if request.version:
        version = (await vread(context, request)).version
        assert version is not None
    else:
        version = await current(context, request.type, request.id)
    return meta_result(version)


def meta_result(version: Version) -> Result:
    """The meta of a version as the operations give it."""
    found = loads(version.content).get("meta", {})
    return Result(200, parameters([part("return", "Meta", found)]), version_headers(version))


async def _in_use(context: Context, type: str) -> JsonObject:
    """Profiles, security labels and tags of all current resources, each once, in order."""
    await context.store.derive_provenance() if type in ("", DERIVED) else None
    types = [type] if type else sorted(definitions().resource_types)
    profiles = {uri for _, uri in await _distinct(context, types, "_profile")}
    found: JsonObject = {"profile": sorted(profiles)} if profiles else {}
    for name in ("security", "tag"):
        labels = await _distinct(context, types, f"_{name}")
        if labels:
            found[name] = [_coding(*label) for label in labels]
    return found


async def _distinct(context: Context, types: Iterable[str], param: str) -> list[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for type in types:
        found.update(await context.store.in_use(type, param))
    return sorted(label for label in found if any(label))


def _coding(system: str, code: str) -> JsonObject:
    coding = {"system": system, "code": code}
    return {name: value for name, value in coding.items() if value}
