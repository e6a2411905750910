"""Value sets that draw on two versions of one code system: what they hold, and which version a code is then of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirserver.ports.code_validation import CodeAnswer, Coded, CodeQuestion
from fhirserver.ports.terminology import Question
from fhirserver.ports.terminology_asked import Asked
from terminology.expanding.members import Listed, Members, Numbered
from terminology.expanding.overloading import united
from terminology.service import TerminologyService
from tests.unit.terminology.test_code_systems import system as rows

Json = dict[str, Any]
URL = "http://x.org/cs/menu"
PARAMETER = "http://hl7.org/fhir/StructureDefinition/valueset-expansion-parameter"


def menu(version: str, **dishes: str) -> Json:
    return {
        "resourceType": "CodeSystem", "url": URL, "version": version, "status": "active", "content": "complete",
        "language": "en", "concept": [{"code": code, "display": display} for code, display in dishes.items()],
    }  # fmt: skip


OLD = menu("1.0.0", soup="Soup", fish="Fish", trifle="Trifle")
NEW = menu("2.0.0", soup="Soup", fish="Fish of the day", salad="Salad")
BOTH = ({"system": URL, "version": "1.0.0"}, {"system": URL, "version": "2.0.0"})


def value_set(*include: Json, match: str = "", exclude: list[Json] | None = None) -> Json:
    compose: Json = {"include": [*include], **({"exclude": exclude} if exclude else {})}
    if match:
        parts = [{"url": "name", "valueCode": "versionsMatch"}, {"url": "value", "valueString": match}]
        compose["extension"] = [{"url": PARAMETER, "extension": parts}]
    return {
        "resourceType": "ValueSet",
        "url": "http://x.org/vs/m",
        "version": "1",
        "status": "active",
        "compose": compose,
    }


SERVICE = TerminologyService()
ASKED = Asked(resources=(OLD, NEW))


def expanded(asked: Json) -> Json:
    answer: Json = SERVICE.answer("expand", Question({"valueSet": [asked]}, "", ""), ASKED)["expansion"]
    return answer


def codes(asked: Json) -> list[str]:
    """``code`` or ``code|version``, in alphabetical order."""
    contains = expanded(asked).get("contains", ())
    return sorted(
        f"{one['code']}|{one['version'][0]}" if "version" in one else one["code"] for one in contains
    )


def is_matched(asked: Json) -> bool:
    told = {one["name"]: one.get("valueBoolean") for one in expanded(asked)["parameter"]}
    return told.get("versionsMatch") is True


SIX = ["fish|1", "fish|2", "salad|2", "soup|1", "soup|2", "trifle|1"]
FOUR = ["fish|2", "salad|2", "soup|2", "trifle|1"]


@pytest.mark.parametrize(
    ("asked", "wanted", "matched"),
    [
        (value_set(*BOTH), SIX, False),
        (value_set(BOTH[0], {"system": URL}), SIX, False),
        (value_set(*BOTH, match="false"), SIX, False),
        (value_set(*BOTH, match="true"), FOUR, True),
        (value_set(BOTH[1]), ["fish", "salad", "soup"], False),
        (value_set(BOTH[1], exclude=[BOTH[0]]), ["salad|2"], True),
        (value_set(BOTH[1], exclude=[BOTH[0]], match="false"), ["fish|2", "salad|2", "soup|2"], False),
        (value_set(*BOTH, exclude=[{**BOTH[0], "concept": [{"code": "fish"}]}]), SIX[1:], False),
        (value_set({**BOTH[0], "concept": [{"code": "trifle"}]}, BOTH[1]), [*FOUR], False),
    ],
)  # fmt: skip
def test_expansions(asked: Json, wanted: list[str], matched: bool) -> None:
    assert (codes(asked), is_matched(asked)) == (wanted, matched)


def test_of_codes_that_are_matched_the_newer_version_has_the_say() -> None:
    shown = {one["code"]: one["display"] for one in expanded(value_set(*BOTH, match="true"))["contains"]}
    assert shown["fish"] == "Fish of the day"


@given(st.lists(st.sets(st.sampled_from("abcd")), min_size=1, max_size=4))
def test_united_parts_of_one_version_have_each_code_once(chosen: list[set[str]]) -> None:
    one = rows(*({"code": code} for code in "abcd"))
    parts: list[Members] = [
        Numbered(one, one.select({"property": "code", "op": "in", "value": ",".join(codes or {"none"})}))
        for codes in chosen
    ]
    for matched in (True, False):
        found = [code for part in united([*parts, Listed("urn:s", {})], matched) for code in part.codes()]
        assert sorted(found) == sorted(set().union(*chosen))


# One code


def ask(asked: Json, *codings: Coded) -> CodeAnswer:
    form: Any = "coding" if len(codings) == 1 else "codeableConcept"
    concept = {"coding": []} if form == "codeableConcept" else None
    return SERVICE.validate(CodeQuestion(codings, form, asked, concept=concept), ASKED)


@pytest.mark.parametrize(
    ("code", "version", "display", "result", "used"),
    [
        ("soup", "", "", True, "2.0.0"),
        ("soup", "1.0.0", "", True, "1.0.0"),
        ("trifle", "", "", True, "1.0.0"),
        ("fish", "", "Fish of the day", True, "2.0.0"),
        ("fish", "", "Fish", True, "1.0.0"),
        ("fish", "2.0.0", "Fish", False, "2.0.0"),
        ("fish", "", "Fish and chips", False, "2.0.0"),
        ("salad", "1.0.0", "", False, "1.0.0"),
    ],
)
def test_a_code_is_of_the_version_that_is_said_or_calls_it_so_or_else_the_newest(
    code: str, version: str, display: str, result: bool, used: str
) -> None:
    answer = ask(value_set(*BOTH), Coded(URL, code, version, display))
    assert (answer.result, answer.version) == (result, used)
    assert "different to" not in (answer.message or "")


def test_an_unknown_code_is_unknown_in_one_version() -> None:
    answer = ask(value_set(*BOTH), Coded(URL, "cake"))
    texts = [one["details"]["text"] for one in answer.issues]
    assert [text for text in texts if text.startswith("Unknown code")] == [
        f"Unknown code 'cake' in the CodeSystem '{URL}' version '2.0.0'"
    ]


def test_each_coding_may_be_called_as_another_version_does() -> None:
    codings = (Coded(URL, "fish", display="Fish of the day"), Coded(URL, "fish", display="Fish"))
    assert ask(value_set(*BOTH), *codings).result


@pytest.mark.parametrize(("match", "held"), [("", False), ("true", False), ("false", True)])
def test_an_exclude_of_another_version(match: str, held: bool) -> None:
    asked = value_set(BOTH[1], exclude=[BOTH[0]], match=match)
    assert ask(asked, Coded(URL, "soup")).result is held
    assert ask(asked, Coded(URL, "salad")).result
