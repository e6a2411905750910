"""``$closure``: https://hl7.org/fhir/R4/conceptmap-operation-closure.html

How a client uses it: https://hl7.org/fhir/R4/terminology-service.html#closure
"""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.access.principals import Principal
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.kernel.ids import derived_id, is_id
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.operations.parameters import inputs, one
from fhirserver.ports.concept_maps import ClosureEntry, ClosureUpdate

LONGEST_NAME = 255
_LARGE = 256 * 1024


async def concept_map_closure(context: Context, request: Request) -> Result:
    """What the client has to add to its closure table, as a ConceptMap whose version it keeps."""
    closures = context.closures
    if closures is None:
        raise refuse(Category.NOT_SUPPORTED, "not-supported", "This server has no terminology service")
    given = await context.work.done(lambda: inputs(request), aside=len(request.body or b"") > _LARGE)
    name, owner = _name(one(given, "name", required=True)), owner_of(request.principal)
    version, concepts = one(given, "version"), [*given.get("concept", ())]
    if version is not None and concepts:
        text = "Either concepts are added, or what was added since a version is asked for"
        raise refuse(Category.INVALID, "invalid", text, "Parameters.parameter")
    await context.conformance.catch_up()
    if version is not None:
        return _answer(context, name, await closures.since(owner, name, str(version)))
    if not concepts:
        return _answer(context, name, await closures.initialise(owner, name), "Closure Table {} Creation")
    return _answer(context, name, await closures.add(owner, name, _codings(concepts)))


def owner_of(principal: Principal) -> str:
    """Whose a table is: the app's, for the user it acts for; nobody else sees it."""
    return "\n".join((principal.client, principal.user, "" if principal.client else principal.name))


def _name(value: object) -> str:
    name = str(value)
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        where = "Parameters.parameter.where(name='name')"
        text = f"The name of a closure table is 1 to {LONGEST_NAME} printable characters"
        raise refuse(Category.INVALID, "value", text, where)
    return name


def _codings(values: Sequence[object]) -> list[JsonObject]:
    codings: list[JsonObject] = []
    for number, value in enumerate(values):
        if not isinstance(value, dict) or not value.get("system") or not value.get("code"):
            where = f"Parameters.parameter.where(name='concept')[{number}].value"
            raise refuse(Category.INVALID, "required", "A concept is a Coding with system and code", where)
        codings.append(value)
    return codings


def _answer(
    context: Context, name: str, update: ClosureUpdate, title: str = "Updates for Closure Table {}"
) -> Result:
    map: JsonObject = {
        "resourceType": "ConceptMap",
        "id": name if is_id(name) else derived_id("closure", name),
        "version": update.version,
        "name": title.format(name),
        "status": "active",
        "experimental": True,
        "date": instant(context.clock.now()),
    }
    if update.entries:
        map["group"] = _groups(update.entries)
    return Result(200, dumps(map))


def _groups(entries: Sequence[ClosureEntry]) -> list[JsonObject]:
    systems: dict[str, dict[str, list[JsonObject]]] = {}
    for entry in entries:
        targets = systems.setdefault(entry.system, {}).setdefault(entry.source, [])
        targets.append({"code": entry.target, "equivalence": entry.equivalence})
    return [
        {
            "source": system,
            "target": system,
            "element": [{"code": code, "target": targets} for code, targets in elements.items()],
        }
        for system, elements in systems.items()
    ]
