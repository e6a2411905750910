"""SearchParameter resources as definitions. https://hl7.org/fhir/R4/searchparameter.html"""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.outcomes import Refusal
from fhirserver.search.defined import Parameters
from fhirserver.search.definition import read_definition
from fhirserver.search.expression import Chain, Missing
from fhirserver.search.index import extract
from fhirserver.search.parse import parse
from fhirserver.search.values import CompositeValue, StringValue, TokenValue

EYES = "Patient.extension.where(url = 'http://x.org/eyes').value.ofType(CodeableConcept)"


def definition(**members: Any) -> dict[str, Any]:
    return {
        "resourceType": "SearchParameter",
        "id": "eyes",
        "url": "http://x.org/SearchParameter/eyes",
        "name": "Eyes",
        "status": "active",
        "description": "Colour of the eyes",
        "code": "eyes",
        "base": ["Patient"],
        "type": "token",
        "expression": EYES,
        **members,
    }


def known(*resources: dict[str, Any], pending: str = "") -> Parameters:
    own: dict[str, Any] = {}
    for resource in resources:
        made = read_definition(resource)
        assert made.issues == []
        for type, parameter in made.by_type.items():
            own.setdefault(type, {})[parameter.code] = parameter
    return Parameters(own, {"Patient": frozenset([pending])} if pending else {})


@pytest.mark.parametrize(
    ("members", "element"),
    [
        ({"code": "_eyes"}, "code"),
        ({"code": "a.b"}, "code"),
        ({"code": "gender"}, "code"),
        ({"type": "special"}, "type"),
        ({"xpathUsage": "nearby"}, "xpathUsage"),
        ({"expression": None}, "expression"),
        ({"expression": "Patient.nme"}, "expression"),
        ({"expression": "Patient.name."}, "expression"),
        ({"expression": "Person.name"}, "expression"),
        ({"expression": "Patient.name", "type": "date"}, "expression"),
        ({"base": ["Patient", "Person"], "expression": "Patient.name", "type": "string"}, "expression"),
        ({"type": "composite"}, "component"),
        (
            {
                "type": "composite",
                "expression": "Patient.name",
                "component": [{"definition": "http://nowhere.org/x", "expression": "given"}] * 2,
            },
            "component[0].definition",
        ),
        (
            {
                "type": "composite",
                "expression": "Patient.name",
                "component": [
                    {"definition": "http://hl7.org/fhir/SearchParameter/individual-given", "expression": x}
                    for x in ("given", "nothing")
                ],
            },
            "component[1].expression",
        ),
    ],
)
def test_what_cannot_be_used_is_named(members: dict[str, Any], element: str) -> None:
    resource = {name: value for name, value in definition(**members).items() if value is not None}
    found = [path for issue in read_definition(resource).issues for path in issue.expression]
    assert f"SearchParameter.{element}" in found


def test_one_that_is_r4s_own_defines_nothing() -> None:
    for members in (
        {"derivedFrom": "http://hl7.org/fhir/SearchParameter/individual-gender"},
        {"url": "http://hl7.org/fhir/SearchParameter/individual-gender"},
    ):
        made = read_definition(definition(code="gender", expression="Patient.gender", **members))
        assert (made.by_type, made.same, made.issues) == ({}, ["Patient"], [])


def test_values_are_extracted_and_queries_read() -> None:
    concept = {"coding": [{"system": "urn:c", "code": "blue"}]}
    patient = {
        "resourceType": "Patient",
        "gender": "male",
        "extension": [{"url": "http://x.org/eyes", "valueCodeableConcept": concept}],
    }
    own = known(definition())
    values = extract(patient, known=own)
    assert TokenValue("eyes", "urn:c", "blue") in values
    assert [value for value in values if value.param != "eyes"] == extract(patient)
    assert parse("Patient", [("eyes:missing", "true")], known=own).where == Missing("eyes", "token")
    chained = parse("Observation", [("subject:Patient.eyes", "blue")], known=own).where
    assert isinstance(chained, Chain)
    with pytest.raises(Refusal):
        parse("Patient", [("eyes", "blue")])


def test_a_choice_may_be_said_as_in_json() -> None:
    resource = definition(
        type="date", expression="Patient.extension.where(url = 'a.valueDate').valueDateTime"
    )
    own = known(resource)
    assert own.of("Patient")["eyes"].expression.endswith("(url = 'a.valueDate').value.ofType(dateTime)")
    extension = [{"url": "a.valueDate", "valueDateTime": "2020-01-01"}, {"url": "b", "valueDateTime": "2021"}]
    values = extract({"resourceType": "Patient", "extension": extension}, known=own)
    assert [value.param for value in values].count("eyes") == 1


def test_of_several_types_each_gets_its_part() -> None:
    resource = definition(
        code="spelt",
        base=["Patient", "Organization"],
        type="string",
        expression="Patient.name | Organization.name",
    )
    own = known(resource)
    assert own.of("Patient")["spelt"].expression == "Patient.name"
    assert StringValue("spelt", "acme", "Acme") in extract(
        {"resourceType": "Organization", "name": "Acme"}, known=own
    )


def test_a_composite() -> None:
    url = "http://hl7.org/fhir/SearchParameter/individual-"
    resource = definition(
        code="full",
        type="composite",
        expression="Patient.name",
        component=[
            {"definition": f"{url}given", "expression": "given"},
            {"definition": f"{url}family", "expression": "family"},
        ],
    )
    own = known(resource)
    values = extract({"resourceType": "Patient", "name": [{"given": ["Ada"], "family": "Okafor"}]}, known=own)
    (made,) = [value for value in values if isinstance(value, CompositeValue)]
    assert [part.text for part in made.parts if isinstance(part, StringValue)] == ["Ada", "Okafor"]
    assert parse("Patient", [("full", "ada$oka")], known=own)


def test_one_that_is_not_complete_is_no_ground_to_search_on() -> None:
    own = known(definition(), pending="eyes")
    for type, name in (
        ("Patient", "eyes"),
        ("Observation", "subject:Patient.eyes"),
        ("Patient", "eyes:missing"),
    ):
        with pytest.raises(Refusal) as refused:
            parse(type, [(name, "true")], known=own)
        assert refused.value.category.value == 503
