"""``_text`` and ``_content``: https://hl7.org/fhir/R4/search.html#content"""

from __future__ import annotations

import pytest

from fhirserver.search.expression import And, Not, Or, WordIs
from fhirserver.search.words import asked, narrative_words, other_words


def word(text: str, starts: bool = False) -> WordIs:
    return WordIs("_text", text, starts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bone", word("bone")),
        ("Börse", word("borse")),
        ("bone liver", And((word("bone"), word("liver")))),
        ("bone AND liver", And((word("bone"), word("liver")))),
        ("bone OR liver", Or((word("bone"), word("liver")))),
        ("bone NOT liver", And((word("bone"), Not(word("liver"))))),
        ("NOT bone", Not(word("bone"))),
        ("(bone OR liver) and", And((Or((word("bone"), word("liver"))), word("and")))),
        ("a OR b AND c", Or((word("a"), And((word("b"), word("c")))))),
        ("heart-att*", And((word("heart"), word("att", True)))),
    ],
)
def test_what_is_asked(text: str, expected: object) -> None:
    assert asked("_text", text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "a word at the end"),
        ("(bone", "\\) at the end"),
        ("bone OR", "a word at the end"),
        ("bone )", "an end at character 6"),
        ("OR bone", "a word at character 1"),
        ("- bone", "a word at character 1"),
        ('"bone marrow"', "phrases"),
        ("(" * 50, "parentheses"),
        ("NOT " * 50 + "x", "parentheses"),
        ("x" * 3000, "characters"),
    ],
)
def test_what_is_not_understood_is_said_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        asked("_text", text)


def test_the_words_of_a_resource() -> None:
    resource = {
        "resourceType": "Observation",
        "text": {"status": "generated", "div": "<div title='no'>Caf&eacute; <b>Noir</b></div>"},
        "valueString": "Über",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]},
        "valueInteger": 7,
        "photo": {"data": "QUJD"},
        "flag": True,
    }
    assert narrative_words(resource) == {"cafe", "noir"}
    assert other_words(resource) == {"generated", "uber", "8302", "2", "7"}


def test_malformed_resources_have_no_words() -> None:
    for text in ({"text": 5}, {"text": {"div": 5}}, {}):
        assert narrative_words(text) == set()
