"""Days and times in writing: short for who reads, understood by the readers, said as before where they are heard."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from fhirserver.world.spoken.dates import dates
from fhirserver.world.spoken.days import day_wishes
from fhirserver.world.spoken.say import say_moment
from fhirserver.world.spoken.times import time_wishes
from fhirserver.world.spoken.write import read_aloud, write_moment

TODAY = date(2026, 11, 30)


def test_moments_are_written_short() -> None:
    assert write_moment(datetime(2026, 12, 1, 14, 30), TODAY) == "Tue 1 Dec, 2:30 pm"
    assert write_moment(datetime(2026, 12, 12, 9), TODAY) == "Sat 12 Dec, 9 am"
    assert write_moment(datetime(2027, 1, 4, 12), TODAY) == "Mon 4 Jan 2027, 12 pm"
    assert write_moment(datetime(2026, 12, 1, 0, 5), TODAY) == "Tue 1 Dec, 12:05 am"


def test_every_moment_is_understood_and_read_aloud_as_it_is_said() -> None:
    at = datetime(2026, 11, 30, 6)
    while at < datetime(2027, 12, 31):
        written = write_moment(at, TODAY)
        (day,), (clock,) = day_wishes(written, TODAY), time_wishes(written)
        assert (day.value.first, clock.value.exact) == (at.date(), at.time()), written
        assert [d.value.day for d in dates(written)] == [at.day]
        assert read_aloud(f"I have {written} or so.") == f"I have {say_moment(at, TODAY)} or so."
        at += timedelta(hours=5, minutes=35, days=2)


def test_what_is_no_moment_stays_as_it_is() -> None:
    for text in ("Member ID W 12 am34", "Sat down", "room 13 pm", "Tuesday, December first at noon"):
        assert read_aloud(text) == text
