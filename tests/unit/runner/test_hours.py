"""Business hours: days, midnight, time zones and the days on which the clocks change."""

from datetime import UTC, datetime

import pytest

from adapters.runner.hours import InvalidHours, parse_hours


def at(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("hours", "when", "is_open"),
    [
        ([], "2026-11-28T03:00:00+00:00", True),
        (["Mon-Fri 08:00-18:00"], "2026-11-27T08:00:00+00:00", True),
        (["Mon-Fri 08:00-18:00"], "2026-11-27T18:00:00+00:00", False),
        (["Mon-Fri 08:00-18:00"], "2026-11-28T10:00:00+00:00", False),
        (["Mon-Fri 08:00-18:00", "Sat 09:00-12:00"], "2026-11-28T10:00:00+00:00", True),
        (["22:00-06:00"], "2026-11-28T23:30:00+00:00", True),
        (["22:00-06:00"], "2026-11-28T05:59:00+00:00", True),
        (["22:00-06:00"], "2026-11-28T06:00:00+00:00", False),
        (["Fri 22:00-06:00"], "2026-11-28T05:00:00+00:00", True),
        (["Fri 22:00-06:00"], "2026-11-27T05:00:00+00:00", False),
        (["Sun 22:00-02:00"], "2026-11-30T01:00:00+00:00", True),
        (["Sat-Mon 08:00-09:00"], "2026-11-29T08:30:00+00:00", True),
        (["Sat-Mon 08:00-09:00"], "2026-12-01T08:30:00+00:00", False),
        (["Sat 00:00-24:00"], "2026-11-28T23:59:59+00:00", True),
    ],
)
def test_when_they_are_open(hours, when, is_open):
    assert parse_hours(hours).are_open(at(when)) is is_open


def test_they_are_those_of_the_place_also_when_the_clocks_change():
    hours = parse_hours(["08:00-18:00"], "America/New_York")
    assert hours.are_open(at("2026-03-06T13:00:00+00:00")), "08:00 EST"
    assert not hours.are_open(at("2026-03-06T12:59:00+00:00"))
    assert hours.are_open(at("2026-03-09T12:00:00+00:00")), "08:00 EDT, after the change"


def test_when_they_open_next():
    hours = parse_hours(["Mon-Fri 08:00-18:00"], "Europe/Berlin")
    friday_evening = datetime(2026, 11, 27, 17, 30, 20, tzinfo=UTC)
    assert hours.opens(friday_evening) == at("2026-11-30T07:00:00+00:00")
    assert hours.opens(at("2026-11-30T09:00:00+00:00")) == at("2026-11-30T09:00:00+00:00")


@pytest.mark.parametrize(
    "text",
    ["", "8-18", "Mon 25:00-26:00", "Mo-Fr 08:00-18:00", "08:00-08:00", "Mon-Fri 08:00", "08:00-24:30"],
)
def test_wrong_hours_are_named(text):
    with pytest.raises(InvalidHours):
        parse_hours([text])


def test_a_wrong_time_zone_is_named():
    for zone in ("Mars/Olympus", "../../etc/passwd", ""):
        with pytest.raises(InvalidHours, match="time zone"):
            parse_hours([], zone)
