"""Rules of single resource types and of single values that no invariant says."""

from __future__ import annotations

import base64
import hashlib
from decimal import Decimal
from typing import Any

import pytest

from fhirserver.model.definitions import definitions
from fhirserver.model.validation.profiles import Rules
from tests.unit.model.profiles import issues, places, profile, validator

Json = dict[str, Any]
DATA = base64.b64encode(b"hello").decode()
SHA1 = base64.b64encode(hashlib.sha1(b"hello", usedforsecurity=False).digest()).decode()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"size": 5, "hash": SHA1}, []),
        ({"size": 6}, ["Patient.photo[0].size"]),
        ({"hash": base64.b64encode(b"x" * 20).decode()}, ["Patient.photo[0].hash"]),
    ],
)
def test_an_attachment_is_what_it_says(change: Json, expected: list[str]) -> None:
    photo = {"contentType": "text/plain", "data": DATA, **change}
    assert places({"resourceType": "Patient", "photo": [photo]}) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"identifier": [{"system": "local", "value": "1"}]}, ["Patient.identifier[0].system"]),
        ({"identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"}]}, []),
        ({"identifier": [{"system": "urn:oid:1.2.x", "value": "1"}]}, ["Patient.identifier[0].system"]),
        ({"identifier": [{"system": "urn:uuid:1", "value": "1"}]}, ["Patient.identifier[0].system"]),
        ({"identifier": [{"system": "oid:1.2", "value": "1"}]}, ["Patient.identifier[0].system"]),
        ({"maritalStatus": {"coding": [{"system": "local", "code": "x"}]}}, ["Patient.maritalStatus.coding[0].system"]),
        ({"managingOrganization": {"reference": "Organization/1", "type": "Patient"}},
         ["Patient.managingOrganization.type"]),
        ({"contained": [{"resourceType": "Organization", "id": "o", "name": "x"}] * 2,
          "managingOrganization": {"reference": "#o"}}, ["Patient.contained[1].id"]),
        ({"meta": {"tag": [{"system": "http://hl7.org/fhir/ValueSet/marital-status", "code": "x"}]}},
         ["Patient.meta.tag[0].system"]),
    ],
)  # fmt: skip
def test_uris_and_systems_mean_something(change: Json, expected: list[str]) -> None:
    assert places({"resourceType": "Patient", "id": "1", **change}) == expected


def test_lapses_of_the_official_examples_are_warnings_unless_they_shall_not_be() -> None:
    given = {
        "resourceType": "Patient",
        "maritalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
                    "code": "M",
                    "display": "x",
                }
            ]
        },
        "generalPractitioner": [{"reference": "Device/1"}],
    }
    expected = {
        "Patient.maritalStatus.coding[0].display",
        "Patient.generalPractitioner[0].reference",
    }
    assert issues(validator().validate(given)) == []
    assert expected <= {p for p, _ in issues(validator().validate(given), "warning")}
    assert {p for p, _ in issues(validator(rules=Rules(lapses="error")).validate(given))} == expected


def test_a_canonical_fragment_names_what_is_contained() -> None:
    given: Json = {"resourceType": "QuestionnaireResponse", "status": "completed", "questionnaire": "#q"}
    assert places(given) == ["QuestionnaireResponse.questionnaire"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"resource": {"resourceType": "Patient", "id": "1"}, "search": {"mode": "match"}}, []),
        ({"resource": {"resourceType": "Patient"}, "search": {"mode": "match"}}, ["Bundle.entry[0].resource"]),
        ({"resource": {"resourceType": "Patient", "id": "1"}, "search": {"mode": "outcome"}},
         ["Bundle.entry[0].search"]),
        ({"resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x"}]},
          "search": {"mode": "outcome"}}, ["Bundle.entry[0].resource.issue[0].code"]),
    ],
)  # fmt: skip
def test_what_a_search_found_has_an_id(entry: Json, expected: list[str]) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"fullUrl": "urn:uuid:6f0e6b2c-1111-4a4a-9a9a-000000000001", **entry}],
    }
    assert places(bundle) == expected


def test_text_that_looks_like_markup_may_be_refused() -> None:
    given = {"resourceType": "Patient", "name": [{"text": "x <script>alert()</script>"}]}
    assert [p for p, _ in issues(validator(rules=Rules(markup_in_text="error")).validate(given))] == [
        "Patient.name[0].text"
    ]
    assert issues(validator().validate(given)) == []
    fine = {"resourceType": "Patient", "name": [{"text": "1 < 2 and 3 > 2"}]}
    assert issues(validator(rules=Rules(markup_in_text="error")).validate(fine)) == []


# Bundles


def document(*entries: Json, **composition: Any) -> Json:
    first = {
        "resourceType": "Composition", "id": "c", "status": "final", "type": {"text": "x"}, "date": "2026",
        "author": [{"reference": "Practitioner/a"}], "title": "x", **composition,
    }  # fmt: skip
    base = "http://x.test/fhir/"
    author = {"fullUrl": base + "Practitioner/a", "resource": {"resourceType": "Practitioner", "id": "a"}}
    return {
        "resourceType": "Bundle", "type": "document", "timestamp": "2026-01-01T00:00:00Z",
        "identifier": {"system": "http://x.test", "value": "1"},
        "entry": [{"fullUrl": base + "Composition/c", "resource": first}, author, *entries],
    }  # fmt: skip


def test_a_document_holds_what_its_composition_refers_to() -> None:
    assert places(document()) == []
    assert places(document(subject={"reference": "Patient/1"})) == [
        "Bundle.entry[0].resource.subject.reference"
    ]
    entry = {"fullUrl": "http://x.test/fhir/Patient/1", "resource": {"resourceType": "Patient", "id": "1"}}
    assert places(document(entry, subject={"reference": "Patient/1"})) == []
    elsewhere = {**entry, "fullUrl": "http://y.test/Patient/1"}
    assert places(document(elsewhere, subject={"reference": "Patient/1"})) == [
        "Bundle.entry[0].resource.subject.reference",
        "Bundle.entry[2]",
    ]


def test_every_entry_of_a_document_is_reached_from_the_first() -> None:
    patient = {"fullUrl": "http://x.test/fhir/Patient/1", "resource": {"resourceType": "Patient", "id": "1"}}
    assert places(document(patient)) == ["Bundle.entry[2]"]
    provenance: Json = {
        "resourceType": "Provenance", "id": "p", "recorded": "2026-01-01T00:00:00Z",
        "target": [{"reference": "Composition/c"}], "agent": [{"who": {"reference": "Patient/1"}}],
    }  # fmt: skip
    backwards = {"fullUrl": "http://x.test/fhir/Provenance/p", "resource": provenance}
    assert places(document(patient, backwards)) == []


def test_a_reference_in_a_document_leads_to_one_entry() -> None:
    held = [
        {"fullUrl": "http://x.test/fhir/Patient/1", "resource": {"resourceType": "Patient", "id": "1",
                                                                "meta": {"versionId": v}}}
        for v in ("1", "2")
    ]  # fmt: skip
    assert "Bundle.entry[0].resource.subject.reference" in places(
        document(*held, subject={"reference": "Patient/1"})
    )
    assert places(document(*held, subject={"reference": "Patient/1/_history/2"})) == ["Bundle.entry[2]"]


def test_an_entry_has_a_full_url_of_its_resource() -> None:
    entry: Json = {"resource": {"resourceType": "Patient", "id": "1"}}
    assert "an entry with a resource has a fullUrl" in issues(validator().validate(document(entry)))[0][1]
    entry["fullUrl"] = "http://x.test/fhir/Patient/2"
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [entry]}
    assert places({**bundle, "type": "collection"}) == ["Bundle.entry[0].fullUrl"]
    assert issues(validator().validate(bundle)) == []
    strict = validator(rules=Rules(lapses="error"))
    assert [p for p, _ in issues(strict.validate(bundle))] == ["Bundle.entry[0].fullUrl"]


# Questionnaires


FORM: Json = {
    "resourceType": "Questionnaire", "url": "http://x.test/form", "name": "Form", "status": "active",
    "item": [
        {"linkId": "1", "type": "boolean", "required": True, "text": "Smoker?"},
        {"linkId": "2", "type": "group", "item": [
            {"linkId": "2.1", "type": "integer", "repeats": True,
             "enableWhen": [{"question": "1", "operator": "=", "answerBoolean": True}]},
            {"linkId": "2.2", "type": "string", "maxLength": 3},
        ]},
        {"linkId": "3", "type": "choice", "answerOption": [{"valueCoding": {"system": "http://x.test", "code": "a"}}]},
        {"linkId": "4", "type": "open-choice", "answerOption": [{"valueString": "a"}]},
        {"linkId": "5", "type": "display", "text": "Thank you"},
    ],
}  # fmt: skip


def answered(*items: Json, status: str = "completed") -> Json:
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": FORM["url"],
        "status": status,
        "item": [*items],
    }


def item(link: str, *values: Json, **more: Any) -> Json:
    return {"linkId": link, **({"answer": [*values]} if values else {}), **more}


YES, NO = ({"valueBoolean": value} for value in (True, False))


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([item("1", YES)], []),
        ([item("1", YES), item("2", item=[item("2.1", {"valueInteger": 1}, {"valueInteger": 2})])], []),
        ([item("5")], ["QuestionnaireResponse.item"]),
        ([item("1")], ["QuestionnaireResponse.item[0]"]),
        ([item("1", YES, NO)], ["QuestionnaireResponse.item[0].answer"]),
        ([item("1", YES), item("1", YES)], ["QuestionnaireResponse.item[1]"]),
        ([item("1", {"valueString": "yes"})], ["QuestionnaireResponse.item[0].answer[0]"]),
        ([item("1", YES), item("9", YES)], ["QuestionnaireResponse.item[1].linkId"]),
        ([item("1", YES), item("2.2", {"valueString": "a"})], ["QuestionnaireResponse.item[1].linkId"]),
        ([item("1", NO), item("2", item=[item("2.1", {"valueInteger": 1})])],
         ["QuestionnaireResponse.item[1].item[0]"]),
        ([item("1", YES), item("2", item=[item("2.2", {"valueString": "abcd"})])],
         ["QuestionnaireResponse.item[1].item[0].answer[0]"]),
        ([item("1", YES), item("3", {"valueCoding": {"system": "http://x.test", "code": "b"}})],
         ["QuestionnaireResponse.item[1].answer[0]"]),
        ([item("1", YES), item("3", {"valueCoding": {"system": "http://x.test", "code": "a"}})], []),
        ([item("1", YES), item("4", {"valueString": "anything"})], []),
        ([item("3", {"valueCoding": {"system": "http://x.test", "code": "a"}}), item("1", YES)],
         ["QuestionnaireResponse.item[1]"]),
        ([item("1", YES), item("2", YES)], ["QuestionnaireResponse.item[1].answer"]),
    ],
)  # fmt: skip
def test_answers_fit_the_questionnaire(items: list[Json], expected: list[str]) -> None:
    assert places(answered(*items), FORM, name="none") == expected


@pytest.mark.parametrize(
    ("kind", "name", "limit", "good", "bad"),
    [
        ("integer", "minValue", {"valueInteger": 1}, {"valueInteger": 1}, {"valueInteger": 0}),
        ("date", "maxValue", {"valueDate": "2020-01-01"}, {"valueDate": "2019-12-31"}, {"valueDate": "2020-01-02"}),
        ("string", "minLength", {"valueInteger": 2}, {"valueString": "ab"}, {"valueString": "a"}),
        ("string", "regex", {"valueString": "[a-z]+"}, {"valueString": "ab"}, {"valueString": "a1"}),
        ("decimal", "maxDecimalPlaces", {"valueInteger": 1}, {"valueDecimal": Decimal("1.5")},
         {"valueDecimal": Decimal("1.55")}),
    ],
)  # fmt: skip
def test_a_question_may_limit_its_answers(kind: str, name: str, limit: Json, good: Json, bad: Json) -> None:
    url = f"http://hl7.org/fhir/StructureDefinition/{name}"
    asked = {"linkId": "1", "type": kind, "extension": [{"url": url, **limit}]}
    form = {**FORM, "item": [asked]}
    assert places(answered(item("1", good)), form, name="none") == []
    assert places(answered(item("1", bad)), form, name="none") == ["QuestionnaireResponse.item[0].answer[0]"]


def test_a_question_may_say_how_often_it_is_answered() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs"
    asked = {
        "linkId": "1",
        "type": "integer",
        "repeats": True,
        "extension": [{"url": url, "valueInteger": 2}],
    }
    given = [{"valueInteger": number} for number in range(3)]
    form = {**FORM, "item": [asked]}
    assert places(answered(item("1", *given[:2])), form, name="none") == []
    assert places(answered(item("1", *given)), form, name="none") == ["QuestionnaireResponse.item[0].answer"]


def test_what_is_not_finished_may_lack_answers() -> None:
    assert places(answered(item("5"), status="in-progress"), FORM, name="none") == []


def test_a_questionnaire_that_is_not_known_is_a_warning() -> None:
    given = answered(item("1", YES))
    assert places(given) == []
    assert "QuestionnaireResponse.questionnaire" in places(given, severity="warning")


def test_a_contained_questionnaire_is_found() -> None:
    held = {**{k: v for k, v in FORM.items() if k != "url"}, "id": "q"}
    given = {**answered(item("1", {"valueString": "x"})), "questionnaire": "#q", "contained": [held]}
    assert places(given) == ["QuestionnaireResponse.item[0].answer[0]"]


def test_a_condition_names_another_item_of_the_questionnaire() -> None:
    def asking(question: str) -> Json:
        when = [{"question": question, "operator": "exists", "answerBoolean": True}]
        items = [{"linkId": "1", "type": "string"}, {"linkId": "2", "type": "string", "enableWhen": when}]
        return {"resourceType": "Questionnaire", "status": "draft", "item": items}

    assert places(asking("1")) == []
    assert places(asking("2")) == places(asking("9")) == ["Questionnaire.item[1].enableWhen[0].question"]


# Conformance resources


def system(**more: Any) -> Json:
    return {"resourceType": "CodeSystem", "status": "draft", "content": "complete", **more}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (system(concept=[{"code": "a"}, {"code": "b", "concept": [{"code": "a"}]}]),
         ["CodeSystem", "CodeSystem.concept[1].concept[0].code"]),
        (system(property=[{"code": "p", "type": "string"},
         {"code": "p", "type": "string"}]), ["CodeSystem.property[1]"]),
        (system(property=[{"code": "x", "uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "string"}]),
         ["CodeSystem.property[0]"]),
        (system(property=[{"code": "p", "type": "integer"}],
                concept=[{"code": "a", "property": [{"code": "p", "valueString": "1"}]}]),
         ["CodeSystem.concept[0].property[0]"]),
        (system(content="supplement"), ["CodeSystem"]),
        ({"resourceType": "ValueSet", "status": "draft", "compose": {"include": [{"system": "#x"}]}},
         ["ValueSet.compose.include[0].system"]),
        ({"resourceType": "ValueSet", "status": "draft", "compose": {"include": [{"system": "http://snomed.info/sct",
          "filter": [{"property": "concept", "op": "is-a", "value": "1234x"}]}]}},
         ["ValueSet.compose.include[0].filter[0].value"]),
        ({"resourceType": "ValueSet", "status": "draft", "compose": {"include": [{"system": "http://x.test",
          "filter": [{"property": "inactive", "op": "=", "value": "1"}]}]}},
         ["ValueSet.compose.include[0].filter[0].value"]),
        ({"resourceType": "SearchParameter", "url": "http://x.test", "name": "X", "status": "draft", "description": "x",
          "code": "x", "base": ["Patient"], "type": "string", "expression": "Patient.name.("},
         ["SearchParameter.expression"]),
        ({"resourceType": "StructureDefinition", "url": "http://x.test", "name": "X", "status": "draft",
          "type": "Patient",
          "kind": "resource", "abstract": False, "derivation": "constraint",
          "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient", "differential": {"element": [
              {"id": "Patient", "path": "Patient"},
              {"id": "Patient.gender", "path": "Patient.gender", "type": [{"code": "code"}], "fixedString": "male"}]}},
         ["StructureDefinition.differential.element[1]"]),
    ],
)  # fmt: skip
def test_conformance_resources_make_sense(given: Json, expected: list[str]) -> None:
    assert places(given) == expected


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"type": "Group"}, "StructureDefinition.type"),
        ({"differential": {"element": [{"id": "Patient.x", "path": "Patient.x", "min": 1}]}}, "StructureDefinition"),
        ({"differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "constraint": [
            {"key": "x-1", "severity": "error", "human": "x", "expression": "name.("}]}]}},
         "StructureDefinition.differential.element[0].constraint[0].expression"),
        ({"differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 2, "max": "1"}]}},
         "StructureDefinition.differential.element[0]"),
    ],
)  # fmt: skip
def test_a_profile_can_be_carried_out(change: Json, place: str) -> None:
    good = profile("Patient", {"id": "Patient.name", "path": "name", "min": 1})
    assert places(good) == []
    assert place in places({**good, **change})


def test_a_composite_parameter_has_two_components() -> None:
    given = {"resourceType": "SearchParameter", "url": "http://x.test", "name": "X", "status": "draft",
             "description": "x",
              "code": "x", "base": ["Patient"], "type": "composite", "expression": "Patient"}  # fmt: skip
    assert "SearchParameter" in places(given)


def test_a_capability_has_the_type_of_its_definition() -> None:
    parameter = {"name": "birthdate", "type": "reference",
                 "definition": "http://hl7.org/fhir/SearchParameter/individual-birthdate"}  # fmt: skip
    given: Json = {
        "resourceType": "CapabilityStatement", "status": "draft", "date": "2026", "kind": "requirements",
        "description": "x", "fhirVersion": "4.0.1", "format": ["json"],
        "rest": [{"mode": "server", "resource": [{"type": "Patient", "searchParam": [parameter]}]}],
    }  # fmt: skip
    assert places(given) == ["CapabilityStatement.rest[0].resource[0].searchParam[0]"]
    parameter["type"] = "date"
    assert places(given) == []


def test_publication_has_rules_of_its_own() -> None:
    given = system(url="http://hl7.org/fhir/x", experimental=True)
    publishing = Rules(for_publication=True, experimental=False)
    assert [p for p, _ in issues(validator(rules=publishing).validate(given))] == ["CodeSystem", "CodeSystem"]
    assert issues(validator().validate(given)) == []


def test_the_definitions_of_r4_are_valid() -> None:
    archive = definitions().archive
    checking = validator()
    for entry in sorted(archive.entries(), key=lambda e: (e.type, e.id))[::61]:
        assert issues(checking.validate(archive.read(entry))) == [], f"{entry.type}/{entry.id}"


def test_a_datatype_is_held_to_the_profiles_its_definition_names() -> None:
    """``SimpleQuantity`` has no comparator: in a Dosage, a Range, a SampledData."""
    below = {"value": 1, "comparator": "<", "unit": "mg"}
    dosage = {"doseAndRate": [{"doseQuantity": below}]}
    request = {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order",
        "subject": {"reference": "Patient/1"}, "medicationCodeableConcept": {"text": "x"},
    }  # fmt: skip
    place = "MedicationRequest.dosageInstruction[0].doseAndRate[0].dose.ofType(Quantity)"
    assert places({**request, "dosageInstruction": [dosage]}) == [place, f"{place}.comparator"]
    del below["comparator"]
    assert places({**request, "dosageInstruction": [dosage]}) == []


def test_a_unit_is_one_of_ucum_where_it_says_so() -> None:
    for code, fits in (("mg", True), ("10*3/uL", True), ("{tbl}", True), ("bpm", False), ("mggg", False)):
        quantity = {"value": 1, "system": "http://unitsofmeasure.org", "code": code}
        observation = {
            "resourceType": "Observation", "status": "final", "code": {"text": "x"}, "valueQuantity": quantity
        }  # fmt: skip
        units = [p for p in places(observation, severity="warning") if p.endswith(".code")]
        assert (units == []) is fits, code


@pytest.mark.parametrize(("value", "warned"), [("   ", True), ("\n", True), ("x ", False)])
def test_a_text_of_white_space_alone_says_nothing(value: str, warned: bool) -> None:
    patient = {"resourceType": "Patient", "name": [{"family": value}]}
    assert ("Patient.name[0].family" in places(patient, severity="warning")) is warned
