"""``[type]/[id]/$lineage``: per unit the winner, the contenders, who, when, how sure, on what evidence."""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.read import current
from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.operations.parameters import group, parameters, part
from fhirserver.world.survivorship import Claim, Win, wins
from fhirserver.world.units import member_of
from fhirserver.world.voices import last


async def lineage(context: Context, request: Request) -> Result:
    """Parameters with one ``unit`` per unit: path, value (as JSON text), confidence and every claim on it."""
    await current(context, request.type, request.id)
    entity = await context.store.entity(request.type, request.id)
    if entity is None:
        return Result(200, parameters(()))
    won = wins(entity.ledger)
    positions = {claim.stamp.evidence for win in won.values() for claim in (*win.agreeing, *win.losing)}
    commits = {position: await _commit_id(context, position) for position in positions}
    units = [_unit(request.type, unit, win, commits) for unit, win in won.items()]
    return Result(200, parameters(units))


async def _commit_id(context: Context, position: int) -> str:
    (commit,) = await context.store.read_log(position - 1, 1)
    return commit.id


def _unit(type: str, unit: str, win: Win, commits: dict[int, str]) -> JsonObject:
    path = f"{type}.{member_of(unit).removesuffix('[x]')}"
    head: list[JsonObject | None] = [
        part("path", "String", path),
        part("unit", "String", unit),
        _value(win.claim),
        part("confidence", "Decimal", win.confidence),
        part("source", "String", win.claim.speaker),
    ]
    return group("unit", [*head, *_claims(type, win, commits)])


def _claims(type: str, win: Win, commits: dict[int, str]) -> Iterable[JsonObject]:
    for role, claims in (("agrees", win.agreeing), ("contends", win.losing)):
        for claim in claims:
            yield _claim(type, "wins" if claim is win.claim else role, claim, commits)


def _claim(type: str, role: str, claim: Claim, commits: dict[int, str]) -> JsonObject:
    stamp = claim.stamp
    return group(
        "claim",
        [
            part("role", "Code", role),
            part("status", "Code", claim.status),
            part("source", "String", claim.speaker),
            part("origin", "String", f"{type}/{last(claim.origin)}") if claim.origin else None,
            _value(claim),
            part("confidence", "Decimal", claim.confidence),
            part("recorded", "Instant", stamp.recorded),
            part("effective", "DateTime", stamp.effective) if stamp.effective else None,
            part("method", "Code", stamp.method) if stamp.method else None,
            part("checked", "Code", claim.checked) if claim.checked else None,
            part("position", "Integer", stamp.position),
            part("provenance", "Reference", {"reference": f"Provenance/{commits[stamp.evidence]}"}),
        ],
    )


def _value(claim: Claim) -> JsonObject:
    if claim.value is None:
        return part("absent", "Boolean", True)
    return part("value", "String", dumps(claim.value).decode())
