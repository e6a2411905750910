"""``_filter``: https://hl7.org/fhir/R4/search_filter.html"""

from __future__ import annotations

import pytest

from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.search.expression import (
    And,
    Chain,
    DateIs,
    Differs,
    Expression,
    Missing,
    Not,
    Or,
    ReferenceIs,
    StringIs,
    TokenIs,
)
from fhirserver.search.literals import date_range
from fhirserver.search.parse import parse
from terminology.service import TerminologyService


def where(text: str, type_name: str = "Patient") -> Expression:
    return parse(type_name, [("_filter", text)], terminology=TerminologyService()).where


EVE = StringIs("given", "eve", "whole")
MALE = TokenIs("gender", None, "male")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('given eq "Eve"', EVE),
        ("given eq Eve", EVE),
        ('  ( given  eq "Eve" )  ', EVE),
        ('given eq "Eve" and gender eq male', And((EVE, MALE))),
        ("given eq eve or given eq eve and gender eq male", Or((EVE, And((EVE, MALE))))),
        ("(given eq eve or given eq eve) and gender eq male", And((Or((EVE, EVE)), MALE))),
        ("not (gender eq male)", Not(MALE)),
        ("NOT(gender eq male) AND given eq eve", And((Not(MALE), EVE))),
        ("gender ne male", Differs(MALE)),  # "an item in the set has a different value"
        ("given ne eve", Differs(EVE)),
        ('family co "a,b|c"', StringIs("family", "a,b|c", "contains")),
        (r'family eq "a\"bä"', StringIs("family", 'a"ba', "whole")),
        ("birthdate gt 1980", DateIs("birthdate", "gt", *date_range("1980"))),
        ("birthdate pr true", Not(Missing("birthdate", "date"))),
        ("identifier eq http://mrn|7", TokenIs("identifier", "http://mrn", "7")),
        ("organization re Organization/1", ReferenceIs("organization", "Organization", "1")),
        (
            'organization[active eq true].name sw "cl"',
            Chain(
                "organization", "Organization", And((TokenIs("active", None, "true"), StringIs("name", "cl")))
            ),
        ),
    ],
)
def test_what_is_meant(text: str, expected: object) -> None:
    assert where(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("given", "an operator such as eq at character 6"),
        ("given is eve", "at character 7"),
        ("given eq", "a value at character 9"),
        ('given eq "eve', "quotation mark at character 10"),
        ("given eq eve gender", "the end at character 14"),
        ("(given eq eve", "\\) at character 14"),
        ("given eq eve)", "the end at character 13"),
        ("nothing eq eve", "no search parameter nothing.*at character 1"),
        ("gender co ma", "token parameter.*at character 11"),
        ("given gt eve", "at character 10"),
        ("birthdate gt soon", "a date.* at character 14"),
        ("birthdate pr maybe", "true or false at character 14"),
        ("gender.name eq x", "a reference parameter before a dot at character 1"),
        ("organization.nothing eq x", "nothing.*at character 14"),
        ("organization:Patient.name eq x", "refers to at character 1"),
        ("organization[name eq x] eq y", "a dot"),
        ("gender in http://nowhere", "could not be found at character 11"),
        ("_text eq x", "at character 1"),
        ("(" * 60, "parentheses"),
        ("x" * 5000, "characters"),
        ("gender eq male or", "a search parameter at character 18"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(Refusal, match=problem) as caught:
        where(text)
    assert caught.value.category is Category.INVALID
    assert caught.value.issues[0].expression == ("http._filter",)


def test_a_path_that_could_lead_anywhere_is_refused_at_once() -> None:
    with pytest.raises(Refusal, match="the type that is meant"):
        where("entity" + ".entity" * 40 + " eq x", "Provenance")


def test_a_bad_filter_is_not_passed_over_when_lenient() -> None:
    with pytest.raises(Refusal):
        parse("Patient", [("_filter", "nothing eq x")], lenient=True)
