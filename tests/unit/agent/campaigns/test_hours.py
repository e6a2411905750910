"""Quiet hours over zones and changes of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.campaigns.hours import Open, next_open, opening
from agent.campaigns.zones import zones_of, zones_of_number

NEW_YORK, LOS_ANGELES = "America/New_York", "America/Los_Angeles"
QUIET = (time(21), time(8))
ZONES = st.sampled_from(
    [NEW_YORK, LOS_ANGELES, "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia", "America/St_Johns"]
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


def at(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("local", "opens"),
    [
        ("2026-12-01T07:59", "2026-12-01T08:00"),
        ("2026-12-01T08:00", "2026-12-01T08:00"),
        ("2026-12-01T20:59", "2026-12-01T20:59"),
        ("2026-12-01T21:00", "2026-12-02T08:00"),
        ("2026-03-07T23:00", "2026-03-08T08:00"),  # the clocks go forward in that night
        ("2026-10-31T23:00", "2026-11-01T08:00"),  # and back in this one
    ],
)
def test_from_evening_to_morning_nothing_goes_out(local: str, opens: str) -> None:
    hours = opening(QUIET, (), [NEW_YORK])
    assert next_open(at(local, NEW_YORK), hours) == at(opens, NEW_YORK)


def test_hours_hold_in_every_zone_there_may_be() -> None:
    hours = opening(QUIET, (), [NEW_YORK, LOS_ANGELES])
    assert next_open(at("2026-12-01T08:00", NEW_YORK), hours) == at("2026-12-01T08:00", LOS_ANGELES)
    assert next_open(at("2026-12-01T20:00", LOS_ANGELES), hours) == at("2026-12-02T08:00", LOS_ANGELES)


def test_days_that_are_quiet_altogether() -> None:
    hours = opening(QUIET, ("sat", "sun"), [NEW_YORK])
    assert next_open(at("2026-12-05T12:00", NEW_YORK), hours) == at("2026-12-07T08:00", NEW_YORK)


def test_the_same_time_twice_is_never_quiet_but_on_closed_days() -> None:
    always = opening((time(0), time(0)), (), [NEW_YORK])
    assert next_open(at("2026-12-05T03:00", NEW_YORK), always) == at("2026-12-05T03:00", NEW_YORK)
    closed = opening((time(9), time(9)), ("sat",), [NEW_YORK])
    assert next_open(at("2026-12-05T03:00", NEW_YORK), closed) == at("2026-12-06T00:00", NEW_YORK)


def test_hours_that_never_meet_are_told() -> None:
    hours = (Open(NEW_YORK, time(9), time(10)), Open(NEW_YORK, time(11), time(12)))
    assert next_open(at("2026-12-05T03:00", NEW_YORK), hours) is None


@given(MOMENTS, st.lists(ZONES, min_size=1, max_size=3), st.integers(0, 23), st.integers(0, 23))
def test_what_is_found_is_open_everywhere_and_nothing_before_it_is(
    moment: datetime, zones: list[str], begin: int, end: int
) -> None:
    hours = opening((time(begin), time(end)), (), zones)
    found = next_open(moment, hours)
    if found is None:
        return
    assert found >= moment and all(one.holds(found) for one in hours)
    for zone in zones:
        local = found.astimezone(ZoneInfo(zone)).time()
        quiet = begin != end and (
            begin <= local.hour < end if begin < end else local.hour >= begin or local.hour < end
        )
        assert not quiet
    step = moment
    while step < found - timedelta(minutes=30):
        assert not all(one.holds(step) for one in hours)
        step += timedelta(minutes=30)


@pytest.mark.parametrize(
    ("patient", "number", "zones"),
    [
        ({}, "", (NEW_YORK,)),
        ({}, "+13105550100", (LOS_ANGELES,)),
        ({}, "+493012345678", ("Europe/Berlin",)),
        ({"address": [{"state": "TX"}]}, "+13105550100", ("America/Chicago", "America/Denver")),
        ({"address": [{"state": "california"}]}, "", (LOS_ANGELES,)),
        ({"address": [{"use": "old", "state": "CA"}, {"state": "IL"}]}, "", ("America/Chicago",)),
        ({"address": [{"country": "DE", "state": "CA"}]}, "+493012345678", ("Europe/Berlin",)),
        (
            {
                "address": [{"state": "CA"}],
                "extension": [
                    {"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": "Asia/Kolkata"}
                ],
            },
            "",
            ("Asia/Kolkata",),
        ),
        (
            {
                "extension": [
                    {"url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": "Mars/Base"}
                ]
            },
            "",
            (NEW_YORK,),
        ),
    ],
)
def test_where_a_patient_may_be(patient: dict[str, object], number: str, zones: tuple[str, ...]) -> None:
    assert zones_of(patient, number, NEW_YORK) == zones


@given(st.text(max_size=20))
def test_any_text_may_stand_for_a_number(text: str) -> None:
    assert isinstance(zones_of_number(text), tuple)
