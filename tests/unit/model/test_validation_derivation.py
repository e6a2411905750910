"""Profiles against their base definitions: they may ask for more, and allow no more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.model.profiles import BASE, OWN, Json, extension, issues, profile, validator

GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"
ELEMENT = "StructureDefinition.differential.element[1]."


def definition(made: Json, **change: Any) -> Json:
    """With what every StructureDefinition needs: the root element, and ids."""
    elements = made["differential"]["element"]
    if elements[0]["path"] != made["type"]:
        elements = [{"path": made["type"]}, *elements]
    named = [
        {**e, "id": f"{e['path']}:{e['sliceName']}" if "sliceName" in e else e["path"]} for e in elements
    ]
    return {**made, "differential": {"element": named}, **change}


def wrong(given: Json, *known: Json) -> list[str]:
    return [place for place, _ in issues(validator(*known).validate(given))]


def of_patient(path: str, **content: Any) -> Json:
    return definition(profile("Patient", {"path": path, **content}))


@pytest.mark.parametrize(
    ("path", "content", "place"),
    [
        ("name", {"min": 1}, None),
        ("link.other", {"min": 0}, "min"),
        ("birthDate", {"max": "*"}, "max"),
        ("name", {"max": "1"}, None),
        ("gender", {"binding": {"strength": "required", "valueSet": GENDER}}, None),
        ("gender", {"binding": {"strength": "extensible", "valueSet": GENDER}}, "binding"),
        ("active", {"maxLength": 3}, "maxLength"),
        ("name.family", {"maxLength": 3}, None),
        ("name.family", {"minValueInteger": 3}, "minValue[x]"),
        ("birthDate", {"minValueDate": "1900-01-01"}, None),
        ("active", {"fixedString": "x"}, "fixed[x]"),
        ("deceased[x]", {"patternBoolean": True}, None),
        ("deceased[x]", {"type": [{"code": "boolean"}]}, None),
        ("deceased[x]", {"type": [{"code": "Quantity"}]}, "type[0].code"),
        ("name", {"type": [{"code": "HumanName", "profile": [BASE + "Address"]}]}, "type[0].profile[0]"),
        (
            "managingOrganization",
            {"type": [{"code": "Reference", "targetProfile": [BASE + "Patient"]}]},
            "type[0].targetProfile[0]",
        ),
        (
            "generalPractitioner",
            {"type": [{"code": "Reference", "targetProfile": [BASE + "Practitioner"]}]},
            None,
        ),
    ],
)
def test_an_element_allows_no_more_than_its_base(path: str, content: Json, place: str | None) -> None:
    assert wrong(of_patient(path, **content)) == ([ELEMENT + place] if place else [])


@pytest.mark.parametrize(
    ("expression", "fits"),
    [("family.exists()", True), ("given.count() < 3", True), ("famly.exists()", False)],
)
def test_a_constraint_names_elements_that_there_are(expression: str, fits: bool) -> None:
    constraint = {"key": "x-1", "severity": "error", "human": "x", "expression": expression}
    told = wrong(of_patient("name", constraint=[constraint]))
    assert told == ([] if fits else [ELEMENT + "constraint[0].expression"])


def test_a_profile_is_of_the_kind_of_its_base() -> None:
    assert wrong({**of_patient("name", min=1), "kind": "logical"}) == ["StructureDefinition.kind"]


def test_a_profile_of_a_profile_is_held_to_that() -> None:
    narrow = profile("Patient", {"path": "name", "min": 1, "max": "2"}, name="narrow")
    wide = definition(profile("Patient", {"path": "name", "min": 0, "max": "3"}, base=OWN + "narrow"))
    assert wrong(wide, narrow) == [ELEMENT + "min", ELEMENT + "max"]


def test_an_extension_has_its_own_url() -> None:
    own = definition(extension("e", {"path": "value[x]", "type": [{"code": "string"}]}))
    assert wrong(own) == []
    assert wrong({**own, "url": OWN + "other"}) == [ELEMENT + "fixed.ofType(uri)"]


def test_only_an_extension_has_a_context() -> None:
    given = {**of_patient("name", min=1), "context": [{"type": "element", "expression": "Patient"}]}
    assert wrong(given) == ["StructureDefinition.context"]
