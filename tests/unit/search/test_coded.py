"""``:in``, ``:not-in``, ``:above`` and ``:below`` of tokens. https://hl7.org/fhir/R4/search.html#token"""

from __future__ import annotations

import pytest

from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.terminology import Concept, Expansion
from fhirserver.search.expression import Expression, Not, Or, TokenIn
from fhirserver.search.parse import parse
from terminology.service import TerminologyService

GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"
GENDER = "http://hl7.org/fhir/administrative-gender"
ACT_CODES = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
service = TerminologyService()


def where(
    type_name: str, name: str, value: str, terminology: TerminologyService | None = service
) -> Expression:
    return parse(type_name, [(name, value)], base="http://own.org/fhir", terminology=terminology).where


def refused(
    type_name: str, name: str, value: str, terminology: TerminologyService | None = service
) -> Refusal:
    with pytest.raises(Refusal) as caught:
        where(type_name, name, value, terminology)
    return caught.value


def test_in_is_one_set_of_codes() -> None:
    codes = frozenset({"male", "female", "other", "unknown"})
    assert where("Patient", "gender:in", GENDERS) == TokenIn("gender", ((GENDER, codes),))


def test_not_in_also_holds_without_a_code() -> None:
    found = where("Patient", "gender:not-in", GENDERS)
    assert isinstance(found, Not)
    assert isinstance(found.of, TokenIn)


def test_or_of_value_sets() -> None:
    assert isinstance(where("Patient", "gender:in", f"{GENDERS},{GENDERS}"), Or)


def test_below_and_above() -> None:
    below = where("Encounter", "class:below", f"{ACT_CODES}|_ActEncounterCode")
    assert isinstance(below, TokenIn)
    assert {"_ActEncounterCode", "AMB", "ACUTE", "IMP"} <= below.sets[0][1]
    above = where("Encounter", "class:above", f"{ACT_CODES}|ACUTE")
    assert isinstance(above, TokenIn)
    assert {"ACUTE", "IMP", "_ActEncounterCode"} <= above.sets[0][1]
    assert "AMB" not in above.sets[0][1]


class Stored(TerminologyService):
    """Knows one value set by its place on this server."""

    def expand(self, value_set: str, text: str = "", offset: int = 0, count: int | None = None) -> Expansion:
        if value_set != "ValueSet/mine":
            return super().expand(value_set, text, offset, count)
        return Expansion("http://mine", "", 1, 0, (Concept("http://s", "c"),))


@pytest.mark.parametrize("text", ["ValueSet/mine", "http://own.org/fhir/ValueSet/mine"])
def test_a_value_set_of_this_server_is_asked_for_by_its_place(text: str) -> None:
    assert where("Patient", "gender:in", text, Stored()) == TokenIn(
        "gender", (("http://s", frozenset({"c"})),)
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gender:in", "http://nowhere.org/ValueSet/x"),
        ("gender:not-in", "http://nowhere.org/ValueSet/x"),
        ("gender:below", "http://nowhere.org|x"),
        ("gender:above", f"{GENDER}|nobody"),
        ("gender:below", "male"),
        ("gender:below", f"{GENDER}|"),
        ("gender:in", ""),
    ],
)
def test_what_is_not_known_is_refused_by_name(name: str, value: str) -> None:
    refusal = refused("Patient", name, value)
    assert refusal.category is Category.INVALID
    assert refusal.issues[0].expression == (f"http.{name}",)


def test_without_a_terminology_it_is_refused() -> None:
    assert "terminology" in refused("Patient", "gender:in", GENDERS, None).issues[0].diagnostics


def test_only_tokens_have_them() -> None:
    assert refused("Patient", "name:in", GENDERS).issues[0].code == "not-supported"
