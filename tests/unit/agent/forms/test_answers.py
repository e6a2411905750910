"""Answers as they are typed, as FHIR has them, and the claims they make."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.forms.answers import Unreadable, from_items, lacking, read, stands, to_items
from agent.forms.catalogue import CATALOGUE, QUESTIONS, asked_in
from agent.forms.claims import Form, claims
from agent.forms.questionnaire import questionnaire, url_of
from agent.forms.questions import CHOICE, DATE, PHOTO, YES_NO, Question
from agent.forms.record import PatientFile
from fhirserver.model.definitions import definitions
from fhirserver.model.validation import validate

TODAY = date(2026, 11, 30)
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
ALL = list(CATALOGUE)
GOOD = {
    "phone": "(412) 555-0142",
    "email": "ada@example.org",
    "zip": "15213",
    "member": "W123456789",
    "text": "Ada Okafor",
    "long": "one\ntwo",
}


def answer(question: Question) -> st.SearchStrategy[str]:
    if question.options:
        return st.sampled_from([one.code for one in question.options])
    if question.kind == YES_NO:
        return st.sampled_from(["yes", "no"])
    if question.kind == DATE:
        return st.dates(date(1900, 1, 1), TODAY).map(date.isoformat)
    if question.kind == PHOTO:
        return st.just("DocumentReference/x")
    return st.just(GOOD[question.kind])


@st.composite
def answers(draw: st.DrawFn) -> dict[str, str]:
    """Some of all questions answered."""
    found = {one.link_id: draw(answer(one)) for one in asked_in(set(ALL)) if draw(st.booleans())}
    return {link: value for link, value in found.items() if stands(QUESTIONS[link], found)}


@given(answers())
def test_answers_come_back_as_they_were(given: dict[str, str]) -> None:
    assert from_items(to_items(ALL, given)) == {k: v for k, v in given.items() if stands(QUESTIONS[k], given)}


@given(answers(), st.sets(st.sampled_from(ALL), min_size=1))
def test_everything_that_is_made_is_valid_fhir(given: dict[str, str], subjects: set[str]) -> None:
    asked = questionnaire("f", "Form", subjects, (), "2026-11-30T12:00:00Z")
    items = to_items(subjects, given)
    response = {
        "resourceType": "QuestionnaireResponse",
        "id": "f",
        "questionnaire": url_of("f"),
        "status": "completed",
        **({"item": items} if items else {}),
    }
    file = PatientFile(
        {"resourceType": "Patient", "id": "p"}, TODAY, {"Appointment": ({"id": "a", "status": "booked"},)}
    )
    made = claims(Form("f", file, given, AT, {"display": "Aetna"}), subjects, definitions().resource_types)
    for resource, partial in [
        (asked, False),
        (response, False),
        *((one.resource, one.partial) for one in made),
    ]:
        faults = [one for one in validate(resource, partial=partial) if one.severity == "error"]
        assert not faults, (resource, faults)
    links = {link for one in made for link in one.rests_on}
    assert links <= given.keys(), "every claim rests on answers that were given"
    assert links <= {question.link_id for question in asked_in(subjects)}
    ids = [(one.resource["resourceType"], one.resource["id"]) for one in made]
    assert len(ids) == len(set(ids)), "no two claims on one resource"


@given(
    st.sampled_from([one for one in QUESTIONS.values() if one.kind != PHOTO]),
    st.text() | st.integers() | st.none(),
)
def test_whatever_is_typed_is_taken_or_refused_in_both_languages(question: Question, typed: Any) -> None:
    try:
        taken = read(question, typed, TODAY)
    except Unreadable as error:
        assert error.words["en"] and error.words["es"]
        if isinstance(typed, str) and len(typed) > 3:
            assert typed not in str(error)
    else:
        assert len(taken) <= question.longest and (not taken or read(question, taken, TODAY) == taken)


@pytest.mark.parametrize(
    ("link", "typed", "taken"),
    [
        ("birth-date", {"m": "3", "d": "3", "y": "1982"}, "1982-03-03"),
        ("birth-date", {"m": "", "d": "", "y": ""}, ""),
        ("birth-date", {"m": "2", "d": "30", "y": "1982"}, None),
        ("birth-date", {"m": "3", "d": "", "y": "1982"}, None),
        ("birth-date", {"m": "3", "d": "3", "y": "82"}, None),
        ("birth-date", "2999-01-01", None),
        ("phone", " 412.555.0142 ", "412.555.0142"),
        ("phone", "555-0142", None),
        ("address-zip", "15213-1234", "15213-1234"),
        ("address-zip", "1521", None),
        ("coverage-member", "W1", None),
        ("language", "tlh", None),
        ("reason", "x" * 601, None),
    ],
)
def test_readings(link: str, typed: Any, taken: str | None) -> None:
    if taken is None:
        with pytest.raises(Unreadable):
            read(QUESTIONS[link], typed, TODAY)
    else:
        assert read(QUESTIONS[link], typed, TODAY) == taken


def test_what_was_begun_is_to_be_finished_and_the_rest_may_be_left() -> None:
    assert lacking(("phone", "coverage"), (), {}) == {}
    assert set(lacking(("phone", "coverage"), ("phone",), {})) == {"phone"}
    assert set(lacking(("coverage",), (), {"coverage-has": "yes"})) == {"coverage-payer", "coverage-member"}
    assert lacking(("coverage",), (), {"coverage-has": "no"}) == {}


def test_no_insurance_is_a_claim_of_its_own() -> None:
    file = PatientFile({"resourceType": "Patient", "id": "p"}, TODAY)
    given = {"coverage-has": "no", "coverage-payer": "Aetna", "coverage-member": "W123456789"}
    (claim,) = claims(Form("f", file, given, AT, {}), ["coverage"], {"Coverage"})
    assert claim.resource["payor"] == [{"reference": "Patient/p"}] and "subscriberId" not in claim.resource


def test_other_contacts_are_kept() -> None:
    emergency = {"relationship": [{"coding": [{"code": "C"}]}], "name": {"text": "Old"}}
    other = {"name": {"text": "Neighbour"}}
    file = PatientFile({"resourceType": "Patient", "id": "p", "contact": [emergency, other]}, TODAY)
    given = {"emergency-name": "Chidi Okafor", "emergency-phone": "412-555-0177"}
    (claim,) = claims(Form("f", file, given, AT, {}), ["emergency-contact"], {"Patient"})
    assert [one["name"]["text"] for one in claim.resource["contact"]] == ["Chidi Okafor", "Neighbour"]


def test_every_question_has_words_in_every_language() -> None:
    for subject in CATALOGUE.values():
        for one in subject.questions:
            assert set(one.words) == {"en", "es"} and all(one.words.values())
            assert all(all(option.words.values()) for option in one.options)
            assert one.kind != CHOICE or one.options


@pytest.mark.parametrize("text", ["2020-W48-1", "20200103", "2020-1-3"])
def test_a_day_is_written_as_fhir_has_it(text: str) -> None:
    """Python reads more as a date than a FHIR date may be."""
    with pytest.raises(Unreadable):
        read(QUESTIONS["birth-date"], text, TODAY)
