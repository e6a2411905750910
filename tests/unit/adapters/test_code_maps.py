"""Codes of records translated by stored ConceptMaps: what is kept, what is said of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.runner.code_map_rules import parse_rule
from adapters.runner.code_maps import Coded, Coder
from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation import validate
from fhirserver.world.vocabulary import MAPPED_BY, MAPPED_FROM, MAPPING_EQUIVALENCE
from terminology.concept_maps.translator import Translator
from tests.unit.terminology.concept_maps.shelves import Shelf, concept_map, element, group

LOCAL, LOINC, OTHER = "urn:lab:tests", "http://loinc.org", "urn:other"
MAP = "https://lab.example/ConceptMap/tests"
TESTS = concept_map(
    MAP,
    group(LOCAL, LOINC, element("GLU", "2345-7"), element("NA", ("2951-2", "inexact")), element("OLD")),
    version="3",
)


def coder(*rules: str, maps: tuple[JsonObject, ...] = (TESTS,)) -> Coder:
    shelf = Shelf()
    shelf.put(*maps)

    async def caught_up() -> None:
        return None

    return Coder([parse_rule(rule) for rule in rules], Translator(shelf), caught_up)


def observation(*codings: JsonObject, **more: object) -> JsonObject:
    return {"resourceType": "Observation", "status": "final", "code": {"coding": list(codings)}, **more}


def local(code: str) -> JsonObject:
    return {"system": LOCAL, "code": code, "display": f"Local {code}"}


def marks(map: str, equivalence: str) -> list[JsonObject]:
    return [{"url": MAPPED_BY, "valueCanonical": map}, {"url": MAPPING_EQUIVALENCE, "valueCode": equivalence}]


def test_the_translated_code_comes_first_and_the_original_stays() -> None:
    found = coder(f"Observation.code={MAP}").coded(observation(local("GLU")))
    assert found.content["code"]["coding"] == [
        {"system": LOINC, "code": "2345-7", "extension": marks(f"{MAP}|3", "equivalent")},
        local("GLU"),
    ]
    assert (found.maps, found.doubtful, found.missing) == ((f"{MAP}|3",), frozenset(), ())
    assert [one for one in validate(found.content) if one.severity == "error"] == []


@pytest.mark.parametrize("code", ["NEW", "OLD"])
def test_a_code_without_a_translation_is_kept_and_says_so(code: str) -> None:
    found = coder(f"Observation.code={MAP}").coded(observation(local(code)))
    assert found.content["code"]["coding"] == [{**local(code), "extension": marks(MAP, "unmatched")}]
    assert found.maps == ()


def test_what_the_sender_says_in_the_target_system_is_not_overruled() -> None:
    said = observation(local("GLU"), {"system": LOINC, "code": "1-8"})
    assert coder(f"Observation.code={MAP}").coded(said) == Coded(said)


def test_what_is_mapped_too_closely_is_doubtful() -> None:
    assert coder(f"Observation.code={MAP}").coded(observation(local("NA"))).doubtful == {"code"}


def test_everywhere_but_only_systems_that_the_map_has() -> None:
    other = {"coding": [{"system": OTHER, "code": "GLU"}]}
    quantity = {"value": 1, "system": LOCAL, "code": "GLU"}
    found = coder(f"*={MAP}").coded(
        observation(
            local("GLU"),
            category=[other],
            valueQuantity=quantity,
            component=[{"code": {"coding": [local("X")]}}],
        )
    )
    assert found.content["category"] == [other] and found.content["valueQuantity"] == quantity
    assert found.content["code"]["coding"][0]["code"] == "2345-7"
    assert found.content["component"][0]["code"]["coding"][0]["extension"] == marks(MAP, "unmatched")


def test_by_the_field_of_a_message() -> None:
    by = coder(f"OBX-3={MAP}")
    content = observation(local("GLU"), valueCodeableConcept={"coding": [local("GLU")]})
    found = by.coded(content, {"code": "OBX[2]-3", "valueCodeableConcept": "OBX[2]-5"}).content
    assert len(found["code"]["coding"]) == 2 and len(found["valueCodeableConcept"]["coding"]) == 1
    assert by.coded(content).content == content


def test_choices_backbones_and_other_types() -> None:
    by = coder(f"Observation.value[x]={MAP}", f"AllergyIntolerance.reaction.manifestation={MAP}")
    value = {"coding": [local("GLU")]}
    assert (
        len(by.coded(observation(valueCodeableConcept=value)).content["valueCodeableConcept"]["coding"]) == 2
    )
    reaction = [{"manifestation": [value]}, {"description": "none"}]
    allergy = {"resourceType": "AllergyIntolerance", "reaction": reaction}
    assert len(by.coded(allergy).content["reaction"][0]["manifestation"][0]["coding"]) == 2
    condition = {"resourceType": "Condition", "code": value}
    assert by.coded(condition).content == condition


def test_where_there_is_room_for_one_code_the_original_is_kept_inside() -> None:
    by = coder(f"Encounter.class={MAP}")
    encounter = {"resourceType": "Encounter", "status": "planned", "class": local("GLU")}
    found = by.coded(encounter).content
    inside = {"url": MAPPED_FROM, "valueCoding": local("GLU")}
    assert found["class"] == {
        "system": LOINC,
        "code": "2345-7",
        "extension": [*marks(f"{MAP}|3", "equivalent"), inside],
    }
    assert by.coded(found).content == found, "coming back it is not translated twice"
    assert [one for one in validate(found) if one.severity == "error"] == []


def test_rules_beside_each_other() -> None:
    second = concept_map(
        "https://b.example/ConceptMap/b", group(LOCAL, OTHER, element("NEW", "n"), element("GLU", "g"))
    )
    by = coder(f"Observation.code={MAP}", "*=https://b.example/ConceptMap/b", maps=(TESTS, second))
    assert [one["code"] for one in by.coded(observation(local("NEW"))).content["code"]["coding"]] == [
        "n",
        "NEW",
    ]
    assert "extension" not in by.coded(observation(local("NEW"))).content["code"]["coding"][1]
    assert [one["code"] for one in by.coded(observation(local("GLU"))).content["code"]["coding"]] == [
        "2345-7",
        "g",
        "GLU",
    ]


def test_a_map_that_is_not_here_is_told_and_changes_nothing() -> None:
    said = observation(local("GLU"))
    assert coder("Observation.code=urn:none").coded(said) == Coded(said, missing=("urn:none",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Observation.code",
        "Observation.code=x",
        "Observation.status=urn:m",
        "Observation.none=urn:m",
        "None.code=urn:m",
        "Observation=urn:m",
        "OBX-0=urn:m",
        "Patient.name.family=urn:m",
    ],
)
def test_rules_that_are_wrong(text: str) -> None:
    with pytest.raises(ValueError):
        parse_rule(text)


codings = st.lists(
    st.builds(
        lambda system, code: {"system": system, "code": code},
        st.sampled_from([LOCAL, OTHER, LOINC]),
        st.sampled_from(["GLU", "NA", "NEW", "2345-7"]),
    ),
    min_size=1,
    max_size=4,
)


@given(codings)
def test_nothing_that_was_said_is_lost_and_mapping_again_changes_nothing(said: list[JsonObject]) -> None:
    by = coder(f"*={MAP}", f"Observation.code={MAP}")
    once = by.coded(observation(*said))
    bare = [{k: v for k, v in one.items() if k != "extension"} for one in once.content["code"]["coding"]]
    assert all(one in bare for one in said)
    assert by.coded(once.content) == once
