"""Paths, casts and filters over resources: what search parameters are made of."""

from __future__ import annotations

import pytest

from fhirserver.kernel.json import loads
from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath import FhirPathError, Typed, compile_path

PATIENT = loads(
    b"""{"resourceType": "Patient", "id": "p1", "active": true,
    "name": [{"use": "official", "family": "Doe", "given": ["Eve", null, "Ann"],
              "_given": [null, {"extension": [{"url": "http://x/absent", "valueCode": "masked"}]}]},
             {"family": "Roe"}],
    "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "2"}],
    "_birthDate": {"extension": [{"url": "http://x/time", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
    "deceasedBoolean": false,
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Org"}],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "Practitioner/1"}, {"reference": "http://x/fhir/Organization/2"},
                            {"reference": "urn:uuid:1", "type": "PractitionerRole"}]}"""
)


def path(expression: str, context: str | None = "Patient") -> list[Typed]:
    return compile_path(expression, context)(PATIENT)


def values(expression: str) -> list[object]:
    return [item.value for item in path(expression)]


@pytest.mark.parametrize("context", ["Patient", "DomainResource", "Resource", None])
def test_same_answer_typed_or_not(context: str | None) -> None:
    assert path("Patient.name.family", context) == [Typed("Doe", "string"), Typed("Roe", "string")]
    assert path("id", context) == [Typed("p1", "id")]


def test_choice_types() -> None:
    assert path("Patient.deceased") == [Typed(False, "boolean")]
    assert path("Patient.deceased as dateTime") == []
    assert path("Patient.deceased.ofType(boolean)") == [Typed(False, "boolean")]


def test_primitive_without_a_value_keeps_its_extension() -> None:
    assert [item.type for item in path("Patient.birthDate")] == ["date"]
    assert values("Patient.birthDate") == [None]
    found = path("Patient.birthDate.extension('http://x/time').value")
    assert found == [Typed("1974-12-25T14:35:45-05:00", "dateTime")]
    assert values("Patient.name.given") == ["Eve", None, "Ann"]
    assert values("Patient.name.given[1].extension.value") == ["masked"]


def test_reference_types_decide_without_a_resolver() -> None:
    def targets(type_name: str) -> list[object]:
        return values(f"Patient.generalPractitioner.where(resolve() is {type_name}).reference")

    assert targets("Practitioner") == ["Practitioner/1"]
    assert targets("Organization") == ["http://x/fhir/Organization/2"]
    assert targets("PractitionerRole") == ["urn:uuid:1"]


def test_contained_resources_resolve() -> None:
    assert values("Patient.managingOrganization.resolve().name") == ["Org"]
    assert path("Patient.contained")[0].type == "Organization"


def test_filters_and_unions() -> None:
    assert values("Patient.telecom.where(system='email').value") == ["2"]
    assert values("name.family | Patient.name.given.where($this = 'Eve') | name.family") == [
        "Doe",
        "Roe",
        "Eve",
    ]


def test_every_r4_search_parameter_compiles_and_runs() -> None:
    model = definitions()
    for name in model.resource_types:
        for parameter in model.search_parameters(name).values():
            if parameter.expression:
                compile_path(parameter.expression, name)({"resourceType": name})


def test_union_keeps_only_the_branches_of_the_context() -> None:
    assert values("Practitioner.name.family | Patient.name.family") == ["Doe", "Roe"]


@pytest.mark.parametrize(
    "expression", ["Patient.nam", "Observation.code", "name.family.given", "deceasedBoolean"]
)
def test_unknown_elements_are_semantic_errors(expression: str) -> None:
    with pytest.raises(FhirPathError) as error:
        compile_path(expression, "Patient")
    assert error.value.kind == "semantic"
    assert compile_path(expression, "Patient", strict=False)(PATIENT) == []


def test_backbone_context() -> None:
    component = {"code": {"text": "x"}, "valueQuantity": {"value": 1}}
    assert compile_path("value.as(Quantity)", "Observation.component")(component) == [
        Typed({"value": 1}, "Quantity")
    ]


@pytest.mark.parametrize("broken", [{"name": "Doe"}, {"name": [["x"]]}, {"name": [1]}])
def test_a_value_of_another_shape_is_an_error_not_a_crash(broken: dict[str, object]) -> None:
    with pytest.raises(FhirPathError):
        compile_path("Patient.name.family", "Patient")({"resourceType": "Patient", **broken})


def test_a_resource_of_another_type_is_an_error() -> None:
    with pytest.raises(FhirPathError):
        compile_path("Patient.name", "Patient")({"resourceType": "Observation"})
