"""``_text`` and ``_content``: https://hl7.org/fhir/R4/search.html#content"""

from __future__ import annotations

import pytest

from fhirserver.search.expression import And, Not, Or, PhraseIs, WordIs
from fhirserver.search.words import asked, has_phrase, narrative_words, other_words


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
        ('"Bone"', word("bone")),
        (
            '"bone MARROW" OR x',
            Or((And((word("bone"), word("marrow"), PhraseIs("_text", ("bone", "marrow")))), word("x"))),
        ),
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
        ('bone "marrow', "a quotation mark at the end of a phrase that begins at character 6"),
        ('"bone marrow"*', "no star after a phrase at character 14"),
        ('"-"', "a word at character 1"),
        ("(" * 50, "parentheses"),
        ("NOT " * 50 + "x", "parentheses"),
        ("x" * 3000, "characters"),
    ],
)
def test_what_is_not_understood_is_said_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        asked("_text", text)


@pytest.mark.parametrize(
    ("param", "phrase", "stands"),
    [
        ("_text", "cafe noir", True),
        ("_text", "noir cafe", False),
        ("_text", "af noir", False),
        ("_text", "uber alles", False),
        ("_content", "cafe noir", True),
        ("_content", "uber alles", True),
        ("_content", "alles other", False),
    ],
)
def test_a_phrase_stands_in_one_text(param: str, phrase: str, stands: bool) -> None:
    content = (
        """{"text": {"div": "<div>Caf&eacute; <b>Noir</b></div>"}, "note": ["\u00dcber, alles", "other"]}"""
    )
    assert has_phrase(content.encode(), param, phrase) is stands


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


def test_of_a_word_without_an_end_the_first_characters_count_on_both_sides() -> None:
    resource = {"resourceType": "Patient", "text": {"div": f"<div>{'x' * 1_000_000} y</div>"}}
    assert narrative_words(resource) == {"x" * 64, "y"}
    assert asked("_text", "x" * 70) == WordIs("_text", "x" * 64)
