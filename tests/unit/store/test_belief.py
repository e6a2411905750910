"""What was believed at one time about another, against a model that is written without the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fhirserver.kernel.instants import FixedClock, instant, microseconds
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.log import Statement
from fhirserver.ports.storage import Key
from fhirserver.search.literals import date_range
from fhirserver.storage.memory.storage import MemoryStorage
from fhirserver.store.as_of import believed, moment, moment_at
from fhirserver.store.commands import Command, Decide, Put, Ruling
from fhirserver.store.store import Store
from fhirserver.world.survivorship import claims_on
from tests.contracts.places import POLICIES

START = datetime(2026, 11, 1, tzinfo=UTC)
UNITS = ("gender", "birthDate")
VALUES = {"gender": ("male", "female", "other"), "birthDate": ("1980-01-01", "1981-01-01", "1982-01-01")}
SURE = {"ehr": Decimal("1.0"), "agent": Decimal("0.5"), "operator": Decimal("0.9")}

statements = st.tuples(
    st.just("say"),
    st.sampled_from(list(SURE)),
    st.dictionaries(st.sampled_from(UNITS), st.integers(0, 2), min_size=1),
    st.none() | st.integers(0, 12),
)
decisions = st.tuples(
    st.sampled_from(["approve", "reject", "verify"]),
    st.sampled_from(list(SURE)),
    st.sampled_from(UNITS),
    st.none(),
)


@dataclass
class Said:
    """One source's claim on one unit, in the model."""

    value: str
    position: int
    since: str
    sure: Decimal
    effective: str = ""


@dataclass
class Event:
    """One commit: a statement (``units`` by value) or a ruling on a claim, with the claims it was made against."""

    kind: str
    source: str
    position: int
    recorded: str
    units: dict[str, str]
    since: str = ""
    claim: int = 0
    effective: str = ""
    against: tuple[tuple[str, int], ...] = ()


def model(events: list[Event], until: str) -> dict[str, tuple[str, Decimal]]:
    """The value and confidence of each unit: statements effective before ``until``, and rulings on those claims."""
    found = {}
    for unit in UNITS:
        claims: dict[str, Said] = {}
        for event in events:
            if event.kind == "say" and unit in event.units and event.since < until:
                value, before = event.units[unit], claims.get(event.source)
                late = before is not None and event.effective and event.effective < before.effective
                if before is None or (before.value != value and not late):
                    claims[event.source] = Said(
                        value, event.position, event.since, SURE[event.source], event.effective
                    )
        won = decided(
            claims, [one for one in events if one.kind != "say" and unit in one.units], heard(events, until)
        )
        if won:
            found[unit] = won
    return found


def heard(events: list[Event], until: str) -> set[int]:
    return {event.position for event in events if event.kind == "say" and event.since < until}


def decided(claims: dict[str, Said], rulings: list[Event], counted: set[int]) -> tuple[str, Decimal] | None:
    dead: set[tuple[str, int]] = set()
    settled: set[tuple[str, int]] = set()
    sure = {source: claim.sure for source, claim in claims.items()}
    for ruling in reversed([one for one in rulings if one.claim in counted]):
        mine = (ruling.source, ruling.claim)
        if ruling.kind == "reject" and mine not in settled:
            dead.add(mine)
        if ruling.kind == "approve" and ruling.source in claims and mine not in dead:
            settled.add(mine)
            for other in ruling.against:
                agrees = other[0] in claims and claims[other[0]].value == claims[ruling.source].value
                if other not in settled and not (agrees and other[0] != ruling.source):
                    dead.add(other)
        claim = claims.get(ruling.source)
        if claim is not None and claim.position == ruling.claim and ruling.kind != "reject":
            floor = Decimal("0.95") if ruling.kind == "approve" else Decimal("0.7")
            sure[ruling.source] = max(sure[ruling.source], floor)
    live = [
        (sure[source], claim.since, source, claim.value)
        for source, claim in claims.items()
        if (source, claim.position) not in dead
    ]
    if not live:
        return None
    best = max(live)
    return best[3], best[0]


async def played(store: Store, clock: FixedClock, steps: list[Any]) -> list[Event]:
    """The steps in a store, one a day; what was committed, as the model has it."""
    events = []
    for kind, source, what, since in steps:
        clock.at += timedelta(days=1)
        before = store.head
        if kind == "say":
            units = {unit: VALUES[unit][value] for unit, value in what.items()}
            effective = instant(START + timedelta(days=since, hours=12)) if since is not None else ""
            statement = Statement(source, confidence=SURE[source], mode="partial", effective=effective)
            await store.submit(
                Command(statement, [Put("Patient", "p", {"resourceType": "Patient", **units})])
            )
            since_text = effective or instant(clock.at)
            event = Event(kind, source, store.head, instant(clock.at), units, since_text, effective=effective)
        else:
            ledger = await store.ledger("Patient", "p")
            claims = claims_on(ledger, what) if ledger else []
            mine = next((one for one in claims if one.source == source), None)
            if mine is None:
                continue
            ruling = Ruling(kind, what, source, mine.stamp.position)
            try:
                await store.submit(Command(Statement("operator"), [Decide("Patient", "p", [ruling])]))
            except Refusal:  # nothing is left of the resource
                continue
            (commit,) = await store.read_log(store.head - 1, 1)
            against = tuple((s, p) for s, p in commit.events[0]["decisions"][0].get("against", ()))
            event = Event(kind, source, store.head, "", {what: ""}, "", mine.stamp.position, "", against)
        if store.head > before:
            events.append(event)
    return events


UNHEARD_APPROVAL = [
    ("say", "agent", {"gender": 1}, 0),
    ("say", "ehr", {"gender": 0}, 1),
    ("say", "agent", {"gender": 2}, 10),
    ("approve", "agent", "gender", None),  # of what is said about a later time: it supersedes nothing earlier
]


LATE = [
    ("say", "ehr", {"gender": 0}, None),
    ("say", "ehr", {"gender": 0, "birthDate": 1}, 1),
    ("say", "ehr", {"birthDate": 0}, 0),  # of an earlier time than what the source said of it already
]


@settings(max_examples=40)
@example(UNHEARD_APPROVAL, 9, 5)
@example(LATE, 3, 2)
@given(st.lists(statements | decisions, min_size=3, max_size=14), st.integers(0, 14), st.integers(0, 14))
async def test_against_the_model(steps: list[Any], position: int, day: int) -> None:
    clock = FixedClock(START)
    store = Store(MemoryStorage(), POLICIES, clock=clock)
    await store.open()
    events = await played(store, clock, steps)
    at, until = await moment_at(store, min(position, store.head)), instant(START + timedelta(days=day))
    entity = await believed(store, Key("Patient", "p"), at, microseconds(until))
    got = {}
    if entity is not None:
        top, lower = entity.world.confidence, entity.world.lower
        got = {
            unit: (next(iter(value.values())), lower.get(unit, top))
            for unit, value in entity.world.units.items()
        }
    await store.close()
    assert got == model([event for event in events if event.position <= at.position], until)


async def test_the_example_of_the_documentation() -> None:
    """docs/time.md: what was believed on Tuesday about Monday, and what is believed about it since Wednesday."""
    clock = FixedClock(datetime(2026, 11, 2, 9, tzinfo=UTC))
    store = Store(MemoryStorage(), POLICIES, clock=clock)
    await store.open()
    for member, since in (("A", "2026-11-01"), ("B", "2026-11-03"), ("C", "2026-11-02")):
        statement = Statement("ehr", effective=since)
        content = {"resourceType": "Coverage", "status": "active", "subscriberId": member}
        await store.submit(Command(statement, [Put("Coverage", "c", content)]))
        clock.at += timedelta(days=1)

    async def believed_on(day: str, about: str) -> str:
        at = await moment(store, day)
        entity = await believed(store, Key("Coverage", "c"), at, date_range(about)[1])
        return str(entity.json["subscriberId"]) if entity else ""

    assert await believed_on("2026-11-03", "2026-11-03") == "B"
    assert await believed_on("2026-11-03", "2026-11-02") == "A"
    assert await believed_on("2026-11-04", "2026-11-02") == "C"
    assert await believed_on("2026-11-04", "2026-11-01") == "A"
    assert await believed_on("2026-11-02", "2026-10-31") == ""
    await store.close()
