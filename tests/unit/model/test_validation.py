"""Each rule of structural validation, by a resource that keeps it and one that breaks it."""

from __future__ import annotations

import copy
import subprocess
import sys
from decimal import Decimal

import pytest

from fhirserver.kernel.json import loads
from fhirserver.model.validation import validate
from tests.unit.model.corpus import resources

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "meta": {"versionId": "3", "lastUpdated": "2026-11-22T14:47:00.000Z", "tag": [{"code": "x"}]},
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Eve</p></div>'},
    "extension": [{"url": "http://example.org/e", "valueDecimal": Decimal("0.50")}],
    "identifier": [
        {"use": "official", "system": "urn:oid:1.2.3", "value": "1", "period": {"start": "2001-05"}}
    ],
    "active": True,
    "name": [
        {
            "use": "official",
            "family": "Everywoman",
            "given": ["Eve", None],
            "_given": [None, {"extension": [{"url": "http://example.org/e", "valueString": "x"}]}],
        }
    ],
    "telecom": [{"system": "phone", "value": "+1 555", "rank": 1}],
    "gender": "female",
    "birthDate": "1980-02-29",
    "_birthDate": {
        "extension": [{"url": "http://example.org/t", "valueDateTime": "1980-02-29T14:35:45-05:00"}]
    },
    "multipleBirthInteger": 2,
    "photo": [{"contentType": "image/gif", "data": "R0lGODlh"}],
    "contact": [{"name": {"text": "Adam"}, "organization": {"reference": "#o"}}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Org"}],
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "nl"}]}}],
    "generalPractitioner": [{"reference": "Practitioner/1/_history/2"}],
    "link": [{"other": {"reference": "http://example.org/fhir/Patient/9"}, "type": "seealso"}],
}

# Invalid against R4: items without linkId, and an ImplementationGuide without name and status.
BROKEN_EXAMPLES = {"Questionnaire-qs1.json", "ig-r4.json"}


def found(resource: object, **options: bool) -> list[tuple[str, str]]:
    issues = validate(resource, **options)
    assert all(i.severity == "error" for i in issues)
    return [(i.code, i.expression[0]) for i in issues]


def patient(**changes: object) -> dict:
    changed = copy.deepcopy(PATIENT)
    changed.update(changes)
    return changed


def test_a_rich_patient_is_valid() -> None:
    assert validate(PATIENT) == []
    assert validate(PATIENT, partial=True) == []


@pytest.mark.parametrize(
    ("changes", "code", "expression"),
    [
        ({"pet": "Rex"}, "structure", "Patient.pet"),
        ({"valueString": "x"}, "structure", "Patient.valueString"),
        ({"_contact": [{}]}, "structure", "Patient._contact"),
        (
            {"text": {**PATIENT["text"], "_div": {"extension": [{"url": "u:x", "valueCode": "y"}]}}},
            "structure",
            "Patient.text._div",
        ),
        ({"name": {"family": "E"}}, "structure", "Patient.name"),
        ({"name": []}, "structure", "Patient.name"),
        ({"name": [{}]}, "structure", "Patient.name[0]"),
        ({"name": [None]}, "structure", "Patient.name[0]"),
        ({"name": ["E"]}, "structure", "Patient.name[0]"),
        ({"maritalStatus": {}}, "structure", "Patient.maritalStatus"),
        ({"maritalStatus": [{"text": "x"}]}, "structure", "Patient.maritalStatus"),
        ({"maritalStatus": None}, "structure", "Patient.maritalStatus"),
        ({"active": "true"}, "structure", "Patient.active"),
        ({"active": 1}, "structure", "Patient.active"),
        ({"active": None}, "structure", "Patient.active"),
        ({"active": [True]}, "structure", "Patient.active"),
        ({"active": {"x": 1}}, "structure", "Patient.active"),
        ({"gender": "F"}, "code-invalid", "Patient.gender"),
        ({"gender": 1}, "structure", "Patient.gender"),
        ({"gender": ["male"]}, "structure", "Patient.gender"),
        ({"gender": " male"}, "value", "Patient.gender"),
        ({"language": ""}, "value", "Patient.language"),
        ({"language": " en"}, "value", "Patient.language"),
        ({"id": "a_b"}, "value", "Patient.id"),
        ({"id": "a" * 65}, "value", "Patient.id"),
        ({"implicitRules": "a b"}, "value", "Patient.implicitRules"),
        ({"implicitRules": {}}, "structure", "Patient.implicitRules"),
        ({"birthDate": "1981-02-29"}, "value", "Patient.birthDate"),
        ({"birthDate": "1980-13"}, "value", "Patient.birthDate"),
        ({"birthDate": "1980-1-1"}, "value", "Patient.birthDate"),
        ({"birthDate": "1980-01-01T00:00:00Z"}, "value", "Patient.birthDate"),
        ({"birthDate": "1980-01-01\n"}, "value", "Patient.birthDate"),
        ({"birthDate": 1980}, "structure", "Patient.birthDate"),
        ({"multipleBirthInteger": Decimal("2.0")}, "value", "Patient.multipleBirth.ofType(integer)"),
        ({"multipleBirthInteger": 2**31}, "value", "Patient.multipleBirth.ofType(integer)"),
        ({"multipleBirthInteger": True}, "structure", "Patient.multipleBirth.ofType(integer)"),
        ({"multipleBirthBoolean": True}, "structure", "Patient.multipleBirth"),
        ({"_multipleBirthBoolean": {"id": "x"}}, "structure", "Patient.multipleBirth"),
        ({"_birthDate": {}}, "structure", "Patient.birthDate"),
        ({"_birthDate": "x"}, "structure", "Patient.birthDate"),
        ({"_birthDate": {"pet": 1}}, "structure", "Patient.birthDate.pet"),
        ({"_id": {"id": "x"}}, "structure", "Patient._id"),
        ({"name": [{"given": ["Eve", None]}]}, "structure", "Patient.name[0].given[1]"),
        ({"name": [{"given": ["Eve", ""]}]}, "value", "Patient.name[0].given[1]"),
        ({"name": [{"given": "Eve"}]}, "structure", "Patient.name[0].given"),
        ({"name": [{"given": []}]}, "structure", "Patient.name[0].given"),
        ({"name": [{"given": ["Eve"], "_given": {}}]}, "structure", "Patient.name[0].given"),
        ({"name": [{"_given": [None]}]}, "structure", "Patient.name[0].given[0]"),
        ({"name": [{"family": "E\x00"}]}, "value", "Patient.name[0].family"),
        ({"telecom": [{"rank": 0}]}, "value", "Patient.telecom[0].rank"),
        ({"photo": [{"data": "R0l"}]}, "value", "Patient.photo[0].data"),
        ({"photo": [{"data": "R0l$"}]}, "value", "Patient.photo[0].data"),
        ({"photo": [{"size": -1}]}, "value", "Patient.photo[0].size"),
        ({"communication": [{"preferred": True}]}, "required", "Patient.communication[0].language"),
        ({"link": [{"other": {"display": "x"}}]}, "required", "Patient.link[0].type"),
        ({"extension": [{"valueString": "x"}]}, "required", "Patient.extension[0].url"),
        ({"extension": [{"url": "http://e"}]}, "invariant", "Patient.extension[0]"),
        ({"extension": [{"url": "http://e", "id": "x"}]}, "invariant", "Patient.extension[0]"),
        (
            {"extension": [{"url": "http://e", "valueString": "x", "valueCode": "x"}]},
            "structure",
            "Patient.extension[0].value",
        ),
        (
            {"extension": [{"url": "a", "valueCode": "x", "extension": [{"url": "b", "valueCode": "y"}]}]},
            "invariant",
            "Patient.extension[0]",
        ),
        (
            {"extension": [{"url": "a", "valueQuantity": {"value": "1.0"}}]},
            "structure",
            "Patient.extension[0].value.ofType(Quantity).value",
        ),
        (
            {"managingOrganization": {"reference": "#none"}},
            "invariant",
            "Patient.managingOrganization.reference",
        ),
        (
            {"managingOrganization": {"reference": "nonsense"}},
            "value",
            "Patient.managingOrganization.reference",
        ),
        ({"managingOrganization": {"reference": "Pet/1"}}, "value", "Patient.managingOrganization.reference"),
        (
            {"managingOrganization": {"reference": "urn:uuid:1"}},
            "value",
            "Patient.managingOrganization.reference",
        ),
        (
            {
                "contained": [
                    {"resourceType": "Organization", "id": "o", "contained": [{"resourceType": "Basic"}]}
                ]
            },
            "invariant",
            "Patient.contained[0].contained",
        ),
        (
            {"contained": [{"resourceType": "Organization", "id": "o", "meta": {"versionId": "1"}}]},
            "invariant",
            "Patient.contained[0].meta.versionId",
        ),
        ({"contained": [{"resourceType": "Pet", "id": "o"}]}, "structure", "Patient.contained[0]"),
        ({"contained": [{"id": "o"}]}, "required", "Patient.contained[0]"),
        ({"contained": [7]}, "structure", "Patient.contained[0]"),
    ],
)
def test_a_fault_is_found_where_it_is(changes: dict, code: str, expression: str) -> None:
    assert (code, expression) in found(patient(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"birthDate": "1980"},
        {"birthDate": "2000-02-29"},
        {"id": "a.b-C9"},
        {"managingOrganization": {"reference": "urn:uuid:0d5f2b6c-5f2c-4a1c-9a8e-7f5b5d4c3b2a"}},
        {"managingOrganization": {"reference": "Organization?identifier=http://x|1"}},
        {"managingOrganization": {"reference": "https://example.org/not/fhir"}},
        {"managingOrganization": {"identifier": {"value": "1"}}},
        {"link": [{"_type": {"extension": [{"url": "a", "valueCode": "b"}]}, "other": {"display": "x"}}]},
        {"name": [{"text": "Åsa \u00a0 Ö\tB\r\n"}]},
        {"photo": [{"data": " R0lG\n ODlh "}]},
    ],
)
def test_what_is_allowed(changes: dict) -> None:
    assert found(patient(**changes)) == []


def test_a_reference_to_an_overlong_id_is_a_warning() -> None:
    issues = validate(patient(managingOrganization={"reference": f"Organization/{'x' * 65}"}))
    assert [(issue.severity, issue.expression) for issue in issues] == [
        ("warning", ("Patient.managingOrganization.reference",))
    ]


def test_a_wrong_target_type_is_a_warning() -> None:
    issues = validate(patient(managingOrganization={"reference": "Patient/1"}))
    assert [(i.severity, i.expression) for i in issues] == [
        ("warning", ("Patient.managingOrganization.reference",))
    ]


@pytest.mark.parametrize(
    "resource", [None, [], "x", 1, {}, {"resourceType": 1}, {"resourceType": "DomainResource"}]
)
def test_what_is_no_resource(resource: object) -> None:
    assert len(found(resource)) == 1


def test_every_fault_is_reported() -> None:
    broken = patient(pet=1, gender="F", birthDate="x", name=[{"given": [""]}, {}])
    assert found(broken) == [
        ("value", "Patient.name[0].given[0]"),
        ("structure", "Patient.name[1]"),
        ("code-invalid", "Patient.gender"),
        ("value", "Patient.birthDate"),
        ("structure", "Patient.pet"),
    ]


def test_no_value_is_told() -> None:
    secret = "Zaphod Beeblebrox"
    broken = patient(gender=secret, birthDate=secret, link=[{"other": {"reference": secret}, "type": secret}])
    broken[f"{secret} {secret}"] = 1
    issues = validate(broken)
    assert len(issues) == 5
    assert secret not in repr(issues)


def test_partial_leaves_out_minimums_only() -> None:
    observation = {"resourceType": "Observation", "subject": {"reference": "Patient/1"}, "extension": [{}]}
    assert found(observation) == [
        ("structure", "Observation.extension[0]"),
        ("required", "Observation.code"),
        ("required", "Observation.status"),
    ]
    assert found(observation, partial=True) == [("structure", "Observation.extension[0]")]


def test_a_required_choice() -> None:
    request = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/1"},
    }
    assert found(request) == [("required", "MedicationRequest.medication")]
    assert found(request, partial=True) == []
    assert found(request | {"medicationReference": {"reference": "Medication/1"}}) == []


def test_a_required_binding_of_a_concept() -> None:
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    condition = {"resourceType": "Condition", "subject": {"reference": "Patient/1"}}
    good = {"coding": [{"system": "http://other", "code": "x"}, {"system": system, "code": "active"}]}
    assert found(condition | {"clinicalStatus": good}) == []
    for bad in (
        {"text": "active"},
        {"coding": [{"code": "active"}]},
        {"coding": [{"system": system, "code": "x"}]},
    ):
        assert found(condition | {"clinicalStatus": bad}) == [("code-invalid", "Condition.clinicalStatus")]


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("2026", True),
        ("2026-11-22T14:47:00Z", True),
        ("2026-11-22T14:47:00.123456+14:00", True),
        ("2026-11-22T14:47", False),
        ("2026-11-22T14:47:00", False),
        ("2026-11-22T24:00:00Z", False),
        ("2026-11-31T14:47:00Z", False),
        ("2026-11-22 14:47:00Z", False),
        ("0000", False),
        ("٢٠٢٦", False),
    ],
)
def test_date_times(value: str, valid: bool) -> None:
    encounter = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "effectiveDateTime": value,
    }
    assert (found(encounter) == []) is valid


@pytest.mark.parametrize(
    ("inner", "fault"),
    [
        ("<p>text</p>", None),
        ("&nbsp;&eacute;&#169;", None),
        ('<img src="x.png" alt="y"/>', None),
        ("<!-- note -->x", None),
        ("<p>text", "well-formed"),
        ("<script>x</script>", "txt-1"),
        ('<p onclick="x">y</p>', "txt-1"),
        ('<a href="java\tscript:x">y</a>', "script"),
        ("<iframe/>x", "txt-1"),
        ("&madeup;", "entity"),
    ],
)
def test_narrative(inner: str, fault: str | None) -> None:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'
    issues = validate(patient(text={"status": "generated", "div": div}))
    if fault is None:
        assert issues == []
    else:
        assert [i.expression for i in issues] == [("Patient.text.div",)]
        assert fault in issues[0].diagnostics


@pytest.mark.parametrize(
    "div",
    [
        "<div>no namespace</div>",
        '<p xmlns="http://www.w3.org/1999/xhtml">x</p>',
        '<!DOCTYPE div [<!ENTITY a "b">]><div xmlns="http://www.w3.org/1999/xhtml">&a;</div>',
        "plain text",
    ],
)
def test_what_is_no_narrative(div: str) -> None:
    assert found(patient(text={"status": "generated", "div": div})) == [("invariant", "Patient.text.div")]


def test_a_narrative_may_be_long_but_not_endlessly_deep() -> None:
    for inner, valid in (
        ("<p>x</p>" * 2000, True),
        ("<b>" * 89 + "x" + "</b>" * 89, True),
        ("<b>" * 90 + "x" + "</b>" * 90, False),
    ):
        div = f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'
        assert (validate(patient(text={"status": "generated", "div": div})) == []) == valid


def test_resources_inside_resources() -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"resource": PATIENT},
            {"resource": patient(gender="F")},
            {"resource": {"resourceType": "Organization", "partOf": {"reference": "#o"}}},
        ],
    }
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "r", "part": [{"name": "s", "resource": bundle}]}],
    }
    at = "Parameters.parameter[0].part[0].resource.entry"
    assert found(parameters) == [
        ("code-invalid", f"{at}[1].resource.gender"),
        ("invariant", f"{at}[2].resource.partOf.reference"),
    ]


def test_a_parameter_is_one_thing() -> None:
    both = {"name": "x", "valueString": "y", "resource": {"resourceType": "Basic", "code": {"text": "z"}}}
    assert found({"resourceType": "Parameters", "parameter": [both]}) == [
        ("invariant", "Parameters.parameter[0]")
    ]


def test_official_examples_are_valid() -> None:
    count = 0
    for name, resource in resources("fhir-r4/examples-half.tar.xz"):
        count += 1
        errors = [i for i in validate(resource) if i.severity == "error"]
        assert bool(errors) is (name in BROKEN_EXAMPLES), (name, errors)
    assert count


def test_synthea_bundles_are_valid() -> None:
    for name, bundle in resources("synthea-10.tar.xz"):
        assert validate(bundle) == [], name


def test_an_empty_narrative_is_a_warning() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml"> \n<p> </p></div>'
    issues = validate(patient(text={"status": "empty", "div": div}))
    assert [(i.severity, i.expression) for i in issues] == [("warning", ("Patient.text.div",))]


def test_threads_that_meet_a_type_first_together() -> None:
    code = (
        "import sys, threading;"
        "from concurrent.futures import ThreadPoolExecutor;"
        "from fhirserver.model.validation import validate;"
        "sys.setswitchinterval(1e-6);"
        "gate = threading.Barrier(8);"
        "run = lambda _: (gate.wait(), validate({'resourceType': 'Basic', 'code': {'text': 'x'}}))[1];"
        "assert list(ThreadPoolExecutor(8).map(run, range(8))) == [[]] * 8"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_numbers_as_they_come_from_the_wire() -> None:
    text = '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":%s}}'
    for number in ("1", "-0.0", "1.0e2", "1E-7", "12345678901234567890.123"):
        assert found(loads(text % number)) == []
