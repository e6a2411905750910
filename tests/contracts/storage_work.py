"""What the contract of a storage writes, and how it looks at what came of it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.log import Commit, Statement
from fhirserver.ports.storage import Change, Head, Projection, Row, Storage, Version
from fhirserver.search.expression import Query, TokenIs
from fhirserver.store.commands import Amend, Command, Decide, Note, Put, Remove, Ruling
from fhirserver.store.store import Store
from fhirserver.world.survivorship import claims_on
from tests.contracts.places import AGENT, EHR, extract

RECORDED = "2026-11-22T14:47:00.000Z"
LEDGER = b'{"v":[]}'
NOTHING = Projection((), ())


def commit(position: int, note: str = "", serial: int = 0) -> Commit:
    event: JsonObject = {"e": "noted", "kind": "test", "key": note or str(position), "value": {"n": position}}
    return Commit(position, f"c{position}-{note}", RECORDED, serial, Statement("ehr"), (event,))


def batch(first: int, count: int, note: str = "") -> list[Commit]:
    return [commit(position, note) for position in range(first, first + count)]


def patient(id: str, family: str = "Miller", **more: Any) -> JsonObject:
    return {"resourceType": "Patient", "id": id, "name": [{"family": family}], **more}


def change(resource: JsonObject, pk: int, version: int, position: int, old: Sequence[Any] = ()) -> Change:
    content = dumps(resource)
    made = Version(resource["resourceType"], resource["id"], version, position, RECORDED, False, content)
    return Change(Row(pk, made, LEDGER), True, old, extract(resource))


def put(id: str, statement: Statement = EHR, **more: Any) -> Command:
    return Command(statement, [Put("Patient", id, patient(id, **more))])


def by_identifier(value: str) -> Query:
    return Query("Patient", TokenIs("identifier", None, value))


def identified(value: str) -> list[JsonObject]:
    return [{"system": "urn:mrn", "value": value}]


async def dump(storage: Storage) -> list[bytes]:
    return list(await storage.dump())


async def everything(storage: Storage) -> tuple[Head, Sequence[Commit], list[bytes]]:
    return await storage.head(), await storage.read_log(0, 10_000), await dump(storage)


async def outcomes(*submitted: Any) -> Counter[str]:
    """How often each outcome came: ``ok`` or the category of the refusal; anything else is an error."""
    answers = await asyncio.gather(*submitted, return_exceptions=True)
    found: Counter[str] = Counter()
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Refusal):
            raise answer
        found[answer.category.name if isinstance(answer, Refusal) else "ok"] += 1
    return found


async def random_work(store: Store, seed: int, steps: int) -> None:
    """Creates, updates by two sources, patches, deletes, rulings and notes, several at once."""
    chance = random.Random(seed)
    ids = [f"w{number}" for number in range(8)]
    for _ in range(steps):
        commands = [random_command(chance, chance.choice(ids)) for _ in range(chance.randint(1, 6))]
        await outcomes(*(store.submit(command) for command in commands))
        if chance.random() < 0.3:
            await _random_ruling(store, chance, chance.choice(ids))


def random_command(chance: random.Random, id: str) -> Command:
    family = chance.choice(["Miller", "Møller", "Smith", "Szabó"])
    statement = chance.choice([EHR, AGENT])
    more: JsonObject = {"birthDate": f"19{chance.randint(10, 99)}"} if chance.random() < 0.5 else {}
    match chance.randint(0, 7):
        case 0:
            return Command(EHR, [Remove("Patient", id)])
        case 1:
            return Command(statement, [Amend("Patient", id, lambda json: {**json, "birthDate": "1980-01"})])
        case 2:
            return Command(EHR, [Note("crosswalk", id, {"id": chance.randint(1, 5)})])
        case 3:
            subject = {
                "resourceType": "Observation",
                "id": f"o-{id}",
                "subject": {"reference": f"Patient/{id}"},
            }
            return Command(
                statement, [Put("Observation", f"o-{id}", subject), *put(id, family=family).writes]
            )
        case _:
            return put(id, statement, family=family, identifier=identified(family), **more)


async def _random_ruling(store: Store, chance: random.Random, id: str) -> None:
    entity = await store.entity("Patient", id)
    if entity is None or entity.deleted:
        return
    unit = chance.choice(sorted(entity.world.units))
    claims = claims_on(entity.ledger, unit)
    if claims:
        claim = chance.choice(claims)
        ruling = Ruling(
            chance.choice(["approve", "reject", "verify"]), unit, claim.source, claim.stamp.position
        )
        await outcomes(store.submit(Command(Statement("operator"), [Decide("Patient", id, [ruling])])))
