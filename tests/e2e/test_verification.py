"""Claims are checked against the conversation they rest on, and an operator sees what is doubtful, once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fhirserver.kernel.instants import FixedClock
from fhirserver.kernel.json import loads
from fhirserver.ports.judge import Turn
from fhirserver.ports.log import Statement
from fhirserver.search.expression import Query, TokenIs
from fhirserver.store.commands import Command, Decide, Merge, Put, Ruling, Unmerge
from fhirserver.store.followers import Following
from fhirserver.store.transcripts import KIND
from fhirserver.world.judge.deterministic import DeterministicJudge
from fhirserver.world.judge.transcript import attachments
from fhirserver.world.policy import default_policy
from fhirserver.world.review import read_item
from fhirserver.world.sources import Source
from fhirserver.world.survivorship import claims_on
from fhirserver.world.vocabulary import CALLER_VOICE, TASK_CODE, TRANSCRIPT_TURNS
from subscriptions.verification import Verification
from tests.unit.runner.practice import SOURCES, make_store

TALK = "Communication/call-1"
GOOD = (
    ("agent", "What is the member ID?"),
    ("caller", "W as in whiskey, one two double three four five"),
    ("agent", "I have Aetna, member ID W, one two three three, four five. Is that right?"),
    ("caller", "yes that's right"),
)
OTHERS = {**SOURCES, "lab": Source("lab", "ehr", authoritative=True)}
COVERAGE = {"status": "active", "beneficiary": {"reference": "Patient/p"}, "payor": [{"display": "Aetna"}]}
VISIT = {
    "status": "booked",
    "start": "2026-11-26T14:00:00Z",
    "end": "2026-11-26T14:30:00Z",
    "participant": [{"actor": {"reference": "Patient/p"}, "status": "accepted"}],
}
BOOKING = (
    ("agent", "I can offer Thursday, November 26, at 9:00 AM. Shall I book it?"),
    ("caller", "yes please"),
    ("agent", "You are booked for Thursday, November 26, at 9:00 AM. Is that right?"),
    ("caller", "yes that's right"),
)


class Room:
    """A store and its verification follower, turned by hand."""

    def __init__(self, store, sources):
        self.store = store
        self.clock = FixedClock(datetime.now(UTC))
        self.sources = sources
        self.begin()

    def begin(self):
        """A new process."""
        policy = default_policy()
        self.follower = Verification(self.store, policy, DeterministicJudge(), self.sources, clock=self.clock)
        self.following = Following(self.store, self.follower, "credence")

    async def say(self, type, id, content, source="agent", confidence="0.5", talk=TALK, turns="1,2", mode=""):
        entity = ()
        if talk:
            extension = [{"url": TRANSCRIPT_TURNS, "valueString": turns}]
            entity = ({"role": "source", "what": {"reference": talk}, "extension": extension},)
        sure = Decimal(confidence) if confidence else None
        statement = Statement(source, confidence=sure, method="confirmed", mode=mode, entity=entity)
        put = Put(type, id, {"resourceType": type, "id": id, **content})
        await self.store.submit(Command(statement, (put,)))

    async def transcript(self, lines=GOOD, talk=TALK):
        start = datetime(2026, 11, 24, 19, 47, tzinfo=UTC)
        turns = [Turn(n, who, text, start + timedelta(seconds=n)) for n, (who, text) in enumerate(lines, 1)]
        document = {
            "status": "current",
            "category": [{"coding": [{"system": KIND, "code": "transcript"}]}],
            "content": attachments(turns, talk, "America/New_York", start),
            "context": {"related": [{"reference": talk}]},
        }
        await self.say("DocumentReference", f"t-{talk[-1]}", document, talk="")

    async def follow(self):
        while await self.following.step():
            pass

    async def wait(self, minutes):
        self.clock.at += timedelta(minutes=minutes)
        writes = await self.follower.overdue()
        if writes:
            await self.store.submit(Command(Statement("credence"), tuple(writes)))

    async def items(self):
        page = await self.store.search(Query("Task", TokenIs("code", TASK_CODE, "review"), count=100))
        return [loads(version.content) for version in page.versions]

    async def findings(self):
        return {claim.unit: claim.finding for task in await self.items() for claim in read_item(task).claims}

    async def claim(self, type, id, unit, source="agent"):
        entity = await self.store.entity(type, id)
        return next(c for c in claims_on(entity.ledger, unit) if c.source == source)


@pytest.fixture
async def room(tmp_path, request):
    sources = getattr(request, "param", SOURCES)
    store = make_store(tmp_path / "credence.db", sources)
    await store.open()
    yield Room(store, sources)
    await store.close()


async def test_claims_wait_for_the_transcript_and_are_judged_by_it(room):
    await room.say("Coverage", "c", {**COVERAGE, "subscriberId": "W123345"})
    await room.follow()
    assert await room.items() == []
    await room.transcript()
    await room.follow()
    claim = await room.claim("Coverage", "c", "subscriberId")
    assert (claim.confidence, claim.checked) == (Decimal("0.7"), "verify")
    (item,) = await room.items()
    assert item["focus"]["reference"] == "Coverage/c" and item["for"]["reference"] == "Patient/p"
    assert (await room.findings())["subscriberId"] == "verified", "coverage needs an operator all the same"
    assert item["reasonReference"]["reference"] == TALK


async def test_a_contradicted_claim_keeps_its_confidence_and_is_urgent(room):
    await room.say("Coverage", "c", {**COVERAGE, "subscriberId": "W123346"})
    await room.transcript()
    await room.follow()
    claim = await room.claim("Coverage", "c", "subscriberId")
    assert (claim.confidence, claim.checked) == (Decimal("0.5"), "doubt")
    (item,) = await room.items()
    assert item["priority"] == "urgent" and (await room.findings())["subscriberId"] == "contradicted"


async def test_a_verified_booking_needs_no_operator(room):
    await room.say("Appointment", "a", VISIT)
    await room.transcript(BOOKING)
    await room.follow()
    assert (await room.claim("Appointment", "a", "start")).confidence == Decimal("0.7")
    assert await room.items() == []


async def test_a_doubtful_booking_goes_to_review(room):
    await room.say(
        "Appointment", "a", {**VISIT, "start": "2026-11-27T20:00:00Z", "end": "2026-11-27T20:30:00Z"}
    )
    await room.transcript(BOOKING)
    await room.follow()
    (item,) = await room.items()
    assert item["focus"]["reference"] == "Appointment/a"
    assert set((await room.findings()).values()) <= {"doubtful", "contradicted"}


async def test_claims_without_a_conversation_go_to_review_at_once(room):
    await room.say("Patient", "p", {"birthDate": "1980-01-01"}, talk="")
    await room.follow()
    assert await room.findings() == {"birthDate": "unverified"}


async def test_what_repeats_a_passed_value_needs_nobody(room):
    await room.say("Patient", "p", {"birthDate": "1980-01-01"}, source="ehr", confidence="", talk="")
    await room.say("Patient", "p", {"birthDate": "1980-01-01"}, talk="", mode="partial")
    await room.follow()
    assert await room.items() == []


async def test_one_pending_item_per_entity_takes_new_claims_in(room):
    await room.say("Patient", "p", {"birthDate": "1980-01-01"}, talk="")
    await room.follow()
    await room.say("Patient", "p", {"gender": "male"}, talk="", mode="partial")
    await room.follow()
    (item,) = await room.items()
    assert set(await room.findings()) == {"birthDate", "gender"} and item["meta"]["versionId"] == "2"


async def test_a_conversation_without_transcript_goes_to_review_in_the_end(room):
    await room.say("Coverage", "c", {**COVERAGE, "subscriberId": "W123345"})
    await room.follow()
    await room.wait(9)
    assert await room.items() == []
    room.begin()
    await room.wait(2)
    assert (await room.findings())["subscriberId"] == "expired"
    await room.wait(20)
    assert len(await room.items()) == 1


async def test_a_late_transcript_is_judged_all_the_same(room):
    await room.say("Appointment", "a", VISIT)
    await room.follow()
    await room.wait(11)
    assert set((await room.findings()).values()) == {"expired"}
    await room.transcript(BOOKING)
    await room.follow()
    assert (await room.claim("Appointment", "a", "start")).confidence == Decimal("0.7")
    (item,) = await room.items()
    assert item["status"] == "cancelled", "verified: nothing is left for an operator"


async def test_a_claim_written_after_the_transcript_is_judged_at_once(room):
    await room.transcript()
    await room.follow()
    await room.say("Coverage", "c", {**COVERAGE, "subscriberId": "W123345"})
    await room.follow()
    assert (await room.claim("Coverage", "c", "subscriberId")).checked == "verify"


async def test_a_restart_between_claim_and_transcript_forgets_nothing(room):
    await room.say("Coverage", "c", {**COVERAGE, "subscriberId": "W123345"})
    await room.follow()
    room.begin()
    await room.transcript()
    await room.follow()
    assert (await room.claim("Coverage", "c", "subscriberId")).checked == "verify"
    head = room.store.head
    room.begin()
    await room.follow()
    assert room.store.head == head, "read again, it says nothing new"


async def test_no_search_of_the_log_for_a_conversation_that_ended(room):
    async def never():
        raise AssertionError("derived Provenance is not needed")

    room.store.derive_provenance = never
    await room.say("Coverage", "c", {**COVERAGE, "subscriberId": "W123345"})
    await room.transcript()
    await room.follow()
    assert await room.items()


@pytest.mark.parametrize("room", [OTHERS], indirect=True)
async def test_equally_sure_sources_that_disagree_are_an_operator_s_matter(room):
    await room.say("Patient", "p", {"birthDate": "1980-01-01"}, source="ehr", confidence="", talk="")
    await room.follow()
    await room.say("Patient", "p", {"birthDate": "1980-10-01"}, source="lab", confidence="", talk="")
    await room.follow()
    (item,) = await room.items()
    assert {c.source: c.finding for c in read_item(item).claims} == {
        "ehr": "disagreement",
        "lab": "disagreement",
    }
    claim = await room.claim("Patient", "p", "birthDate", "ehr")
    approval = Ruling("approve", "birthDate", "ehr", claim.stamp.position)
    await room.store.submit(Command(Statement("operator"), (Decide("Patient", "p", [approval]),)))
    assert (await room.store.entity("Patient", "p")).json["birthDate"] == "1980-01-01"


NEAR = {**OTHERS, "payer": Source("payer", "ehr", base=Decimal("0.9"), authoritative=True)}
FAR = {**OTHERS, "payer": Source("payer", "ehr", base=Decimal("0.85"), authoritative=True)}


@pytest.mark.parametrize(("room", "found"), [(NEAR, 2), (FAR, 0)], indirect=["room"])
async def test_nearly_equally_sure_sources_disagree_too(room, found):
    await room.say("Patient", "p", {"birthDate": "1980-01-01"}, source="ehr", confidence="", talk="")
    await room.say("Patient", "p", {"birthDate": "1980-10-01"}, source="payer", confidence="", talk="")
    await room.follow()
    claims = [claim for task in await room.items() for claim in read_item(task).claims]
    assert [claim.finding for claim in claims] == ["disagreement"] * found


@pytest.mark.parametrize("undone", [False, True], ids=["merged", "undone"])
async def test_claims_are_judged_where_they_are_after_a_merge(room, undone):
    """The transcript comes when what was claimed about one patient is about another already, or again its own."""
    for id in ("p", "q"):
        await room.say("Patient", id, {"name": [{"family": "Lane"}]}, source="ehr", confidence="", talk="")
    merge, unmerge = Merge("Patient", "q", "p"), Unmerge("Patient", "q")
    if undone:
        await room.store.submit(Command(Statement("operator"), (merge,)))
    await room.say("Patient", "q", {"birthDate": "1980-02-03"}, mode="partial")
    await room.follow()
    await room.store.submit(Command(Statement("operator"), (unmerge if undone else merge,)))
    await room.transcript()
    await room.follow()
    id, source = ("q", "agent") if undone else ("p", "agent@q")
    assert (await room.claim("Patient", id, "birthDate", source)).checked in ("verify", "doubt")
    (item,) = await room.items()
    assert item["focus"]["reference"] == f"Patient/{id}"


def observed(system):
    """An Observation of the agent's with as many elements as a mood has."""
    return {
        "status": "final",
        "code": {"coding": [{"system": system, "code": "mood-timeline"}]},
        "subject": {"reference": "Patient/p"},
        "note": [{"text": "as it sounded"}],
        "valueString": "calm",
    }


async def test_an_operator_is_asked_about_observations_but_never_about_the_mood_of_a_call(room):
    await room.say("Observation", "mood", observed(CALLER_VOICE), confidence="0.2", talk="")
    await room.say("Observation", "mood2", observed(CALLER_VOICE), confidence="0.2")
    await room.follow()
    await room.wait(120)
    assert await room.items() == []
    await room.say("Observation", "other", observed("http://example.org/other"), confidence="0.2", talk="")
    await room.follow()
    (task,) = await room.items()
    assert task["focus"]["reference"] == "Observation/other"
    assert set(await room.findings()) == {"status", "code", "subject", "note", "value[x]"}
