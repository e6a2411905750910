"""The gap scanner: what is missing, unverified, expired or old, and what is not asked for all the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.forms.catalogue import CATALOGUE
from agent.forms.record import PatientFile
from agent.forms.requirements import (
    SHIPPED,
    SUBJECTS,
    InvalidRequirements,
    Requirement,
    RequirementSet,
    document_of,
    parse_requirements,
)
from agent.forms.scan import find, scan
from agent.forms.task import form_task
from fhirserver.world.vocabulary import CONFIDENCE

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
TODAY = date(2026, 11, 30)


def marked(confidence: str, **element: Any) -> dict[str, Any]:
    return {**element, "extension": [{"url": CONFIDENCE, "valueDecimal": Decimal(confidence)}]}


def file(forms: tuple[Any, ...] = (), said: Any = None, today: date = TODAY, **patient: Any) -> PatientFile:
    related = {name: tuple(patient.pop(name)) for name in list(patient) if name[0].isupper()}
    return PatientFile({"resourceType": "Patient", "id": "p", **patient}, today, related, forms, said or {})


def why(subject: str, record: PatientFile, **need: Any) -> str:
    gap = find(record, Requirement(subject, **need), NOW)
    return gap.why if gap else ""


PHONE = {"system": "phone", "value": "+14125550142"}
ACTIVE = {"resourceType": "Coverage", "id": "c", "status": "active"}


@pytest.mark.parametrize(
    ("subject", "record", "need", "found"),
    [
        ("phone", {}, {}, "missing"),
        ("phone", {"telecom": [PHONE]}, {}, ""),
        ("phone", {"telecom": [{**PHONE, "use": "old"}]}, {}, "missing"),
        ("phone", {"telecom": [{**PHONE, "value": "12"}]}, {}, "missing"),
        ("phone", {"telecom": [marked("0.3", **PHONE)]}, {}, "unverified"),
        ("phone", {"telecom": [marked("0.3", **PHONE), PHONE]}, {}, ""),
        ("email", {"telecom": [PHONE]}, {}, "missing"),
        ("birth-date", {"birthDate": "1982"}, {}, "missing"),
        (
            "birth-date",
            {"birthDate": "1982-03-03", "_birthDate": marked("0.5")},
            {"least": Decimal("0.7")},
            "unverified",
        ),
        ("address", {"address": [{"city": "Pittsburgh"}]}, {}, "missing"),
        ("address", {"address": [{"line": ["1 A St"], "city": "P", "postalCode": "15213"}]}, {}, ""),
        ("coverage", {"Coverage": [ACTIVE]}, {}, ""),
        ("coverage", {"Coverage": [{**ACTIVE, "period": {"end": "2026-11-29"}}]}, {}, "expired"),
        ("coverage", {"Coverage": [{**ACTIVE, "period": {"end": "2026-12"}}]}, {}, ""),
        ("coverage", {"Coverage": [{**ACTIVE, "status": "cancelled"}]}, {}, "expired"),
        ("coverage", {}, {}, "missing"),
        ("guardian", {"birthDate": "1982-03-03"}, {}, ""),
        ("guardian", {"birthDate": "2008-12-01"}, {}, "missing"),
        ("guardian", {"birthDate": "2008-11-30"}, {}, ""),
        ("reason", {}, {}, ""),
        ("reason", {"Appointment": [{"status": "booked"}]}, {}, "missing"),
        ("reason", {"Appointment": [{"status": "booked", "reasonCode": [{"text": "knee"}]}]}, {}, ""),
        ("allergies", {"AllergyIntolerance": [{"code": {"text": "none"}}]}, {}, ""),
        ("medications", {}, {}, "missing"),
    ],
)
def test_why_something_is_asked(
    subject: str, record: dict[str, Any], need: dict[str, Any], found: str
) -> None:
    assert why(subject, file(**record), **need) == found


def test_what_was_said_long_ago_is_asked_again() -> None:
    known = file(telecom=[PHONE], said={"telecom": NOW - timedelta(days=400)})
    assert why("phone", known, older_than_days=365) == "old"
    assert why("phone", known, older_than_days=500) == ""


def form(subjects: list[str], days: float, status: str = "requested") -> dict[str, Any]:
    made = NOW - timedelta(days=days)
    task = form_task("f", "Patient/p", "x", "s", subjects, (), made, made + timedelta(days=7), "me")
    return {**task, "status": status}


def test_nothing_is_asked_twice_within_its_time() -> None:
    needs = RequirementSet("s", "S", (Requirement("phone", cool_down_days=30), Requirement("email")))
    assert scan(file(forms=(form(["phone"], 29),)), needs, NOW).subjects == ("email",)
    assert scan(file(forms=(form(["phone"], 31),)), needs, NOW).subjects == ("phone", "email")
    assert scan(file(forms=(form(["phone"], 1, "cancelled"),)), needs, NOW).subjects == ("phone", "email")


def test_a_patient_gets_so_many_forms_a_month() -> None:
    needs = RequirementSet("s", "S", (Requirement("email"),), most_forms_per_month=2)
    several = tuple(form(["phone"], day) for day in (1, 20, 40))
    found = scan(file(forms=several), needs, NOW)
    assert found.subjects == () and found.skipped[0].why == "forms of this month"
    assert scan(file(forms=several[1:]), needs, NOW).subjects == ("email",)


@given(st.integers(1, 60), st.lists(st.sampled_from(SUBJECTS), unique=True, min_size=1), st.data())
def test_a_form_has_no_more_questions_than_it_may(
    most: int, subjects: list[str], data: st.DataObject
) -> None:
    needs = tuple(Requirement(one, required=data.draw(st.booleans())) for one in subjects)
    record = file(birthDate="2015-01-01", Appointment=[{"status": "booked"}])
    found = scan(record, RequirementSet("s", "S", needs, most_questions=most), NOW)
    asked = sum(len(CATALOGUE[one].questions) for one in found.subjects)
    assert asked <= most
    missing = {one for one in subjects if find(record, Requirement(one), NOW)}
    assert {*found.subjects, *(one.subject for one in found.skipped)} == missing
    assert list(found.subjects) == [one for one in CATALOGUE if one in found.subjects], (
        "in the order of the page"
    )


@pytest.mark.parametrize("id", SHIPPED)
def test_shipped_sets_are_data_like_any_other(id: str) -> None:
    assert parse_requirements(id, document_of(SHIPPED[id])) == SHIPPED[id]


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ([], "/"),
        ({}, "/require"),
        ({"require": [{"subject": "shoe"}]}, "/require/0/subject"),
        ({"require": [{"subject": "phone", "least": 2}]}, "/require/0/least"),
        ({"require": [{"subject": "phone", "least": True}]}, "/require/0/least"),
        ({"require": [{"subject": "phone", "cool_down_days": -1}]}, "/require/0/cool_down_days"),
        ({"require": [{"subject": "phone"}, {"subject": "phone"}]}, "/require"),
        ({"require": [{"subject": "phone"}], "identify": "name"}, "/identify"),
        ({"require": [{"subject": "phone", "often": 1}]}, "/require/0/often"),
        ({"require": [{"subject": "phone"}], "practice": 7}, "/practice"),
    ],
)
def test_what_is_no_set_is_refused_with_its_place(document: Any, place: str) -> None:
    with pytest.raises(InvalidRequirements, match=f"^{place}: "):
        parse_requirements("s", document)
