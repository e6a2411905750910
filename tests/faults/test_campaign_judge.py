"""The judge of the campaign storm: passes a log in which all is right, and finds each fault that is put into one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhirserver.kernel.instants import instant
from tests.faults.campaign_storm.judge import Judge, Terms, agreement, contacts_in
from tests.faults.campaign_storm.residents import Resident, town

BEGIN = datetime(2026, 12, 1, 13, 30, tzinfo=UTC)
TERMS = Terms(BEGIN, (time(21), time(8)), per_day=2, per_week=5, attempts=3, channels={"sms": 1, "call": 2})
Log = list[dict[str, Any]]


def _resident(id: str = "p1", **more: Any) -> Resident:
    state = more.pop("state", "NY")
    household, mobile = more.pop("household", id), more.pop("mobile", "+12125550101")
    return Resident(id, "Ana", "Brown", "1980-01-01", state, household, mobile, **more)


def _entry(what: str, hours: float, number: str = "+12125550101", **more: Any) -> dict[str, Any]:
    at = BEGIN + timedelta(hours=hours)
    order = f"a{hours}" if what in ("called", "texted") else ""
    return {"at": instant(at), "what": what, "number": number, "sid": f"S{hours}", "order": order, **more}


def _faults(residents: Sequence[Resident], log: Log) -> set[str]:
    return set(Judge(residents, TERMS, log).judge().faults)


def _perfect(residents: Sequence[Resident]) -> Log:
    """One message or call to each who may be reached, at noon where they live, on the third day of theirs."""
    log: Log = []
    for n, one in enumerate(residents):
        by = next((c for c in ("sms", "call") if one.may_be_reached(c, BEGIN, BEGIN)), "")
        if not by or not one.numbers or len(one.earlier) >= TERMS.per_week:
            continue
        local = BEGIN.astimezone(ZoneInfo(one.zone)).replace(hour=12, minute=n % 60)
        days = 0 if one.consent == "ends" else 1
        if one.consent == "ends":
            local = max(local.replace(hour=8, minute=1), BEGIN.astimezone(ZoneInfo(one.zone)))
            if local > BEGIN + timedelta(hours=5):
                continue
        what = "texted" if by == "sms" else "called"
        at = instant(local + timedelta(days=days))
        log.append({"at": at, "what": what, "number": one.numbers[0], "sid": f"S{n}", "order": one.id})
    return sorted(log, key=lambda e: str(e["at"]))


def test_a_campaign_in_which_all_is_right_passes() -> None:
    residents, telephones = town(2_000, 7)
    verdict = Judge(residents, TERMS, _perfect(residents)).judge()
    assert not verdict.faults, dict(verdict.examples)
    assert verdict.counts["to be reached"] > 1_300
    assert {one.text for one in telephones} == {"yes", "reschedule", "stop", "silent", "wrong", "undelivered"}
    assert len({one.zone for one in residents}) == 8


def test_the_same_seed_is_the_same_town() -> None:
    assert town(300, 3) == town(300, 3) != town(300, 4)


@pytest.mark.parametrize(
    ("resident", "log", "fault"),
    [
        ({}, [], "never tried"),
        ({}, [_entry("texted", 14.0)], "in quiet hours"),
        ({"state": "HI"}, [_entry("texted", 1.0)], "in quiet hours"),
        ({"consent": "none"}, [_entry("texted", 1)], "not allowed"),
        ({"consent": "sms"}, [_entry("called", 1)], "not allowed"),
        ({"consent": "ends"}, [_entry("texted", 1), _entry("called", 6)], "not allowed"),
        ({"flag": True}, [_entry("texted", 1)], "not allowed"),
        ({"deceased": True}, [_entry("texted", 1)], "not allowed"),
        ({"active": False}, [_entry("texted", 1)], "not allowed"),
        ({}, [_entry("texted", 1, order="x"), _entry("called", 3, order="x")], "twice for one attempt"),
        ({}, [_entry("texted", 1, order="")], "without a name"),
        ({}, [_entry("texted", n) for n in (1, 3)], "over the attempts"),
        ({}, [_entry("texted", 1), _entry("called", 3), _entry("called", 5)], "over the limit of 1 d"),
        ({"earlier": (20.0, 26.0, 50.0, 56.0, 80.0)}, [_entry("texted", 1)], "over the limit of 7 d"),
        ({}, [_entry("texted", 1), _entry("called", 1.5)], "too close"),
        ({}, [_entry("texted", 1), *(_entry("called", n) for n in (3, 26, 29))], "over the attempts"),
    ],
)  # fmt: skip
def test_each_fault_is_found(resident: dict[str, Any], log: Log, fault: str) -> None:
    assert fault in _faults([_resident(**resident)], log)


@pytest.mark.parametrize(
    ("body", "after", "found"),
    [
        ("STOP", "texted", True),
        ("STOP", "called", False),
        ("Please stop calling me. Do not call me again.", "called", True),
    ],
)
def test_a_contact_after_opting_out_is_found(body: str, after: str, found: bool) -> None:
    log = [
        _entry("called" if after == "texted" else "texted", 1),
        _entry("taken", 1.5, body=body),
        _entry(after, 3),
    ]
    assert ("after opting out" in _faults([_resident()], log)) is found


def test_what_was_under_way_when_it_was_said_is_no_fault() -> None:
    log = [_entry("called", 1), _entry("taken", 2.0, body="STOP"), _entry("texted", 2.05)]
    assert not _faults([_resident()], log)


def test_those_who_share_a_number_are_judged_together() -> None:
    two = [_resident("p1"), _resident("p2", household="p1")]
    assert not _faults(two, [_entry("texted", 1), _entry("texted", 1.2)])
    assert _faults(two, [_entry("texted", 1)]) == {"never tried"}
    assert not _faults(two, [_entry("texted", 1), _entry("wrote", 1.1, body="STOP")])
    denied = [_resident("p1"), _resident("p2", household="p1", consent="denied")]
    assert not _faults(denied, [_entry("texted", 1)])
    assert "over the attempts" in _faults(two, [_entry("texted", n) for n in (1, 1.5, 5, 6, 7)])


def test_the_record_is_held_against_the_log() -> None:
    log = [_entry("texted", 1), _entry("called", 3)]
    made = {"status": "completed", "recipient": [{"display": "+12125550101"}]}
    judge = Judge([_resident()], TERMS, log)
    agreement(judge.verdict, contacts_in(log), {"a1": made, "a3": made})
    assert not judge.verdict.faults
    other = {**made, "recipient": [{"display": "+12125550102"}]}
    agreement(judge.verdict, contacts_in(log), {"a1": other, "a9": made, "a8": {"status": "not-done"}})
    assert judge.verdict.faults == {
        "another number on record": 1,
        "not on record": 1,
        "told as made and never made": 1,
    }
