"""A feed into a real store, its messages mapped by a few lines of Python: what is tested is the taking in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.hl7v2.convert import conversion as mapped
from adapters.hl7v2.ingest.world import Feed, WorldIngest
from adapters.hl7v2.intake.ingest import Ingested, Received, Rejected
from adapters.hl7v2.intake.record import CONTROL, receipt
from adapters.hl7v2.message import NULL, Message, Segment, parse
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.model.validation import validate
from fhirserver.ports.log import Statement
from fhirserver.search.expression import Query, TokenIs
from fhirserver.search.index import extract
from fhirserver.storage.sqlite.storage import SqliteStorage
from fhirserver.store.commands import Command, Put
from fhirserver.store.state import Policies
from fhirserver.store.store import Store
from fhirserver.world.sources import Source

SOURCES = {
    source.id: source
    for source in (
        Source("credence", "system", authoritative=True),
        Source("adt", "hl7v2", authoritative=True),
        Source("lab", "hl7v2", authoritative=True, types=frozenset({"Patient", "Observation"})),
        Source("ehr", "ehr", authoritative=True),
        Source("operator", "operator"),
        Source("agent", "agent", base=Decimal("0.3"), maximum=Decimal("0.5")),
    )
}
V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
NOW = "2026-11-28T12:00:00.000Z"


def Mapped(
    local: str,
    content: JsonObject,
    absent: frozenset[str] = frozenset(),
    origin: Mapping[str, str] | None = None,
) -> mapped.Mapped:
    return mapped.Mapped(local, content, absent, origin or {}, {}, frozenset())


def convert(message: Message, site: Any = None) -> mapped.Conversion:
    """PID, PV1, SCH, AL1, IN1, OBX and their like, as far as the tests go."""
    unmapped = tuple(s.place for s in message.segments if s.name[0] == "Z")
    return mapped.Conversion(tuple(_mapped(message)), (), unmapped, (), (), None, None)


def _mapped(message: Message) -> Iterator[mapped.Mapped]:
    for number, pid in enumerate(message.all("PID"), 1):
        yield _patient(pid, f"Patient[{number}]")
    if pv1 := message.first("PV1"):
        yield _encounter(pv1, message)
    if sch := message.first("SCH"):
        yield _appointment(sch)
    for number, al1 in enumerate(message.all("AL1"), 1):
        yield _of_patient("AllergyIntolerance", number, al1, 3, "patient")
    for number, dg1 in enumerate(message.all("DG1"), 1):
        yield _of_patient("Condition", number, dg1, 3, "subject")
    yield from _coverages(message)
    for number, obx in enumerate(message.all("OBX"), 1):
        yield _observation(obx, number)


def _identifiers(segment: Segment, field_: int) -> list[JsonObject]:
    return [
        {
            "system": f"urn:{cx.value(4)}",
            "value": cx.value(),
            "type": {"coding": [{"system": V2_0203, "code": cx.value(5) or "MR"}]},
        }
        for cx in segment.repetitions(field_)
        if cx.value()
    ]


def _patient(pid: Segment, local: str) -> mapped.Mapped:
    content: JsonObject = {"resourceType": "Patient", "identifier": _identifiers(pid, 3)}
    absent = set()
    for number, member in ((5, "name"), (7, "birthDate"), (8, "gender"), (11, "address"), (13, "telecom")):
        if pid.value(number) == NULL:
            absent.add(member)
    if (name := pid.value(5)) and name != NULL:
        content["name"] = [{"family": x.value(), "given": [x.value(2)]} for x in pid.repetitions(5)]
    if (born := pid.value(7)) and born != NULL:
        content["birthDate"] = f"{born[:4]}-{born[4:6]}-{born[6:8]}"
    if (sex := pid.value(8)) and sex != NULL:
        content["gender"] = {"F": "female", "M": "male"}.get(sex, sex)
    phones = [
        {"system": "phone", "use": use, "value": x.value()}
        for number, use in ((13, "home"), (14, "work"))
        for x in pid.repetitions(number)
        if x.value() not in (None, NULL)
    ]
    if phones:
        content["telecom"] = phones
    origin = {"identifier": "PID-3", "name": "PID-5", "birthDate": "PID-7", "gender": "PID-8"}
    return Mapped(local, content, frozenset(absent), origin)


def _encounter(pv1: Segment, message: Message) -> mapped.Mapped:
    over = {"A11": "cancelled", "A03": "finished"}
    content: JsonObject = {
        "resourceType": "Encounter",
        "status": over.get(message.event, "in-progress"),
        "class": {"code": "IMP"},
        "subject": {"reference": "urn:local:Patient[1]"},
    }
    if visits := _identifiers(pv1, 19):
        content["identifier"] = visits
    return Mapped("Encounter[1]", content, origin={"status": "PV1", "class": "PV1-2"})


def _appointment(sch: Segment) -> mapped.Mapped:
    identifiers = [
        {"type": {"coding": [{"system": V2_0203, "code": code}]}, "value": value, "system": f"urn:{code}"}
        for number, code in ((1, "PLAC"), (2, "FILL"))
        if (value := sch.value(number))
    ]
    content: JsonObject = {
        "resourceType": "Appointment",
        "identifier": identifiers,
        "status": (sch.value(25) or "booked").lower(),
        "participant": [{"actor": {"reference": "urn:local:Patient[1]"}, "status": "accepted"}],
    }
    if minutes := sch.value(9):
        content["minutesDuration"] = int(minutes)
    return Mapped("Appointment[1]", content, origin={"status": "SCH-25"})


def _of_patient(type: str, number: int, segment: Segment, code: int, holder: str) -> mapped.Mapped:
    name = segment.name
    content: JsonObject = {
        "resourceType": type,
        holder: {"reference": "urn:local:Patient[1]"},
        "code": {"coding": [{"system": "urn:codes", "code": segment.value(code)}]},
    }
    return Mapped(f"{type}[{number}]", content, origin={"code": f"{name}-{code}"})


def _coverages(message: Message) -> Iterator[mapped.Mapped]:
    for number, in1 in enumerate(message.all("IN1"), 1):
        payer: JsonObject = {"resourceType": "Organization", "name": in1.value(4) or "Payer"}
        yield Mapped(f"Organization[{number}]", payer, origin={"name": "IN1-4"})
        content: JsonObject = {
            "resourceType": "Coverage",
            "status": "active",
            "beneficiary": {"reference": "urn:local:Patient[1]"},
            "payor": [{"reference": f"urn:local:Organization[{number}]"}],
            "subscriberId": in1.value(36),
        }
        yield Mapped(f"Coverage[{number}]", content, origin={"subscriberId": "IN1-36"})


def _observation(obx: Segment, number: int) -> mapped.Mapped:
    content: JsonObject = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": obx.value(3)}]},
        "subject": {"reference": "urn:local:Patient[1]"},
        "valueString": obx.value(5),
        "effectiveDateTime": "2026-11-01",
    }
    return Mapped(f"Observation[{number}]", content, origin={"valueString": f"OBX[{number}]-5"})


def adt(
    event: str, *segments: str, id: str = "1", at: str = "20261128100000", sender: str = "APP|HOSP"
) -> str:
    """A message; ``segments`` follow the MSH."""
    kind = "SIU" if event[0] == "S" else "ORU" if event[0] == "R" else "ADT"
    head = rf"MSH|^~\&|{sender}|US|US|{at}||{kind}^{event}|{id}|P|2.5.1"
    return "\r".join((head, *segments)) + "\r"


def pid(mrn: str = "100", name: str = "ANDER^EVE", rest: str = "19800203|F") -> str:
    """A PID: number, name, and from PID-7 on."""
    numbers = "~".join(one if "^" in one else f"{one}^^^HOSP^MR" for one in mrn.split("~"))
    return f"PID|1||{numbers}||{name}||{rest}"


@dataclass
class Bench:
    """A feed on a store."""

    store: Store
    feed: WorldIngest
    source: str = "adt"

    async def send(self, text: str, received: str = NOW) -> Ingested:
        """Take a message in as the intake does: a control id that is known is another attempt."""
        raw, message = text.encode(), parse(text)
        made = receipt("hospital", received, raw, message)
        before = await self.store.fact(CONTROL, made.control_key)
        made = made.again(before) if before else made
        arrived = Received(message, raw, "hospital", None, received, made)
        try:
            return await self.feed.ingest(arrived)
        except Rejected as error:
            failed = made.failed(error.code, error.error, error.place, error.text, raw)
            await self.store.submit(Command(Statement("credence"), failed))
            raise

    async def put(self, source: str, type: str, id: str, content: JsonObject, **said: Any) -> None:
        put = Put(type, id, {"resourceType": type, "id": id, **content})
        await self.store.submit(Command(Statement(source, **said), (put,)))

    async def all(self, type: str) -> list[JsonObject]:
        page = await self.store.search(Query(type, count=1000))
        return [loads(version.content) for version in page.versions]

    async def one(self, type: str) -> JsonObject:
        (found,) = await self.all(type)
        return found

    async def world(self, reference: str) -> JsonObject:
        version = await self.store.read(*reference.split("/"))
        assert version is not None
        return dict(loads(version.content)) if version.content else {}

    async def patient(self, mrn: str) -> JsonObject:
        page = await self.store.search(Query("Patient", TokenIs("identifier", None, mrn), count=10))
        (found,) = page.versions
        return dict(loads(found.content))

    async def state(self) -> list[bytes]:
        """The resources as they stand, without what says only that a message came."""
        rows = [row async for row in _rows(self.store)]
        return sorted(rows)


async def _rows(store: Store) -> AsyncIterator[bytes]:
    for type in (
        "Patient",
        "Encounter",
        "Appointment",
        "Coverage",
        "AllergyIntolerance",
        "Condition",
        "Task",
    ):
        for version in (await store.search(Query(type, count=1000))).versions:
            yield version.content


@asynccontextmanager
async def bench(
    folder: Path, source: str = "adt", map: Any = convert, **settings: Any
) -> AsyncIterator[Bench]:
    """A feed of one source on a store of its own."""
    store = Store(SqliteStorage(folder / "feed.db"), Policies(dict(SOURCES), validate), extract)
    await store.open()
    try:
        yield Bench(store, WorldIngest(store, Feed("hospital", source, **settings), map), source)
    finally:
        await store.close()
