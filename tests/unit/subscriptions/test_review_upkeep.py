"""The review queue stays true while time passes, whoever else is at work on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhirserver.kernel.instants import FixedClock, instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Statement
from fhirserver.store.commands import Command, Put, Remove
from fhirserver.store.duplicates import pending_about, raised
from fhirserver.store.review_items import reviewed
from fhirserver.world.identity.scoring import Grade, Score
from fhirserver.world.policy import default_policy
from fhirserver.world.review import ReviewClaim, read_item
from fhirserver.world.review_rules import ReviewRules
from fhirserver.world.survivorship import claims_on
from fhirserver.world.vocabulary import CLAIMED_UNTIL
from subscriptions.review_upkeep import GONE, MOOT, PAST, ReviewUpkeep
from tests.unit.runner.practice import SOURCES, make_store

NOW = datetime.now(UTC).replace(microsecond=0)
HALF = Decimal("0.5")


class Room:
    """A store with one upkeep, turned by hand."""

    def __init__(self, store: Any) -> None:
        self.store, self.clock, self.seen = store, FixedClock(NOW), 0
        self.upkeep = self.fresh()

    def fresh(self) -> ReviewUpkeep:
        return ReviewUpkeep(self.store, default_policy(), ReviewRules(), "credence", self.clock)

    async def say(
        self, type: str, id: str, source: str = "agent", mode: str = "partial", **content: Any
    ) -> None:
        sure = HALF if source == "agent" else None
        put = Put(type, id, {"resourceType": type, "id": id, **content})
        await self.store.submit(Command(Statement(source, confidence=sure, mode=mode), (put,)))

    async def item(
        self, type: str, id: str, unit: str, finding: str = "doubtful", source: str = "agent"
    ) -> str:
        """A pending item about a claim that was made."""
        entity = await self.store.entity(type, id)
        found = next(c for c in claims_on(entity.ledger, unit) if c.source == source)
        position = found.stamp.position
        claim = ReviewClaim(unit, source, position, found.confidence, found.value, None, finding)
        put = await reviewed(self.store, entity, [claim])
        assert put is not None
        await self.store.submit(Command(Statement("credence"), (put,)))
        return put.id

    async def task(self, id: str) -> JsonObject:
        return loads((await self.store.read("Task", id)).content)

    async def put(self, id: str, **members: Any) -> None:
        task = {**await self.task(id), **members}
        await self.store.submit(Command(Statement("credence"), (Put("Task", id, task),)))

    async def keep(self, **later: float) -> int:
        """Let time pass, then what the follower saw be handled."""
        self.clock.at += timedelta(**later)
        commits = await self.store.read_log(self.seen, 1000)
        self.seen = commits[-1].position if commits else self.seen
        self.upkeep.see(commits)
        return await self.upkeep.keep()


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    store = make_store(tmp_path / "credence.db", SOURCES)
    await store.open()
    yield Room(store)
    await store.close()


def held(until: datetime) -> JsonObject:
    owner = {"identifier": {"system": "urn:credence:source:principal", "value": "ana"}}
    extension = [{"url": CLAIMED_UNTIL, "valueInstant": instant(until)}]
    return {"status": "accepted", "owner": owner, "extension": extension}


async def test_a_hold_lapses_and_not_before(room: Room) -> None:
    await room.say("Patient", "p", gender="male")
    id = await room.item("Patient", "p", "gender")
    await room.put(id, **held(NOW + timedelta(minutes=15)))
    assert await room.keep(minutes=14) == 0
    assert await room.keep(minutes=2) == 1
    task = await room.task(id)
    assert task["status"] == "requested" and "owner" not in task and "extension" not in task


async def test_an_old_item_expires_but_not_while_it_is_held(room: Room) -> None:
    await room.say("Patient", "p", gender="male")
    id = await room.item("Patient", "p", "gender")
    await room.put(id, **held(NOW + timedelta(days=31)))
    assert await room.keep(days=30.5) == 0
    assert await room.keep(days=1) == 1
    task = await room.task(id)
    assert (task["status"], task["businessStatus"]["text"]) == ("cancelled", "expired")
    assert task["statusReason"]["text"] == "Not decided within 30 days"
    assert await room.keep(days=1) == 0


async def test_an_appointment_comes_nearer_and_is_past(room: Room) -> None:
    start = NOW + timedelta(hours=30)
    await room.say(
        "Appointment", "a", status="booked", start=instant(start), participant=[{"status": "accepted"}]
    )
    id = await room.item("Appointment", "a", "start")
    assert (await room.task(id))["priority"] == "urgent"
    assert await room.keep() == 0
    assert await room.keep(hours=7) == 1
    assert (await room.task(id))["priority"] == "asap"
    await room.say("Appointment", "a", source="ehr", start=instant(start + timedelta(days=9)))
    await room.keep()
    moved = await room.task(id)
    assert (moved["status"], moved["priority"]) == ("requested", "routine"), "the EHR has moved it"
    await room.say(
        "Appointment", "b", status="booked", start=instant(start), participant=[{"status": "accepted"}]
    )
    other = await room.item("Appointment", "b", "status")
    await room.keep(hours=24)
    past = await room.task(other)
    assert (past["status"], past["statusReason"]["text"]) == ("cancelled", PAST)


async def test_what_is_agreed_to_replaced_or_deleted_is_called_off(room: Room) -> None:
    await room.say("Patient", "p", gender="male", birthDate="1980-01-01")
    id = await room.item("Patient", "p", "gender")
    await room.item("Patient", "p", "birthDate")
    assert await room.keep() == 0
    await room.say("Patient", "p", source="ehr", gender="male")
    assert await room.keep() == 1
    assert [claim.unit for claim in read_item(await room.task(id)).claims] == ["birthDate"]
    await room.say("Patient", "p", birthDate="1980-01-02")
    assert await room.keep() == 1
    task = await room.task(id)
    assert (task["businessStatus"]["text"], task["statusReason"]["text"]) == ("moot", MOOT)
    await room.say("Patient", "q", gender="male")
    other = await room.item("Patient", "q", "gender")
    await room.keep()
    await room.store.submit(Command(Statement("ehr"), (Remove("Patient", "q"),)))
    assert await room.keep() == 1
    assert (await room.task(other))["statusReason"]["text"] == GONE


async def test_two_at_once_change_an_item_once(room: Room) -> None:
    await room.say("Patient", "p", gender="male")
    id = await room.item("Patient", "p", "gender")
    other = room.fresh()
    room.clock.at += timedelta(days=40)
    (one,), (two,) = await room.upkeep.writes(), await other.writes()
    assert one.if_match == two.if_match
    assert (await room.upkeep.keep(), await other.keep()) == (1, 0)
    versions = await room.store.history("Task", id, 10)
    assert len(versions) == 2


async def test_a_new_process_finds_what_waits(room: Room) -> None:
    """Nothing was seen by it: it looks at every pending item at its start."""
    await room.say("Patient", "p", gender="male")
    id = await room.item("Patient", "p", "gender")
    await room.say("Patient", "p", source="ehr", gender="male")
    assert await room.fresh().keep() == 1
    assert (await room.task(id))["status"] == "cancelled"


async def test_two_who_make_an_item_at_once_make_one(room: Room) -> None:
    await room.say("Patient", "p", gender="male")
    entity = await room.store.entity("Patient", "p")
    claim = ReviewClaim("gender", "agent", 1, HALF, {"gender": "male"})
    first, second = await reviewed(room.store, entity, [claim]), await reviewed(room.store, entity, [claim])
    assert first is not None and second is not None and first.id == second.id and second.create
    await room.store.submit(Command(Statement("credence"), (first,)))
    again = await reviewed(room.store, entity, [claim])
    assert again is None


async def test_a_probable_duplicate_waits_however_long_but_is_not_held_for_ever(room: Room) -> None:
    for id in ("a", "b"):
        await room.say("Patient", id, "ehr", "full", birthDate="1984-07-02")
    await room.say("Patient", "a", birthDate="1984-07-12")
    score = Score(25.0, Grade.PROBABLE, ())
    writes = await raised(room.store, "a", "b", score, instant(NOW))
    await room.store.submit(Command(Statement("credence"), tuple(writes)))
    (version,) = await pending_about(room.store, "b")
    claims = await room.item("Patient", "a", "birthDate")
    assert claims != version.id, "claims about a patient of a pair are an item of their own"
    until = {"url": CLAIMED_UNTIL, "valueInstant": instant(NOW + timedelta(minutes=15))}
    owner = {"identifier": {"value": "ana"}}
    await room.put(version.id, status="accepted", owner=owner, extension=[until])
    await room.keep(days=40)
    task = await room.task(version.id)
    assert task["status"] == "requested"
    assert "owner" not in task
    assert (await room.task(claims))["status"] == "cancelled"
