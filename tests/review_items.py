"""Review items as a call leaves them: new insurance, a changed phone number, a contradicted birth date."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Put
from fhirserver.world.review import Quoted, ReviewClaim, review_task
from fhirserver.world.survivorship import wins
from fhirserver.world.units import member_of
from tests.facade import Facade, said

OLD, NEW = "+15550134", "+15550177"
RECORD: JsonObject = {
    "resourceType": "Patient",
    "id": "ada",
    "name": [{"use": "official", "family": "Okafor", "given": ["Ada", "Chioma"]}],
    "gender": "female",
    "birthDate": "1984-07-02",
    "telecom": [{"system": "phone", "value": OLD, "use": "mobile"}],
}
COVERAGE: JsonObject = {
    "resourceType": "Coverage",
    "id": "blue",
    "status": "active",
    "beneficiary": {"reference": "Patient/ada"},
    "subscriberId": "XQH 4471 8820",
    "payor": [{"display": "Blue Harbor Health"}],
    "class": [
        {
            "type": {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/coverage-class", "code": "group"}
                ]
            },
            "value": "70-3391",
        }
    ],
}
QUOTES = {
    "subscriberId": (
        Quoted(14, "caller", "It's X Q H, forty-four seventy-one, eighty-eight twenty."),
        Quoted(15, "agent", "I have X, Q, H, 4 4 7 1, 8 8 2 0. Is that right?"),
        Quoted(16, "caller", "Yes, that's it."),
    ),
    "payor": (Quoted(12, "caller", "I'm with Blue Harbor Health now."),),
    "telecom": (
        Quoted(21, "caller", "And I have a new cell phone, 555-0177."),
        Quoted(22, "agent", "So your new number is 5 5 5, 0 1 7 7?"),
        Quoted(23, "caller", "Right."),
    ),
    "birthDate": (Quoted(3, "caller", "July second, nineteen eighty-four."),),
}
FINDINGS = {
    "subscriberId": ("verified", "The caller spelled it out and said yes to the read-back."),
    "payor": ("verified", "The caller named the payer; it is in the directory of payers."),
    "telecom": ("verified", "The caller said yes to the read-back of the new number."),
    "birthDate": ("contradicted", "The caller said July 2, 1984; the claim says July 12, 1984."),
}


async def review_items(server: Facade) -> dict[str, str]:
    """Make three items, ``coverage``, ``phone`` and ``birth``; their Tasks' ids by name."""
    await server.ehr.put(RECORD)
    spoken = said("0.5", "confirmed", "partial", entity=[{"role": "source", "what": {"display": "Call"}}])
    await server.agent.put(COVERAGE, x_provenance=spoken)
    change = [{"op": "replace", "path": "/telecom/0/value", "value": NEW}]
    media = "application/json-patch+json"
    await server.agent("PATCH", "Patient/ada", change, media=media, x_provenance=said("0.5", "confirmed"))
    await server.ehr.put({**RECORD, "id": "ada-2", "name": [{"family": "Okafor", "given": ["Adaeze"]}]})
    born = {"resourceType": "Patient", "id": "ada-2", "birthDate": "1984-07-12"}
    await server.agent.put(born, x_provenance=said("0.3", "mentioned", "partial"))
    return {
        "coverage": await _item(server, "Coverage", "blue", "Patient/ada"),
        "phone": await _item(server, "Patient", "ada", "Patient/ada"),
        "birth": await _item(server, "Patient", "ada-2", "Patient/ada-2"),
    }


async def _item(server: Facade, type: str, id: str, patient: str) -> str:
    entity = await server.store.entity(type, id)
    assert entity is not None
    claims = []
    for unit, win in wins(entity.ledger).items():
        for claim in (*win.agreeing, *win.losing):
            if claim.source != "agent" or member_of(unit) in ("status", "beneficiary", "meta"):
                continue
            current = None if win.claim is claim else win.claim.value
            finding, reasoning = FINDINGS.get(member_of(unit), ("", ""))
            quotes = QUOTES.get(member_of(unit), ())
            if claim.value is None:
                finding, reasoning, quotes = "doubtful", "The old number was not spoken of.", ()
            stated = (claim.value, current, finding, reasoning, quotes)
            claims.append(ReviewClaim(unit, "agent", claim.stamp.position, Decimal("0.5"), *stated))
    made = await _made_by_the_server(server, type, id)
    task = {**review_task(type, id, claims, "2026-11-22T14:55:10.000Z", patient), "id": made}
    await server.store.submit(Command(Statement("credence"), [Put("Task", made, task)]))
    return made


async def _made_by_the_server(server: Facade, type: str, id: str) -> str:
    """The id of the item that the server makes by itself for claims below their gate."""
    async with asyncio.timeout(10):
        while True:
            found = await server.ana.ids(f"Task?code=claims&focus={type}/{id}")
            if found:
                return found[0]
            await asyncio.sleep(0.02)
