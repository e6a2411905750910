"""What a profile asks of elements and values. https://hl7.org/fhir/R4/profiling.html"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.model.profiles import BASE, OWN, extension, found, issues, places, profile, validator

Json = dict[str, Any]
LOINC = "http://loinc.org"
PATIENT: Json = {"resourceType": "Patient", "id": "p", "name": [{"family": "Eve"}], "gender": "female"}
OBSERVATION: Json = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": LOINC, "code": "718-7"}]},
    "subject": {"reference": "Patient/1"},
    "valueQuantity": {"value": 14, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
}


@pytest.mark.parametrize(
    ("element", "change", "place"),
    [
        ({"path": "birthDate", "min": 1}, {}, "Patient.birthDate"),
        ({"path": "name", "min": 2}, {}, "Patient.name"),
        ({"path": "name", "max": "0"}, {}, "Patient.name"),
        ({"path": "name.given", "min": 1}, {}, "Patient.name[0].given"),
        ({"path": "gender", "fixedCode": "male"}, {}, "Patient.gender"),
        ({"path": "name", "patternHumanName": {"use": "official"}}, {}, "Patient.name[0]"),
        ({"path": "name.family", "maxLength": 2}, {}, "Patient.name[0].family"),
        ({"path": "name.family", "extension": [{"url": BASE + "regex", "valueString": "[A-Z]+"}]}, {},
         "Patient.name[0].family"),
        ({"path": "birthDate", "minValueDate": "1900-01-01"}, {"birthDate": "1899-12-31"}, "Patient.birthDate"),
        ({"path": "birthDate", "maxValueDate": "2000-01-01"}, {"birthDate": "2000-01-02"}, "Patient.birthDate"),
        ({"path": "multipleBirth[x]", "type": [{"code": "boolean"}]}, {"multipleBirthInteger": 2},
         "Patient.multipleBirth.ofType(integer)"),
        ({"path": "multipleBirthInteger", "maxValueInteger": 3}, {"multipleBirthInteger": 4},
         "Patient.multipleBirth.ofType(integer)"),
        ({"path": "", "constraint": [{"key": "x-1", "severity": "error", "human": "has a phone",
          "expression": "telecom.where(system = 'phone').exists()"}]}, {}, "Patient"),
        ({"path": "name", "constraint": [{"key": "x-2", "severity": "error", "human": "a text",
          "expression": "text.exists()"}]}, {}, "Patient.name[0]"),
        ({"path": "generalPractitioner", "type": [{"code": "Reference", "targetProfile": [BASE + "Practitioner"]}]},
         {"generalPractitioner": [{"reference": "Organization/1"}]}, "Patient.generalPractitioner[0]"),
        ({"path": "contact.name", "min": 1}, {"contact": [{"telecom": [{"system": "email", "value": "x"}]}]},
         "Patient.contact[0].name"),
        ({"path": "birthDate.extension", "min": 1}, {"birthDate": "2000-01-01"}, "Patient.birthDate.extension"),
    ],
)  # fmt: skip
def test_what_a_profile_asks_is_missed_where_it_is_missing(element: Json, change: Json, place: str) -> None:
    assert places({**PATIENT, **change}, profile("Patient", element)) == [place]


@pytest.mark.parametrize(
    "element",
    [
        {"path": "name", "min": 1, "max": "1"},
        {"path": "gender", "fixedCode": "female"},
        {"path": "name", "patternHumanName": {"family": "Eve"}},
        {"path": "birthDate", "minValueDate": "1900-01-01"},
        {"path": "birthDate", "maxValueDate": "2000"},
        {"path": "multipleBirth[x]", "type": [{"code": "boolean"}]},
        {"path": "contact.name", "min": 1},
        {"path": "name.period.start", "min": 1},
        {"path": "communication.language.coding.code", "min": 1},
        {"path": "gender", "mustSupport": True},
    ],
)
def test_what_holds_is_no_issue(element: Json) -> None:
    assert found(PATIENT, profile("Patient", element)) == []


def test_a_pattern_asks_for_a_part_and_a_fixed_value_for_all() -> None:
    given = {
        **PATIENT,
        "maritalStatus": {"coding": [{"code": "M", "system": "http://x.test"}, {"code": "S"}]},
    }
    part = {"coding": [{"code": "M"}]}
    assert found(given, profile("Patient", {"path": "maritalStatus", "patternCodeableConcept": part})) == []
    assert places(given, profile("Patient", {"path": "maritalStatus", "fixedCodeableConcept": part})) == [
        "Patient.maritalStatus"
    ]


def test_a_profile_builds_on_a_profile() -> None:
    first = profile("Patient", {"path": "birthDate", "min": 1}, name="first")
    second = profile("Patient", {"path": "name.given", "min": 1}, base=OWN + "first")
    assert set(places(PATIENT, first, second)) == {"Patient.birthDate", "Patient.name[0].given"}


def test_profiles_that_are_their_own_base_are_not_known() -> None:
    circle = profile("Patient", base=OWN + "p")
    [(_, words)] = found(PATIENT, circle)
    assert "cannot be carried out" in words


def test_a_profile_for_another_type_is_refused() -> None:
    [(place, words)] = found(PATIENT, profile("Observation", {"path": "code"}))
    assert place == "Patient" and "is for Observation" in words


def test_an_unknown_profile_is_an_error_when_asked_for_and_a_warning_when_claimed() -> None:
    assert issues(validator().validate(PATIENT, [OWN + "x"])) != []
    claiming = {**PATIENT, "meta": {"profile": [OWN + "x"]}}
    assert issues(validator().validate(claiming)) == []
    assert "Patient.meta.profile[0]" in [p for p, _ in issues(validator().validate(claiming), "warning")]


def test_a_claimed_profile_is_checked_inside_a_bundle_too() -> None:
    asks = profile("Patient", {"path": "birthDate", "min": 1})
    held = {**PATIENT, "meta": {"profile": [OWN + "p"]}}
    bundle = {"resourceType": "Bundle", "type": "collection",
              "entry": [{"fullUrl": "http://x.test/Patient/p", "resource": held}]}  # fmt: skip
    assert issues(validator(asks).validate(bundle)) == [
        ("Bundle.entry[0].resource.birthDate",
         "Bundle.entry[0].resource.birthDate: the profile asks for at least 1, found 0 (Patient.birthDate)")
    ]  # fmt: skip
    wrapped = {"resourceType": "Parameters", "parameter": [{"name": "r", "resource": held}]}
    assert [p for p, _ in issues(validator(asks).validate(wrapped))] == [
        "Parameters.parameter[0].resource.birthDate"
    ]


def test_a_place_begins_with_the_wrapper_of_the_request() -> None:
    asks = profile("Patient", {"path": "birthDate", "min": 1})
    where = "Parameters.parameter[0].resource"
    both = {**PATIENT, "nonsense": 1}
    told = issues(validator(asks).validate(both, [OWN + "p"], at=where))
    assert {place for place, _ in told} == {f"{where}.birthDate", f"{where}.nonsense"}


def test_a_datatype_profile_is_asked_of_each_value() -> None:
    official = {
        **profile("HumanName", {"path": "use", "min": 1}, name="official"),
        "kind": "complex-type",
    }
    uses = profile(
        "Patient", {"path": "name", "type": [{"code": "HumanName", "profile": [OWN + "official"]}]}
    )
    assert places(PATIENT, official, uses) == ["Patient.name[0].use"]


def test_a_reference_is_followed_to_what_is_contained() -> None:
    complete = profile("Organization", {"path": "telecom", "min": 1}, name="complete")
    allowed = [{"code": "Reference", "targetProfile": [OWN + "complete"]}]
    uses = profile("Patient", {"path": "managingOrganization", "type": allowed})
    held: Json = {"resourceType": "Organization", "id": "o", "name": "x"}
    given = {**PATIENT, "contained": [held], "managingOrganization": {"reference": "#o"}}
    assert places(given, complete, uses) == ["Patient.managingOrganization"]
    held["telecom"] = [{"system": "phone", "value": "1"}]
    assert places(given, complete, uses) == []


def test_a_reference_is_followed_to_another_entry() -> None:
    complete = profile("Patient", {"path": "birthDate", "min": 1}, name="complete")
    allowed = [{"code": "Reference", "targetProfile": [OWN + "complete"]}]
    uses = profile("Observation", {"path": "subject", "type": allowed})
    seen = {**OBSERVATION, "meta": {"profile": [OWN + "p"]}}
    base = "http://x.test/fhir/"
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": base + "Observation/1", "resource": {**seen, "id": "1"}},
            {"fullUrl": base + "Patient/1", "resource": {**PATIENT, "id": "1"}},
        ],
    }
    assert places(bundle, complete, uses, name="none") == ["Bundle.entry[0].resource.subject"]


def test_aggregation_says_how_a_resource_may_be_reached() -> None:
    allowed = [{"code": "Reference", "targetProfile": [BASE + "Organization"], "aggregation": ["contained"]}]
    uses = profile("Patient", {"path": "managingOrganization", "type": allowed})
    assert places({**PATIENT, "managingOrganization": {"reference": "Organization/1"}}, uses) == [
        "Patient.managingOrganization"
    ]


COLOURS: Json = {
    "resourceType": "CodeSystem", "url": "http://x.test/colours", "status": "active", "content": "complete",
    "concept": [{"code": "red", "display": "Red"}, {"code": "blue"}],
}  # fmt: skip
WARM: Json = {
    "resourceType": "ValueSet", "url": "http://x.test/warm", "status": "active",
    "compose": {"include": [{"system": COLOURS["url"], "concept": [{"code": "red"}]}]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("strength", "coding", "expected"),
    [
        ("required", {"system": COLOURS["url"], "code": "red"}, {}),
        ("required", {"system": COLOURS["url"], "code": "blue"}, {"error": "Observation.method"}),
        ("extensible", {"system": COLOURS["url"], "code": "blue"}, {"warning": "Observation.method"}),
        ("preferred", {"system": COLOURS["url"], "code": "blue"}, {"information": "Observation.method"}),
        ("example", {"system": COLOURS["url"], "code": "blue"}, {}),
        ("example", {"system": COLOURS["url"], "code": "no"},
         {"error": "Observation.method.coding[0].code"}),
        ("example", {"system": COLOURS["url"], "code": "red", "display": "Rot"},
         {"warning": "Observation.method.coding[0].display"}),
    ],
)  # fmt: skip
def test_bindings_by_their_strength(strength: str, coding: Json, expected: dict[str, str]) -> None:
    bound = profile(
        "Observation", {"path": "method", "binding": {"strength": strength, "valueSet": WARM["url"]}}
    )
    given = {**OBSERVATION, "method": {"coding": [coding]}}
    for severity in ("error", "warning", "information"):
        told = places(given, bound, COLOURS, WARM, severity=severity)
        told = [place for place in told if place.startswith("Observation.method")]
        assert told == ([expected[severity]] if severity in expected else []), severity


def test_a_code_system_that_is_not_known_is_no_error() -> None:
    far = {**WARM, "compose": {"include": [{"system": "http://far.test/codes"}]}}
    bound = profile(
        "Patient", {"path": "maritalStatus", "binding": {"strength": "required", "valueSet": WARM["url"]}}
    )
    given = {**PATIENT, "maritalStatus": {"coding": [{"system": "http://far.test/codes", "code": "x"}]}}
    assert places(given, bound, far) == []
    assert "Patient.maritalStatus" in places(given, bound, far, severity="warning")


@pytest.mark.parametrize(
    ("system", "code", "wrong"),
    [
        (LOINC, "718-7", False),
        (LOINC, "718-8", True),
        (LOINC, "LA6576-8", False),
        ("http://snomed.info/sct", "404684003", False),
        ("http://snomed.info/sct", "404684004", True),
        ("http://snomed.info/sct", "404684003x", True),
        ("http://snomed.info/sct", "404684003:363698007=39057004", False),
    ],
)
def test_a_code_that_cannot_exist_is_an_error(system: str, code: str, wrong: bool) -> None:
    given = {**OBSERVATION, "code": {"coding": [{"system": system, "code": code}]}}
    assert [p for p, _ in issues(validator().validate(given))] == ["Observation.code.coding[0].code"] * wrong


def test_a_vital_sign_follows_its_profile() -> None:
    given = {**OBSERVATION, "code": {"coding": [{"system": LOINC, "code": "8867-4"}]}}
    assert "Observation.category" in [p for p, _ in issues(validator().validate(given))]


def test_conforms_to_and_member_of_are_answered() -> None:
    told = {"key": "x", "severity": "error", "human": "x"}
    inner = profile("Patient", {"path": "birthDate", "min": 1}, name="inner")
    asks = profile(
        "Patient", {"path": "", "constraint": [{**told, "expression": f"conformsTo('{OWN}inner')"}]}
    )
    assert places(PATIENT, inner, asks) == ["Patient"]
    assert places({**PATIENT, "birthDate": "2000"}, inner, asks) == []
    warm = profile("Patient", {"path": "maritalStatus", "constraint": [
        {**told, "expression": f"memberOf('{WARM['url']}')"}]})  # fmt: skip
    for code, wrong in (("red", False), ("blue", True)):
        given = {**PATIENT, "maritalStatus": {"coding": [{"system": COLOURS["url"], "code": code}]}}
        assert bool(places(given, warm, COLOURS, WARM)) is wrong


def test_a_snapshot_is_used_where_there_is_one() -> None:
    made = profile("Patient", {"path": "birthDate", "min": 1})
    made["snapshot"] = {"element": [
        {"id": "Patient", "path": "Patient", "min": 0, "max": "*"},
        {"id": "Patient.gender", "path": "Patient.gender", "min": 1, "max": "1", "fixedCode": "male",
         "base": {"path": "Patient.gender", "min": 0, "max": "1"}},
    ]}  # fmt: skip
    assert places(PATIENT, made) == ["Patient.gender"]


def test_forgotten_profiles_are_read_again() -> None:
    asks = profile("Patient", {"path": "birthDate", "min": 1})
    checking = validator(asks)
    assert issues(checking.validate(PATIENT, [OWN + "p"])) != []
    asks["differential"]["element"] = []
    assert issues(checking.validate(PATIENT, [OWN + "p"])) != []
    checking.forget()
    assert issues(checking.validate(PATIENT, [OWN + "p"])) == []


def test_an_item_of_items_is_held_to_the_profile_of_items() -> None:
    asks = profile("Questionnaire", {"path": "item.text", "min": 1})
    inner = {"linkId": "2", "type": "string"}
    outer = {"linkId": "1", "type": "group", "text": "x", "item": [inner]}
    given = {"resourceType": "Questionnaire", "status": "draft", "item": [outer]}
    assert places(given, asks) == ["Questionnaire.item[0].item[0].text"]


def test_an_extension_of_a_primitive_is_seen_by_its_profile() -> None:
    known = extension("born", {"path": "value[x]", "type": [{"code": "string"}]}, context="Patient.birthDate")
    asks = profile(
        "Patient",
        {"path": "birthDate.extension", "sliceName": "born", "min": 1,
         "type": [{"code": "Extension", "profile": [OWN + "born"]}]},
    )  # fmt: skip
    given = {**PATIENT, "birthDate": "2000-01-01"}
    assert places(given, known, asks) == ["Patient.birthDate.extension"]
    given["_birthDate"] = {"extension": [{"url": OWN + "born", "valueString": "x"}]}
    assert found(given, known, asks) == []
    given["_birthDate"] = {"extension": [{"url": OWN + "born", "valueInteger": 1}]}
    assert places(given, known, asks) == ["Patient.birthDate.extension[0].value.ofType(integer)"]
