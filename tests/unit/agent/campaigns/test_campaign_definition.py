"""Definitions: what is right, and where it is wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.campaigns.definition import ByCron, InvalidCampaign, Once, campaign
from agent.campaigns.events import due_at, holds
from agent.campaigns.plan import plan_definition
from agent.campaigns.search_text import filled, patients_of
from agent.campaigns.triggers import due_of, last_occurrence, next_occurrence
from fhirserver.model.validation import validate

DOCUMENT: dict[str, Any] = {
    "goal": "Appointments are confirmed",
    "purpose": "confirm",
    "audience": {"searches": ["Appointment?status=booked&date=ge{today+1d}"]},
    "channels": [{"channel": "sms"}, {"channel": "call", "attempts": 2}],
    "triggers": [{"kind": "cron", "expression": "0 9 * * 1-5", "zone": "America/New_York"}],
}
NOSHOW = {"kind": "event", "type": "Appointment", "filter": "status = 'noshow'", "minutes": 60}


@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"goal": ""}, "/goal", "at least 1 character"),
        ({"purpose": "sell"}, "/purpose", "is one of confirm"),
        ({"zone": "Mars"}, "/zone", "IANA"),
        ({"colour": 1}, "/colour", "Extra inputs"),
        ({"audience": None}, "", "audience is needed"),
        ({"audience": {"searches": []}}, "/audience/searches", "at least 1 item"),
        ({"audience": {"searches": ["Patient"]}}, "/audience/searches/0", "FHIR search"),
        ({"audience": {"searches": ["Dog?name=x"]}}, "/audience/searches/0", "FHIR search"),
        ({"audience": {"searches": ["Patient?_count=5"]}}, "/audience/searches/0", "may not say _count"),
        ({"audience": {"searches": ["Patient?birthdate={tomorrow}"]}}, "/audience/searches/0", "a day in it"),
        ({"channels": []}, "/channels", "at least 1 item"),
        ({"channels": [{"channel": "sms"}, {"channel": "sms"}]}, "", "named once"),
        ({"channels": [{"channel": "chat"}]}, "", "needs its service"),
        ({"channels": [{"channel": "sms", "attempts": 0}]}, "/channels/0/attempts", "greater than"),
        (
            {"triggers": [{"kind": "cron", "expression": "x", "zone": "UTC"}]},
            "/triggers/0/expression",
            "cron",
        ),
        ({"triggers": [{**NOSHOW, "filter": "status ="}]}, "/triggers/0", "no FHIRPath"),
        ({"triggers": [{**NOSHOW, "filter": "colour = 'red'"}]}, "/triggers/0", "no FHIRPath"),
        ({"script": {"english": {}}}, "/script/english/[key]", "pattern"),
        ({"script": {"en": {"sms": "{name}: hello"}}}, "/script/en/sms", "no place {name}"),
        ({"script": {"en": {"sms": "{practice"}}}, "/script/en/sms", "a brace"),
        (
            {"quiet": {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}},
            "/quiet",
            "at least one day",
        ),
        ({"dates": {"from": "2026-12-02", "to": "2026-12-01"}}, "/dates", "not before"),
        ({"machine": {"leave": "message"}}, "", "voicemail"),
        ({"purpose": "custom"}, "", "custom purpose"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(changes: dict[str, Any], pointer: str, words: str) -> None:
    with pytest.raises(InvalidCampaign) as caught:
        campaign({**DOCUMENT, **changes})
    assert any(one.pointer == pointer and words in one.detail for one in caught.value.problems), caught.value


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidCampaign) as caught:
        campaign({"zone": "Mars", "colour": 1})
    assert {"/zone", "/colour", "/goal", "/channels"} <= {one.pointer for one in caught.value.problems}


def test_what_fhir_readers_see_is_valid() -> None:
    for changes in (
        {},
        {"triggers": [NOSHOW]},
        {"triggers": [{"kind": "once", "at": "2026-12-01T09:00:00Z"}]},
    ):
        plan = plan_definition("reminder", "Reminder", campaign({**DOCUMENT, **changes}), "active")
        assert not [one for one in validate(plan) if one.severity == "error"], plan


def test_days_are_those_of_the_run() -> None:
    type, params = filled("Appointment?date=ge{today+3d}&date=lt{today-1d}&x={today}", date(2026, 12, 30))
    assert (type, params) == (
        "Appointment",
        [("date", "ge2027-01-02"), ("date", "lt2026-12-29"), ("x", "2026-12-30")],
    )


def test_whom_a_match_is_about() -> None:
    assert list(patients_of({"resourceType": "Patient", "id": "a"})) == ["Patient/a"]
    visit = {
        "resourceType": "Appointment",
        "participant": [{"actor": {"reference": "Patient/a"}}, {"actor": {}}],
    }
    assert list(patients_of(visit)) == ["Patient/a"]
    assert list(patients_of({"resourceType": "Encounter", "subject": {"reference": "Group/g"}})) == []


def test_a_moment_comes_once() -> None:
    start = datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert due_of(Once(kind="once"), start, start) == start
    later = Once(kind="once", at=start + timedelta(hours=1))
    assert due_of(later, start, start) is None
    assert due_of(later, start, start + timedelta(days=9)) == later.at


def cron(expression: str, grace: int = 120) -> ByCron:
    return ByCron(kind="cron", expression=expression, zone="America/New_York", grace_minutes=grace)


def test_an_hour_that_the_clocks_leave_out_is_met_and_one_that_comes_twice_is_met_once() -> None:
    daily = cron("30 2 * * *")
    spring = [datetime(2026, 3, 8, 0, tzinfo=UTC) + timedelta(minutes=15 * n) for n in range(100)]
    met = {last_occurrence(daily, at) for at in spring if at >= datetime(2026, 3, 8, 6, tzinfo=UTC)}
    assert len(met - {datetime(2026, 3, 7, 7, 30, tzinfo=UTC)}) <= 2
    autumn = cron("30 1 * * *")
    times = [datetime(2026, 11, 1, 4, tzinfo=UTC) + timedelta(minutes=15 * n) for n in range(40)]
    assert len({last_occurrence(autumn, at) for at in times if last_occurrence(autumn, at) >= times[0]}) == 1


def test_nine_in_the_morning_is_nine_in_the_morning_all_year() -> None:
    nine = cron("0 9 * * *")
    assert last_occurrence(nine, datetime(2026, 7, 1, 13, tzinfo=UTC)) == datetime(2026, 7, 1, 13, tzinfo=UTC)
    assert last_occurrence(nine, datetime(2026, 12, 1, 14, tzinfo=UTC)) == datetime(
        2026, 12, 1, 14, tzinfo=UTC
    )
    assert next_occurrence(nine, datetime(2026, 12, 1, 14, tzinfo=UTC)) == datetime(
        2026, 12, 2, 14, tzinfo=UTC
    )


def test_what_nobody_was_there_for_is_made_up_for_within_its_grace_only() -> None:
    nine, started = cron("0 9 * * *"), datetime(2026, 12, 1, 0, tzinfo=UTC)
    at = datetime(2026, 12, 1, 14, tzinfo=UTC)
    assert due_of(nine, started, at + timedelta(minutes=119)) == at
    assert due_of(nine, started, at + timedelta(minutes=121)) is None
    assert due_of(nine, at + timedelta(minutes=1), at + timedelta(minutes=2)) is None, "before it was started"


@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)))
def test_the_last_occurrence_is_past_and_the_next_is_not(at: datetime) -> None:
    for expression in ("0 9 * * *", "*/15 * * * *", "0 0 1 * *", "30 2 * * 0"):
        last, following = last_occurrence(cron(expression), at), next_occurrence(cron(expression), at)
        assert last is not None and last <= at
        assert following is not None and following > at


def test_a_change_counts_when_it_satisfies_the_filter() -> None:
    trigger = campaign(
        {**DOCUMENT, "triggers": [{**NOSHOW, "at": "start", "days": -3, "minutes": 0}]}
    ).triggers[0]
    visit = {"resourceType": "Appointment", "status": "noshow", "start": "2026-12-10T15:00:00Z"}
    assert holds(trigger, visit) and not holds(trigger, {**visit, "status": "booked"})  # type: ignore[arg-type]
    assert due_at(trigger, visit) == datetime(2026, 12, 7, 15, tzinfo=UTC)  # type: ignore[arg-type]
