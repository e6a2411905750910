"""What holds of all scheduling rules, whatever the set, the slots and the clocks: also where clocks are put back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.records import SlotRecord
from agent.scheduling import applying
from agent.scheduling.applying import APPLIED, admitted, verdicts
from agent.scheduling.circumstances import Circumstances, Known, Visit
from agent.scheduling.wishes import Wish, window
from fhirserver.world.configured.parts import WEEKDAYS, read
from fhirserver.world.configured.scheduling_rules import SchedulingRules

ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Auckland", "UTC")
WHO = ("Practitioner/a", "Practitioner/b")
WHERE = ("Location/a", "Location/b")
BEGIN = datetime(2026, 10, 20, 0, 0, tzinfo=UTC)  # clocks are put back on 25 October and 1 November

clocks = st.integers(0, 23).flatmap(
    lambda a: st.integers(a + 1, 24).map(lambda b: {"from": f"{a:02}:00", "to": f"{b:02}:00"})
)
days = st.fixed_dictionaries(
    {"days": st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7, unique=True)}
)
scopes = st.fixed_dictionaries(
    {},
    optional={
        "practitioners": st.lists(st.sampled_from(WHO), max_size=2, unique=True),
        "locations": st.lists(st.sampled_from(WHERE), max_size=2, unique=True),
        "services": st.lists(st.sampled_from(("x", "y")), max_size=2, unique=True),
    },
)


def merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {k: v for part in found for k, v in part.items()})


def some(part: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(part, max_size=3)


def one(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(members)


exceptions = merged(
    scopes,
    clocks,
    one(name=st.just("Feast"), date=st.sampled_from(("2026-10-25", "2026-11-01")), closed=st.booleans()),
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "lead": st.integers(0, 3000),
        "rolling_days": some(merged(scopes, one(days=st.integers(1, 30)))),
        "open_hours": st.fixed_dictionaries(
            {"weekly": some(merged(scopes, days, clocks)), "exceptions": some(exceptions)}
        ),
        "concurrent_start_block": some(
            merged(
                scopes,
                one(
                    most=st.integers(1, 3),
                    per=st.sampled_from(("practitioner", "location", "practice")),
                    within_minutes=st.integers(0, 60),
                ),
            )
        ),
        "block_overlap": some(merged(scopes, one(buffer_minutes=st.integers(0, 60)))),
        "session_grid": some(merged(scopes, days, clocks, one(minutes=st.sampled_from((10, 15, 20, 30))))),
        "release": some(merged(scopes, days, clocks, one(hours_before=st.integers(1, 400)))),
        "patient_limit": some(merged(scopes, one(most=st.integers(1, 3), within_days=st.integers(1, 20)))),
        "durations": some(one(service=st.sampled_from(("x", "y")), minutes=st.integers(5, 90))),
        "patient_kinds": some(
            merged(scopes, days, clocks, one(patients=st.sampled_from(("new", "established"))))
        ),
    },
)
moments = st.integers(0, 30 * 24 * 4).map(lambda quarter: BEGIN + timedelta(minutes=15 * quarter))
visits = st.builds(
    lambda start, length, who, where: Visit(start, start + timedelta(minutes=length), who, where),
    moments,
    st.sampled_from((15, 30, 60)),
    st.sampled_from(WHO),
    st.sampled_from(WHERE),
)


@st.composite
def slots(draw: st.DrawFn, zone: ZoneInfo) -> list[SlotRecord]:
    made = []
    for i in range(draw(st.integers(0, 8))):
        start, length = draw(moments), draw(st.sampled_from((15, 20, 30, 60)))
        service = draw(st.sampled_from(("", "x", "y")))
        resource = {"serviceType": [{"coding": [{"code": service}]}]} if service else {}
        end = start + timedelta(minutes=length)
        where, who = draw(st.sampled_from(WHERE)), draw(st.sampled_from(WHO))
        made.append(
            SlotRecord(
                f"s{i}", start.astimezone(zone), end.astimezone(zone), who, "", where, "", resource=resource
            )
        )
    return made


@st.composite
def worlds(draw: st.DrawFn) -> tuple[SchedulingRules, list[SlotRecord], Circumstances]:
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    known = st.builds(Known, st.lists(visits, max_size=4).map(tuple), st.sampled_from((None, True, False)))
    around = Circumstances(
        draw(moments),
        zone,
        patient=draw(st.none() | known),
        taken=tuple(draw(st.lists(visits, max_size=6))),
    )
    return read(SchedulingRules, draw(documents)), draw(slots(zone)), around


@settings(max_examples=300, deadline=None)
@given(worlds())
def test_a_rule_set_never_adds_a_slot_and_keeps_their_order(
    world: tuple[SchedulingRules, list[SlotRecord], Circumstances],
) -> None:
    rules, free, around = world
    kept = list(admitted(rules, free, around))
    remaining = iter(free)
    assert all(any(slot is other for other in remaining) for slot in kept)
    assert [v.slot.id for v in verdicts(rules, free, around) if v.stays] == [s.id for s in kept]
    assert list(admitted(rules, kept, around)) == kept  # once is enough


@settings(max_examples=200, deadline=None)
@given(worlds(), st.permutations(list(APPLIED)), st.randoms(use_true_random=False))
def test_neither_the_order_of_rules_nor_of_slots_matters(
    world: tuple[SchedulingRules, list[SlotRecord], Circumstances], order: list[str], chance: Any
) -> None:
    rules, free, around = world
    expected = {slot.id for slot in admitted(rules, free, around)}
    shuffled = list(free)
    chance.shuffle(shuffled)
    one_by_one = shuffled
    for name in order:
        one_by_one = [slot for slot in one_by_one if not APPLIED[name](rules, _utc(slot), around)]
    assert {slot.id for slot in one_by_one} == expected
    assert {slot.id for slot in admitted(rules, shuffled, around)} == expected


def _utc(slot: SlotRecord) -> SlotRecord:
    return applying.replace(slot, start=slot.start.astimezone(UTC), end=slot.end.astimezone(UTC))


@settings(max_examples=200, deadline=None)
@given(worlds(), st.sampled_from(ZONES))
def test_in_which_zone_slots_are_written_does_not_matter(
    world: tuple[SchedulingRules, list[SlotRecord], Circumstances], zone: str
) -> None:
    rules, free, around = world
    elsewhere = [
        applying.replace(s, start=s.start.astimezone(ZoneInfo(zone)), end=s.end.astimezone(ZoneInfo(zone)))
        for s in free
    ]
    told = [v.removals for v in verdicts(rules, free, around)]
    assert [v.removals for v in verdicts(rules, elsewhere, around)] == told


@settings(max_examples=200, deadline=None)
@given(worlds(), documents)
def test_one_more_rule_never_brings_a_slot_back(
    world: tuple[SchedulingRules, list[SlotRecord], Circumstances], further: dict[str, Any]
) -> None:
    """But for hours: narrower ones go before wider ones, and an exception before both."""
    rules, free, around = world
    first = rules.model_dump(mode="json", by_alias=True)
    joined = dict(first)
    for name, value in further.items():
        if isinstance(value, list):
            joined[name] = [*first[name], *value]
    more = read(SchedulingRules, joined)
    grids_before = {s.id for s in admitted(rules.model_copy(update={"session_grid": []}), free, around)}
    kept = {s.id for s in admitted(more.model_copy(update={"session_grid": []}), free, around)}
    assert kept <= grids_before


def test_the_hour_that_comes_twice_and_the_one_that_does_not_come() -> None:
    """On 1 November 2026 clocks in New York go from 02:00 back to 01:00; on 14 March 2027 from 02:00 to 03:00."""
    zone = ZoneInfo("America/New_York")
    rules = read(SchedulingRules, {"lead": 0, "durations": [{"service": "x", "minutes": 30}]})
    resource = {"serviceType": [{"coding": [{"code": "x"}]}]}
    across = datetime(2026, 11, 1, 5, 45, tzinfo=UTC)  # 01:45 for the first time; ends at 01:15 on the wall
    slot = SlotRecord(
        "s", across.astimezone(zone), (across + timedelta(minutes=30)).astimezone(zone), resource=resource
    )
    assert (slot.end - slot.start) < timedelta()  # what the wall says
    around = Circumstances(across - timedelta(hours=5), zone)
    assert list(admitted(rules, [slot], around)) == [slot]
    twice = Visit(
        (across + timedelta(hours=1)).astimezone(zone), (across + timedelta(minutes=90)).astimezone(zone)
    )
    overlap = read(SchedulingRules, {"lead": 0, "block_overlap": [{}]})
    apart = Circumstances(across - timedelta(hours=5), zone, patient=Known((twice,)))
    assert list(admitted(overlap, [slot], apart)) == [slot]  # the same hour on the wall, an hour apart
    missing = datetime(2027, 3, 14, 6, 45, tzinfo=UTC)
    spring = SlotRecord(
        "s", missing.astimezone(zone), (missing + timedelta(minutes=20)).astimezone(zone), resource=resource
    )
    assert not list(admitted(rules, [spring], Circumstances(missing - timedelta(hours=5), zone)))


@given(moments, st.sampled_from(ZONES), st.integers(1, 60))
def test_the_window_ends_where_booking_does(now: datetime, zone: str, reach: int) -> None:
    local = now.astimezone(ZoneInfo(zone))
    rules = read(SchedulingRules, {"rolling_days": [{"days": reach}]})
    first, last = window(Wish(), local, rules)
    assert first <= last
    if last > first:
        assert (last.date() - local.date()).days <= reach
