"""Reception: what is recorded of a message, what a repeat is answered, and that failures are kept and retried."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapters.hl7v2.acknowledgement import read_acknowledgement
from adapters.hl7v2.intake.ingest import Ingested, Lane, Received, Rejected
from adapters.hl7v2.intake.keeping import KeepingIngest
from adapters.hl7v2.intake.reception import Reading, Reception
from adapters.hl7v2.intake.record import CONTROL, FAILED, RECEIVED
from adapters.hl7v2.message import Message, parse
from fhirserver.kernel.instants import FixedClock
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.storage.memory.storage import MemoryStorage
from fhirserver.store.state import Policies
from fhirserver.store.store import Store
from fhirserver.world.sources import Source

READING = Reading("lab", "lab-feed")
SOURCES = {"lab-feed": Source("lab-feed", "ehr", Decimal(1), Decimal(1), True)}


def adt(id: str = "1", more: str = "", patient: str = "7", event: str = "A08") -> bytes:
    return f"MSH|^~\\&|LAB|NORTH|EHR|MAIN|2026||ADT^{event}|{id}|P|2.5.1|||{more}\rPID|1||{patient}||Ödön\r".encode()


class Choosy(KeepingIngest):
    """Keeps, and does what a test wants: fail, wait, tell in which order."""

    def __init__(self, store: Store):
        super().__init__(store, "lab-feed")
        self.errors: list[Exception] = []
        self.delays: dict[str, float] = {}
        self.order: list[str] = []
        self.remarks: tuple[str, ...] = ()

    def lane(self, message: Message) -> Lane:
        return super().lane(message)

    async def ingest(self, received: Received) -> Ingested:
        await asyncio.sleep(self.delays.get(received.message.control_id, 0))
        self.order.append(received.message.control_id)
        if self.errors:
            raise self.errors.pop(0)
        return replace(await super().ingest(received), warnings=self.remarks)


class Desk:
    """A reception on a store in memory."""

    def __init__(self, store: Store):
        self.store, self.ingest = store, Choosy(store)
        self.clock = FixedClock(datetime(2026, 11, 28, 15, tzinfo=UTC))
        self.reception = self.with_reading(READING)

    def with_reading(self, reading: Reading) -> Reception:
        return Reception(reading, self.store, self.ingest, clock=self.clock)

    async def send(self, raw: bytes) -> list[str]:
        """``AA 1`` for each answer, with code and place of an error."""
        return [_told(one) for one in await self.reception.receive(raw)]

    async def facts(self, kind: str) -> list[JsonObject]:
        return [fact.value for fact in await self.store.facts(kind)]

    async def kept(self) -> int:
        """How many messages had their effect."""
        commits = await self.store.read_log(0, 1000)
        return sum(event.get("type") == "Binary" for commit in commits for event in commit.events)


def _told(raw: bytes) -> str:
    message = parse(raw.decode())
    answer, error = read_acknowledgement(message), message.first("ERR")
    told = f"{answer.code} {answer.of}"
    if error is None:
        return told
    place = "^".join(error.repetitions(2)[0].components) if error.field(2) else ""
    return f"{told} {error.value(3)} {place}".rstrip()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    store = Store(MemoryStorage(), Policies(SOURCES, lambda resource: ()))
    await store.open()
    yield Desk(store)
    await store.close()


async def test_a_message_is_answered_when_it_and_its_record_are_one_commit(desk: Desk) -> None:
    assert await desk.send(adt()) == ["AA 1"]
    (entry,) = await desk.facts(RECEIVED)
    assert entry["event"] == "ADT^A08"
    assert entry["sender"] == ["LAB", "NORTH"]
    assert (entry["control"], entry["code"], entry["size"]) == ("1", "AA", len(adt()))
    (fact,) = await desk.store.facts(RECEIVED)
    (commit,) = await desk.store.read_log(fact.position - 1, 1)
    assert [event["e"] for event in commit.events] == ["asserted", "noted", "noted"]
    binary = await desk.store.read(*entry["resources"][0].split("/"))
    assert binary is not None
    assert base64.b64decode(loads(binary.content)["data"]) == adt()


async def test_a_repeat_has_the_same_answer_and_no_second_effect(desk: Desk) -> None:
    first = await desk.reception.receive(adt())
    desk.clock.at = desk.clock.at.replace(hour=16)
    assert await desk.reception.receive(adt()) == first
    again = desk.with_reading(READING)
    assert await again.receive(adt()) == first
    assert await desk.kept() == 1


async def test_the_same_message_on_two_connections_at_once_is_taken_in_once(desk: Desk) -> None:
    desk.ingest.delays = {"1": 0.05}
    answers = await asyncio.gather(*(desk.reception.receive(adt()) for _ in range(5)))
    assert all(one == answers[0] for one in answers)
    assert await desk.kept() == 1


async def test_the_same_message_in_two_processes_is_taken_in_once(desk: Desk) -> None:
    other = desk.with_reading(READING)
    answers = await asyncio.gather(desk.reception.receive(adt()), other.receive(adt()))
    assert answers[0] == answers[1]
    assert await desk.kept() == 1


async def test_control_ids_are_those_of_a_sender(desk: Desk) -> None:
    assert await desk.send(adt()) == ["AA 1"]
    assert await desk.send(adt().replace(b"NORTH", b"SOUTH")) == ["AA 1"]
    assert await desk.kept() == 2


async def test_a_control_id_used_for_something_else_is_refused_and_the_message_kept(desk: Desk) -> None:
    await desk.send(adt())
    assert await desk.send(adt(patient="8")) == ["AE 1 205 MSH^1^10^1"]
    assert await desk.send(adt()) == ["AA 1"]
    (failed,) = await desk.facts(FAILED)
    assert base64.b64decode(failed["raw"]) == adt(patient="8")
    assert await desk.kept() == 1


async def test_a_site_may_use_control_ids_again(desk: Desk) -> None:
    desk.reception = desk.with_reading(replace(READING, reuse_ids=True))
    assert await desk.send(adt()) == ["AA 1"]
    assert await desk.send(adt(patient="8")) == ["AA 1"]
    assert await desk.send(adt(patient="8")) == ["AA 1"]
    assert await desk.kept() == 2


async def test_what_is_rejected_is_kept_with_the_reason_and_taken_in_when_it_comes_again(desk: Desk) -> None:
    desk.ingest.errors = [Rejected("AE", "101", "PV1-2"), Rejected("AE", "204", "PID-3", "not known")]
    assert await desk.send(adt()) == ["AE 1 101 PV1^1^2^1"]
    assert await desk.send(adt()) == ["AE 1 204 PID^1^3^1"]
    (failed,) = await desk.facts(FAILED)
    assert (failed["open"], failed["attempt"], failed["code"], failed["error"]) == (True, 2, "AE", "204")
    assert (failed["place"], failed["text"]) == ("PID-3", "not known")
    assert base64.b64decode(failed["raw"]) == adt()
    assert await desk.send(adt()) == ["AA 1"]
    (failed,) = await desk.facts(FAILED)
    assert (failed["open"], failed["settled"]) == (False, "taken in")
    assert "raw" not in failed
    assert await desk.send(adt()) == ["AA 1"]
    assert await desk.kept() == 1


@pytest.mark.parametrize("raw", [adt(), b"nonsense", adt() + b"nonsense", adt("9")])
async def test_what_fails_again_and_again_is_kept_once(desk: Desk, raw: bytes) -> None:
    await desk.send(adt("9", patient="other"))
    desk.ingest.errors = [Rejected("AE", "204", "PID-3", "not known")] * 3
    first = await desk.reception.receive(raw)
    head = desk.store.head
    desk.clock.at = desk.clock.at.replace(hour=16)
    for _ in range(2):
        assert await desk.reception.receive(raw) == first
    assert desk.store.head == head
    assert len(await desk.facts(FAILED)) == 1


async def test_a_corrected_message_may_have_the_id_of_the_one_that_failed(desk: Desk) -> None:
    desk.ingest.errors = [Rejected("AE", "204", "PID-3", "not known")]
    await desk.send(adt())
    assert await desk.send(adt(patient="8")) == ["AA 1"]
    assert [one["open"] for one in await desk.facts(FAILED)] == [False]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (adt("").replace(b"ADT^A08", b"ADT^A08^ADT_A01"), "AR  101 MSH^1^10^1"),
        (adt().replace(b"ADT^A08", b""), "AR 1 200 MSH^1^9^1"),
        (adt() + b"more", "AE 1 100"),
        (b"nonsense", "AR  100"),
        (b"", "AR  100"),
        (b"MSH|^^~&|x|\r", "AR  100 MSH^1^2^1"),
        (adt().replace(b"|||\r", b"||||||UTF-77\r"), "AR 1 102 MSH^1^18^1"),
        (adt() + b"NTE|1||\xff\r", "AE 1 102 NTE^1^3^1"),
    ],
)
async def test_what_cannot_be_read_is_answered_with_the_place_and_kept(
    desk: Desk, raw: bytes, told: str
) -> None:
    assert await desk.send(raw) == [told]
    (failed,) = await desk.facts(FAILED)
    assert base64.b64decode(failed["raw"]) == raw


async def test_a_fault_of_ours_loses_no_message_and_tells_no_value(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.ingest.errors = [KeyError("Miller")]
    assert await desk.send(adt()) == ["AE 1 207"]
    (failed,) = await desk.facts(FAILED)
    assert failed["text"] == "internal error (KeyError)"
    assert "test_hl7_reception.py:" in caplog.text
    assert "Miller" not in caplog.text
    assert await desk.send(adt()) == ["AA 1"]


@pytest.mark.parametrize(
    ("category", "told", "open_failures"),
    [
        (Category.BUSY, "AR 1 207", 0),
        (Category.CONFLICT, "AR 1 207", 0),
        (Category.UNPROCESSABLE, "AE 1 207", 1),
        (Category.FORBIDDEN, "AR 1 207", 1),
    ],
)
async def test_what_the_store_refuses(desk: Desk, category: Category, told: str, open_failures: int) -> None:
    desk.ingest.errors = [refuse(category, "invalid", "no", "Patient.name")]
    assert await desk.send(adt()) == [told]
    assert len(await desk.facts(FAILED)) == open_failures
    assert await desk.send(adt()) == ["AA 1"]


async def test_nothing_is_said_to_be_safe_that_could_not_be_stored(desk: Desk) -> None:
    await desk.store.close()
    assert await desk.send(adt()) == ["AR 1 207"]
    assert await desk.send(adt(more="AL|AL")) == ["CE 1 207"]
    assert await desk.send(b"nonsense") == ["AR  207"]


async def test_only_the_processing_ids_of_a_site_are_taken_in(desk: Desk) -> None:
    desk.reception = desk.with_reading(replace(READING, processing_ids=frozenset(("P",))))
    assert await desk.send(adt()) == ["AA 1"]
    assert await desk.send(adt("2").replace(b"|P|", b"|T|")) == ["AR 2 202 MSH^1^11^1"]


async def test_remarks_are_told_where_they_are_wanted(desk: Desk) -> None:
    desk.ingest.remarks = ("ZPI[1] is kept",)
    assert await desk.send(adt()) == ["AA 1"]
    desk.reception = desk.with_reading(replace(READING, warn=True))
    assert await desk.send(adt("2")) == ["AA 2 207"]


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        ("|", ["AA 1"], ["AE 1 204 PID^1^3^1"]),
        ("AL|AL", ["CA 1", "AA 1"], ["CA 1", "AE 1 204 PID^1^3^1"]),
        ("AL|NE", ["CA 1"], ["CA 1"]),
        ("AL|ER", ["CA 1"], ["CA 1", "AE 1 204 PID^1^3^1"]),
        ("ER|SU", ["AA 1"], []),
        ("NE|AL", ["AA 1"], ["AE 1 204 PID^1^3^1"]),
        ("NE|NE", [], []),
    ],
)
async def test_enhanced_mode(desk: Desk, wanted: str, good: list[str], bad: list[str]) -> None:
    assert await desk.send(adt(more=wanted)) == good
    desk.ingest.errors = [Rejected("AE", "204", "PID-3", "not known")]
    assert await desk.send(adt(more=wanted).replace(b"NORTH", b"SOUTH")) == bad


async def test_in_enhanced_mode_a_message_that_is_not_for_us_is_not_accepted(desk: Desk) -> None:
    assert await desk.send(adt(more="AL|AL").replace(b"ADT^A08", b"")) == ["CR 1 200 MSH^1^9^1"]


async def test_a_patients_messages_keep_their_order_and_others_pass(desk: Desk) -> None:
    desk.ingest.delays = {"1": 0.05}
    merge = adt("3", patient="8", event="A40") + b"MRG|7\r"
    messages = [adt("1"), adt("2"), merge, adt("4", patient="8"), adt("5", patient="9")]
    await asyncio.gather(*(desk.reception.receive(one) for one in messages))
    assert desk.ingest.order == ["5", "1", "2", "3", "4"]


BHS = b"BHS|^~\\&|LAB|NORTH|EHR|MAIN|2026||||77\r"


async def test_a_batch_is_answered_by_a_batch(desk: Desk) -> None:
    desk.ingest.errors = [Rejected("AE", "204", "PID-3", "not known")]
    (answer,) = await desk.reception.receive(BHS + adt("1") + adt("2") + b"BTS|2\r")
    assert answer.startswith(b"BHS|^~\\&|EHR|MAIN|LAB|NORTH|20261128150000.000+0000||||")
    assert answer.count(b"MSA|AE|1") == answer.count(b"MSA|AA|2") == 1
    assert answer.endswith(b"BTS|2\r")


async def test_a_batch_whose_count_is_wrong_is_kept_and_has_no_effect(desk: Desk) -> None:
    assert await desk.send(BHS + adt("1") + b"BTS|2\r") == ["AE  100 BTS^1^1^1"]
    assert await desk.kept() == 0
    (failed,) = await desk.facts(FAILED)
    assert base64.b64decode(failed["raw"]).startswith(BHS)
    assert [one["code"] for one in await desk.facts(CONTROL)] == ["AE"]
