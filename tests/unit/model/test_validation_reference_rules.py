"""Rules that the reference validator has beyond profiles and invariants, each on content that breaks just it."""

from __future__ import annotations

from typing import Any

import pytest

from fhirserver.kernel.json import dumps, loads
from tests.unit.model.profiles import Json, found, places, validator

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'
STATUS = "http://hl7.org/fhir/observation-status"
POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
URN = "urn:uuid:6f0e6b2c-1111-4a4a-9a9a-00000000000"


def patient(**content: Any) -> Json:
    return {"resourceType": "Patient", "id": "1", **content}


def narrative(inner: str) -> Json:
    return patient(text={"status": "generated", "div": f"<div {XHTML}>{inner}</div>"})


def observation(**content: Any) -> Json:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **content}


def label(code: str) -> Json:
    return {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": code}


def collection(full_url: str, resource: Json, **content: Any) -> Json:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": full_url, "resource": resource}],
        **content,
    }


def message(**header: Any) -> Json:
    first = {
        "resourceType": "MessageHeader",
        "eventUri": "http://x.test/e",
        "source": {"endpoint": "http://x.test"},
        **header,
    }
    return {"resourceType": "Bundle", "type": "message", "entry": [{"fullUrl": URN + "1", "resource": first}]}


def code_system(**content: Any) -> Json:
    return {
        "resourceType": "CodeSystem",
        "url": "http://x.test/cs",
        "name": "Cs",
        "status": "active",
        "content": "complete",
        **content,
    }


def concept_map(source: str, target: str) -> Json:
    element = {"code": source, "target": [{"code": target, "equivalence": "equal"}]}
    group = {"source": STATUS, "target": STATUS, "element": [element]}
    return {
        "resourceType": "ConceptMap",
        "url": "http://x.test/cm",
        "name": "Cm",
        "status": "active",
        "group": [group],
    }


def search_parameter(expression: str) -> Json:
    return {
        "resourceType": "SearchParameter",
        "url": "http://x.test/sp",
        "name": "Sp",
        "status": "active",
        "description": "x",
        "code": "x",
        "base": ["Patient"],
        "type": "token",
        "expression": expression,
    }


def searched(self_link: str, resource: Json) -> Json:
    entry = {
        "fullUrl": f"http://x.test/fhir/Patient/{resource['id']}",
        "resource": resource,
        "search": {"mode": "match"},
    }
    links = [{"relation": "self", "url": self_link}]
    return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": [entry]}


CASES = [
    (patient(name=[{"id": "a", "family": "x"}, {"id": "a", "family": "y"}]), ["Patient.name[1].id"]),
    (patient(name=[{"id": "a", "family": "x"}], _gender={"id": "a"}, gender="male"), ["Patient.gender.id"]),
    (patient(name=[{"id": "a", "family": "x"}, {"id": "b", "family": "y"}]), []),
    (patient(meta={"security": [label("N"), label("R"), label("N")]}), ["Patient.meta.security[2]"]),
    (narrative("<p>x</p><div>y</div>"), []),
    (narrative("<p>x <b><div>y</div></b></p>"), ["Patient.text.div"]),
    (narrative('<a href="http://a b">x</a>'), ["Patient.text.div"]),
    (narrative('<img alt="x" src="data:image/png;base64,iVBORw0KGgo="/>'), []),
    (narrative('<img alt="x" src="data:image/png;base64,iVBO,"/>'), ["Patient.text.div"]),
    (patient(identifier=[{"system": "urn:ietf:rfc:3986", "value": "1"}]), ["Patient.identifier[0].value"]),
    (
        patient(identifier=[{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"}]),
        ["Patient.identifier[0].value"],
    ),
    (patient(identifier=[{"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"}]), []),
    (
        observation(code={"coding": [{"system": "http://hl7.org/fhir/codesystem-x.html", "code": "x"}]}),
        ["Observation.code.coding[0].system"],
    ),
    (
        observation(code={"coding": [{"system": "http://build.fhir.org/x", "code": "x"}]}),
        ["Observation.code.coding[0].system"],
    ),
    (observation(subject={"type": "Medication", "identifier": {"value": "x"}}), ["Observation.subject.type"]),
    (
        observation(subject={"type": "Group", "reference": "#1"}, contained=[patient()]),
        ["Observation.subject.type"],
    ),
    (
        {
            "resourceType": "PlanDefinition",
            "status": "active",
            "library": ["http://hl7.org/fhir/ValueSet/observation-status"],
        },
        ["PlanDefinition.library[0]"],
    ),
    (
        patient(meta={"profile": ["http://hl7.org/fhir/ValueSet/observation-status"]}),
        ["Patient.meta.profile[0]"],
    ),
    (collection("http://x.test/fhir/Group/1", patient()), ["Bundle.entry[0].fullUrl"]),
    (collection("http://x.test/fhir/Patient/1", patient()), []),
    (collection("http://x.test/fhir/Patient/2", patient()), ["Bundle.entry[0].fullUrl"]),
    (collection("http://x.test/fhir/Patient/1", {"resourceType": "Patient"}), ["Bundle.entry[0].fullUrl"]),
    (search_parameter("Patient.active"), []),
    (search_parameter("Patient.activ"), ["SearchParameter.expression"]),
    (search_parameter("Patient.("), ["SearchParameter.expression"]),
    (
        collection(URN + "1", patient(), link=[{"relation": "next", "url": "http://x.test"}]),
        ["Bundle.link[0].relation"],
    ),
    (searched("http://x.test/fhir/Observation?code=1", patient()), ["Bundle.entry[0].resource"]),
    (searched("http://x.test/fhir?_type=Group,Patient", patient()), []),
    (message(focus=[{"reference": URN + "3"}]), ["Bundle.entry[0].resource.focus[0].reference"]),
    (message(), []),
    (code_system(count=2, concept=[{"code": "a", "concept": [{"code": "b"}]}]), []),
    (code_system(count=3, concept=[{"code": "a", "concept": [{"code": "b"}]}]), ["CodeSystem.count"]),
    (code_system(content="not-present", concept=[{"code": "a"}]), ["CodeSystem.content"]),
    (code_system(content="supplement"), ["CodeSystem"]),
    (code_system(supplements=STATUS), ["CodeSystem.content"]),
    (code_system(content="supplement", supplements=STATUS, concept=[{"code": "final"}]), []),
    (
        code_system(content="supplement", supplements=STATUS, concept=[{"code": "x"}]),
        ["CodeSystem.concept[0].code"],
    ),
    (code_system(content="supplement", supplements=STATUS, caseSensitive=True), ["CodeSystem.caseSensitive"]),
    (code_system(valueSet="http://hl7.org/fhir/ValueSet/observation-status"), ["CodeSystem.valueSet"]),
    (concept_map("final", "amended"), []),
    (concept_map("x", "amended"), ["ConceptMap.group[0].element[0].code"]),
    (concept_map("final", "x"), ["ConceptMap.group[0].element[0].target[0].code"]),
]


@pytest.mark.parametrize(("given", "expected"), CASES)
def test_each_rule_at_its_place(given: Json, expected: list[str]) -> None:
    assert places(loads(dumps(given))) == expected


def test_a_message_may_hold_what_is_not_reached() -> None:
    given = message()
    given["entry"].append({"fullUrl": URN + "2", "resource": patient()})
    assert places(given) == []
    assert "Bundle.entry[1]" in places(given, severity="warning")


# Measures


def measure(scoring: str, *groups: Json) -> Json:
    coding = {"system": "http://terminology.hl7.org/CodeSystem/measure-scoring", "code": scoring}
    return {
        "resourceType": "Measure",
        "url": "http://x.test/m",
        "status": "active",
        "scoring": {"coding": [coding]},
        "group": [*groups],
    }


def group(code: str, *populations: str, **content: Any) -> Json:
    held = [{"code": {"coding": [{"system": POPULATION, "code": name}]}} for name in populations]
    return {"code": {"coding": [{"system": "http://x.test", "code": code}]}, "population": held, **content}


def report(*groups: Json, kind: str = "summary") -> Json:
    return {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": kind,
        "measure": "http://x.test/m",
        "period": {"start": "2025", "end": "2026"},
        "group": [*groups],
    }


ONE = group("a", "denominator", "numerator")
SCORED = {"measureScore": {"value": 0.5}}


@pytest.mark.parametrize(
    ("scoring", "given", "expected"),
    [
        ("proportion", [{**ONE, **SCORED}], []),
        ("proportion", [ONE], ["MeasureReport.group[0].measureScore"]),
        (
            "proportion",
            [{**ONE, "measureScore": {"value": 2}}],
            ["MeasureReport.group[0].measureScore.value"],
        ),
        (
            "proportion",
            [{**ONE, "measureScore": {"value": 1, "unit": "%"}}],
            ["MeasureReport.group[0].measureScore.unit"],
        ),
        ("cohort", [{**ONE, **SCORED}], ["MeasureReport.group[0].measureScore"]),
        ("cohort", [ONE], []),
        ("cohort", [group("b", "denominator", "numerator")], ["MeasureReport.group[0].code"]),
        ("cohort", [group("a", "denominator")], ["MeasureReport.group[0]"]),
        (
            "cohort",
            [group("a", "denominator", "numerator", "initial-population")],
            ["MeasureReport.group[0].population[2]"],
        ),
        (
            "cohort",
            [group("a", "denominator", "numerator", "numerator")],
            ["MeasureReport.group[0].population[2]"],
        ),
    ],
)
def test_a_report_has_what_its_measure_defines(scoring: str, given: list[Json], expected: list[str]) -> None:
    told = validator(measure(scoring, ONE)).validate(loads(dumps(report(*given))))
    assert [i.expression[0] for i in told if i.severity == "error"] == expected


def test_groups_are_told_apart_by_their_codes() -> None:
    known = measure("cohort", ONE, group("b", "numerator"))
    both = [group("b", "numerator"), ONE]
    assert [p for p, _ in found(report(*both), known)] == []
    assert places(report(ONE), known) == ["MeasureReport"]
    assert places(report(ONE, ONE), known) == ["MeasureReport.group[1]", "MeasureReport"]
    assert (
        places(report(ONE, {"population": []} | {"id": "x"}), known)[0] == "MeasureReport.group[1].population"
    )


def test_a_measure_that_is_not_known_is_a_warning() -> None:
    assert places(report(ONE)) == []
    assert "MeasureReport.measure" in places(report(ONE), severity="warning")
