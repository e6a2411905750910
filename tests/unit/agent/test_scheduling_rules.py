"""The scheduling rules, one by one: what each takes away, what it says of it, and what it leaves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agent.records import SlotRecord
from agent.scheduling.applying import admitted, verdicts
from agent.scheduling.circumstances import Circumstances, Known, Visit
from fhirserver.world.configured.parts import InvalidDocument, read
from fhirserver.world.configured.scheduling_rules import SchedulingRules

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 24, 14, 47, tzinfo=ZONE)  # a Tuesday
LANE, MOSS = "Practitioner/lane", "Practitioner/moss"
MAIN, BRANCH = "Location/main", "Location/branch"


def at(text: str, zone: ZoneInfo = ZONE) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def slot(start: str, minutes: int = 30, who: str = LANE, where: str = MAIN, service: str = "") -> SlotRecord:
    coded = {"serviceType": [{"coding": [{"system": "urn:s", "code": service}]}]} if service else {}
    begins = at(start)
    ends = (begins.astimezone(ZoneInfo("UTC")) + timedelta(minutes=minutes)).astimezone(ZONE)
    return SlotRecord(f"{who[-4:]}-{start}", begins, ends, who, "Doctor", where, "House", resource=coded)


def visit(start: str, who: str = LANE, where: str = MAIN, minutes: int = 30) -> Visit:
    return Visit(at(start), at(start) + timedelta(minutes=minutes), who, where)


def reasons(document: dict[str, Any], one: SlotRecord, **around: Any) -> dict[str, str]:
    """Which rules take the slot away, and why."""
    rules = read(SchedulingRules, document)
    (verdict,) = verdicts(rules, [one], Circumstances(**{"now": NOW, "zone": ZONE, **around}))
    assert verdict.stays is bool(
        admitted(rules, [one], Circumstances(**{"now": NOW, "zone": ZONE, **around}))
    )
    return {removal.rule: removal.reason for removal in verdict.removals}


def test_nothing_said_is_the_lead_alone() -> None:
    assert reasons({}, slot("2026-11-24T17:00")) == {}
    assert reasons({}, slot("2028-11-24T17:00")) == {}
    assert reasons({}, slot("2026-11-24T16:30")) == {"lead": "it begins in less than 120 minutes"}
    assert reasons({}, slot("2026-11-24T14:30")) == {"lead": "it has begun already"}


def test_rolling_days_count_today() -> None:
    rules = {"rolling_days": [{"days": 90}]}
    assert reasons(rules, slot("2027-02-21T23:00")) == {}
    assert reasons(rules, slot("2027-02-22T00:00")) == {
        "rolling_days": "it is after 2027-02-21, the last of the 90 days that are open for booking"
    }
    of_moss = {"rolling_days": [{"days": 7, "practitioners": [MOSS]}]}
    assert reasons(of_moss, slot("2026-12-24T10:00")) == {}
    assert "rolling_days" in reasons(of_moss, slot("2026-12-24T10:00", who=MOSS))


WEEK = {"open_hours": {"weekly": [{"days": ["mon", "tue", "wed", "thu"], "from": "09:00", "to": "17:00"}]}}


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("2026-11-25T09:00", ""),
        ("2026-11-25T16:30", ""),
        ("2026-11-25T16:45", "open on Wednesdays are only 09:00 to 17:00"),
        ("2026-11-25T08:45", "open on Wednesdays are only 09:00 to 17:00"),
        ("2026-11-25T23:45", "open on Wednesdays are only 09:00 to 17:00"),
        ("2026-11-27T10:00", "it is closed on Fridays"),
    ],
)
def test_open_hours(start: str, reason: str) -> None:
    assert reasons(WEEK, slot(start)).get("open_hours", "") == reason


def test_the_narrowest_hours_go_before_the_others() -> None:
    weekly = [
        *WEEK["open_hours"]["weekly"],
        {"days": ["wed"], "from": "13:00", "to": "19:00", "practitioners": [LANE]},
        {"days": ["fri"], "from": "10:00", "to": "12:00", "practitioners": [LANE], "locations": [BRANCH]},
    ]
    rules = {"open_hours": {"weekly": weekly}}
    assert reasons(rules, slot("2026-11-25T18:00")) == {}
    assert "open_hours" in reasons(rules, slot("2026-11-25T09:00"))
    assert reasons(rules, slot("2026-11-25T09:00", who=MOSS)) == {}
    assert "open_hours" in reasons(rules, slot("2026-11-25T18:00", where=BRANCH))
    assert reasons(rules, slot("2026-11-27T11:00", where=BRANCH)) == {}


def test_hours_that_are_about_others_are_no_matter() -> None:
    rules = {"open_hours": {"weekly": [{"from": "10:00", "to": "11:00", "practitioners": [MOSS]}]}}
    assert reasons(rules, slot("2026-11-25T20:00")) == {}
    assert "open_hours" in reasons(rules, slot("2026-11-25T20:00", who=MOSS))


def test_holidays_and_days_with_other_hours() -> None:
    rules = WEEK["open_hours"] | {
        "exceptions": [
            {"name": "Thanksgiving", "date": "2026-11-26", "until": "2026-11-27"},
            {"name": "Open day", "date": "2026-11-28", "closed": False, "from": "10:00", "to": "12:00"},
            {"name": "Congress", "date": "2026-12-01", "practitioners": [MOSS]},
        ]
    }
    assert reasons({"open_hours": rules}, slot("2026-11-26T10:00")) == {
        "open_hours": "it is closed: Thanksgiving"
    }
    assert reasons({"open_hours": rules}, slot("2026-11-28T10:00")) == {}
    assert reasons({"open_hours": rules}, slot("2026-11-28T11:45")) == {
        "open_hours": "open are only 10:00 to 12:00: Open day"
    }
    assert reasons({"open_hours": rules}, slot("2026-12-01T10:00")) == {}
    assert reasons({"open_hours": rules}, slot("2026-12-01T10:00", who=MOSS)) == {
        "open_hours": "it is closed: Congress"
    }


def test_visits_that_begin_at_the_same_time() -> None:
    rules = {"concurrent_start_block": [{"most": 2, "per": "location"}]}
    one, two = visit("2026-11-25T10:00"), visit("2026-11-25T10:00", MOSS)
    assert reasons(rules, slot("2026-11-25T10:00", who="Practitioner/third"), taken=(one,)) == {}
    told = reasons(rules, slot("2026-11-25T10:00", who="Practitioner/third"), taken=(one, two))
    assert told == {
        "concurrent_start_block": "2 visits at the location begin at that time, and no more than 2 may"
    }
    assert reasons(rules, slot("2026-11-25T10:15"), taken=(one, two)) == {}
    assert reasons(rules, slot("2026-11-25T10:00", where=BRANCH), taken=(one, two)) == {}
    near = {"concurrent_start_block": [{"most": 2, "within_minutes": 15, "per": "practice"}]}
    assert "concurrent_start_block" in reasons(near, slot("2026-11-25T10:15", where=BRANCH), taken=(one, two))
    assert reasons(near, slot("2026-11-25T10:16", where=BRANCH), taken=(one, two)) == {}


def test_nobody_is_in_two_visits_at_once() -> None:
    rules = {"block_overlap": [{}]}
    theirs = Known((visit("2026-11-25T10:00", MOSS, BRANCH),))
    assert "patient's" in reasons(rules, slot("2026-11-25T10:15"), patient=theirs)["block_overlap"]
    assert reasons(rules, slot("2026-11-25T10:30"), patient=theirs) == {}
    busy = (visit("2026-11-25T10:00", where=BRANCH),)
    assert "practitioner's" in reasons(rules, slot("2026-11-25T10:15"), taken=busy)["block_overlap"]
    assert reasons(rules, slot("2026-11-25T10:15", who=MOSS), taken=busy) == {}
    buffered = {"block_overlap": [{"by": ["patient"], "buffer_minutes": 20}]}
    assert "20 minutes" in reasons(buffered, slot("2026-11-25T10:45"), patient=theirs)["block_overlap"]
    assert reasons(buffered, slot("2026-11-25T10:50"), patient=theirs, taken=busy) == {}


def test_sessions_and_their_grid() -> None:
    rules = {"session_grid": [{"days": ["wed"], "from": "08:30", "to": "12:00", "minutes": 20}]}
    assert reasons(rules, slot("2026-11-25T08:50", 20)) == {}
    assert reasons(rules, slot("2026-11-25T09:00", 20)) == {
        "session_grid": "it does not begin on the grid of 20 minutes from 08:30"
    }
    assert reasons(rules, slot("2026-11-25T14:00", 20)) == {"session_grid": "it is in no session of the day"}
    assert "session_grid" in reasons(rules, slot("2026-11-25T11:50", 20))
    assert reasons(rules, slot("2026-11-26T14:05", 20)) == {}


def test_slots_that_are_held_back() -> None:
    rules = {"release": [{"hours_before": 48, "from": "08:00", "to": "09:00"}]}
    assert "release" in reasons(rules, slot("2026-11-27T08:00"))
    assert reasons(rules, slot("2026-11-26T08:00")) == {}
    assert reasons(rules, slot("2026-11-27T09:00")) == {}


def test_so_many_visits_of_one_patient() -> None:
    rules = {"patient_limit": [{"most": 2, "within_days": 7}]}
    theirs = Known((visit("2026-11-25T10:00"), visit("2026-12-01T10:00")))
    assert "patient_limit" in reasons(rules, slot("2026-11-28T10:00"), patient=theirs)
    assert reasons(rules, slot("2026-12-02T10:00"), patient=theirs) == {}
    assert reasons(rules, slot("2026-11-28T10:00"), patient=Known()) == {}
    assert reasons(rules, slot("2026-11-28T10:00")) == {}


def test_a_kind_of_visit_takes_its_time() -> None:
    rules = {"durations": [{"service": "new-patient", "minutes": 45}]}
    assert "durations" in reasons(rules, slot("2026-11-25T10:00", 30, service="new-patient"))
    assert reasons(rules, slot("2026-11-25T10:00", 45, service="new-patient")) == {}
    assert reasons(rules, slot("2026-11-25T10:00", 30)) == {}
    assert "durations" in reasons(rules, slot("2026-11-25T10:00", 30), service=("new-patient",))


def test_new_and_established_patients() -> None:
    rules = {
        "patient_kinds": [{"patients": "new", "days": ["wed"]}, {"patients": "established", "days": ["thu"]}]
    }
    wednesday, thursday = slot("2026-11-25T10:00"), slot("2026-11-26T10:00")
    assert reasons(rules, wednesday, patient=Known(established=True)) == {
        "patient_kinds": "it is for new patients only"
    }
    assert reasons(rules, wednesday, patient=Known(established=False)) == {}
    assert "patient_kinds" in reasons(rules, thursday, patient=Known(established=False))
    assert reasons(rules, thursday, patient=Known(established=True)) == {}
    assert reasons(rules, thursday, patient=Known()) == {}


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"open_hours": {"weekly": [{"from": "17:00", "to": "09:00"}]}}, "/open_hours/weekly/0"),
        ({"open_hours": {"weekly": [{"from": "25:00"}]}}, "/open_hours/weekly/0/from"),
        ({"open_hours": {"weekly": [{"days": ["someday"]}]}}, "/open_hours/weekly/0/days/0"),
        (
            {"open_hours": {"exceptions": [{"name": "x", "date": "2026-13-01"}]}},
            "/open_hours/exceptions/0/date",
        ),
        (
            {"open_hours": {"exceptions": [{"name": "x", "date": "2026-02-30"}]}},
            "/open_hours/exceptions/0/date",
        ),
        ({"rolling_days": [{"days": 0}]}, "/rolling_days/0/days"),
        ({"zone": "Mars/Olympus"}, "/zone"),
        ({"leed": 5}, "/leed"),
        ({"release": [{"practitioners": ["Patient/eve"]}]}, "/release/0/practitioners/0"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(document: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidDocument) as wrong:
        read(SchedulingRules, document)
    assert wrong.value.faults[0].pointer.startswith(place), wrong.value.faults
