"""What is masked or hidden for somebody: not shown, not asked about, and not to be felt in any other way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from fhirserver.access.masks import Mask
from tests.attacks.trail import Trail
from tests.attacks.wire import Answer, Wire
from tests.attacks.world import CONFIDENTIALITY, SSN, wire
from tests.server_process import ServerProcess

pytestmark = pytest.mark.xdist_group("attacks")

NUMBER, PHONE = "qzssn0001", "qzphone0001"
MASKED = re.compile("qzssn|qzphone")
HIDDEN = re.compile("qzhidden")
KIND = "http://terminology.hl7.org/CodeSystem/v2-0203"
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "qzmasked",
    "active": True,
    "identifier": [
        {
            "system": SSN,
            "value": NUMBER,
            "type": {"coding": [{"system": KIND, "code": "SS"}], "text": "qzssnkind"},
        },
        {"system": "urn:mrn", "value": "mrn-1"},
    ],
    "telecom": [{"system": "phone", "value": PHONE}],
}
OTHER = {**PATIENT, "id": "qzplain", "identifier": [{"system": "urn:mrn", "value": "mrn-2"}], "telecom": []}
del OTHER["telecom"]
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "qzof-masked",
    "status": "final",
    "code": {"text": "x"},
    "subject": {"reference": "Patient/qzmasked"},
    "performer": [{"reference": "Practitioner/qzsees"}],
}
HOLDER = {
    **OBSERVATION,
    "id": "qzholder",
    "contained": [{**PATIENT, "id": "p"}],
    "subject": {"reference": "#p"},
}
DOCUMENT = {
    "resourceType": "Bundle",
    "id": "qzbundle",
    "type": "collection",
    "entry": [{"fullUrl": "urn:uuid:6f1f1f6e-1111-4111-8111-111111111111", "resource": PATIENT}],
}
SECRET_ONE = {
    **OBSERVATION,
    "id": "qzhidden-observation",
    "meta": {"security": [{"system": CONFIDENTIALITY, "code": "R"}]},
    "code": {"text": "qzhidden", "coding": [{"system": "urn:x", "code": "qzhidden"}]},
    "subject": {"reference": "Patient/qzplain"},
}
ORACLES = (
    "Patient?identifier={ssn}|{n}",
    "Patient?identifier={n}",
    "Patient?identifier={ssn}|",
    "Patient?identifier:not={ssn}|{n}",
    "Patient?identifier:of-type={kind}|SS|{n}",
    "Patient?identifier:text=qzssnkind",
    "Patient?identifier:missing=false",
    "Patient?_sort=identifier",
    "Patient?_sort=-identifier&_count=1",
    "Patient?_filter=identifier eq {ssn}|{n}",
    "Patient?_filter=identifier ne {ssn}|{n}",
    "Patient?_filter=not(identifier eq {n})",
    "Patient?telecom={p}",
    "Patient?phone={p}",
    "Patient?phone:not={p}",
    "Patient?telecom:missing=true",
    "Patient?_sort=phone",
    "Patient?_content={n}",
    "Patient?_text={n}",
    "Observation?_content={n}",
    "Bundle?_content={n}",
    "Observation?subject:Patient.identifier={n}",
    "Observation?patient.identifier={ssn}|{n}",
    "Observation?patient.identifier:of-type={kind}|SS|{n}",
    "Observation?patient.phone={p}",
    "Observation?patient._content={n}",
    "Observation?_has:Provenance:target:patient.identifier={n}",
    "Practitioner?_has:Observation:performer:patient.identifier={n}",
    "Practitioner?_has:Observation:performer:patient.phone={p}",
    "?_type=Patient&identifier={n}",
    "Patient/qzmasked/Patient?identifier={n}",
    "Patient?identifier={n}&_summary=count",
    "Patient?identifier={n}&_total=accurate&_count=0",
    "Patient/qzmasked/$lineage",
)


@pytest.fixture(scope="module")
def clerk(server: ServerProcess) -> Iterator[Wire]:
    ehr = wire(server, "ehr")
    for one in (
        PATIENT,
        OTHER,
        OBSERVATION,
        HOLDER,
        DOCUMENT,
        SECRET_ONE,
        {"resourceType": "Practitioner", "id": "qzsees"},
    ):
        answer = ehr("PUT", f"/fhir/{one['resourceType']}/{one['id']}", one)
        assert answer.status in (200, 201), answer
    ehr.close()
    one = wire(server, "clerk")
    yield one
    one.close()


def told(template: str, number: str, phone: str) -> str:
    path = template.format(ssn=SSN, kind=KIND, n=number, p=phone)
    return "/fhir/" + path.replace(" ", "%20") if path[0] != "?" else "/fhir" + path


@pytest.mark.parametrize("template", ORACLES)
def test_what_is_masked_cannot_be_asked_about(clerk: Wire, trail: Trail, template: str) -> None:
    """The refusal is the same for a right guess and a wrong one."""
    answers = []
    for number, phone in ((NUMBER, PHONE), ("qznumber0009", "qztel0009")):
        answer = clerk.get(told(template, number, phone))
        trail.refused(answer, 403, "forbidden", "clerk")
        answers.append(answer.text)
    assert answers[0] == answers[1]


def test_others_ask_and_find(server: ServerProcess, clerk: Wire) -> None:
    """What the refusals above are about is there: those to whom it is shown find it by most of these."""
    cleared, found = wire(server, "cleared"), 0
    for template in ORACLES:
        answer = cleared.get(told(template, NUMBER, PHONE))
        if answer.status == 200:
            found += answer.json().get("total", 1) > 0
    assert found >= len(ORACLES) - 8
    cleared.close()


@pytest.mark.parametrize(
    "path",
    [
        "Patient/qzmasked",
        "Patient/qzmasked?_elements=identifier,telecom",
        "Patient/qzmasked?_format=xml",
        "Patient/qzmasked/_history",
        "Patient/qzmasked/_history/1",
        "Patient/qzmasked/$everything",
        "Patient/qzmasked/$graphql?query={identifier{value}telecom{value}}",
        "Patient?_id=qzmasked",
        "Patient?_id=qzmasked&_elements=identifier",
        "Patient?_id=qzmasked&_summary=data",
        "Patient?identifier=urn:mrn|mrn-1",
        "Patient/_history",
        "_history?_count=1000",
        "?_type=Patient,Observation&_count=1000",
        "Observation?_id=qzof-masked&_include=Observation:subject",
        "Practitioner?_id=qzsees&_revinclude:iterate=Observation:performer&_include:iterate=Observation:subject",
        "Observation/qzholder",
        "Observation/qzholder/_history",
        "Observation?_id=qzholder",
        "Observation/qzholder/$everything",
        "Bundle/qzbundle",
        "Bundle/qzbundle?_format=xml",
        "Bundle/qzbundle/_history",
        "Bundle?_id=qzbundle",
        "$diff?from=Patient/qzmasked&to=Patient/qzplain",
        "Patient/qzmasked/_history/1/$diff",
        "Patient/qzmasked/$meta",
        "Provenance?target=Patient/qzmasked",
    ],
)
def test_what_is_masked_is_shown_nowhere(clerk: Wire, trail: Trail, path: str) -> None:
    answer = clerk.get(f"/fhir/{path}")
    assert not MASKED.search(answer.text.lower()), answer
    if answer.status < 400:
        trail.seen(answer, "clerk")
    else:
        trail.noted(answer, f"{answer.status} {answer.error}".strip(), "clerk")


def test_matching_tells_nothing_of_what_is_masked(clerk: Wire, trail: Trail) -> None:
    sent = {"resourceType": "Patient", "identifier": [{"system": SSN, "value": NUMBER}]}
    trail.refused(clerk("POST", "/fhir/Patient/$match", sent), 403, "forbidden", "clerk")
    graph = f'{{ PatientList(identifier: "{NUMBER}") {{ id }} }}'
    answer = clerk("POST", "/fhir/$graphql", {"query": graph}, content_type="application/json")
    assert "qzmasked" not in answer.text, answer
    trail.seen(answer, "clerk")


def test_nobody_defines_a_way_round_a_mask() -> None:
    """Search parameters of users are asked for by their expressions, however these are written."""
    mask = Mask("Patient", ("identifier",), SSN)
    for expression in (
        "Patient.identifier",
        "Patient.identifier.value",
        "Patient.`identifier`",
        "Patient.`\\u0069dentifier`",
        "Patient.children().value",
        "Patient.descendants().where($this is string)",
        "Patient.repeat(identifier)",
        "%resource.identifier",
        "(Patient | Person).identifier.where(system = 'x')",
    ):
        assert mask.is_read_by(expression), expression
    for expression in ("Patient.name", "Patient.identifiers", "Patient.birthDate"):
        assert not mask.is_read_by(expression), expression


HIDDEN_WAYS = (
    "Observation/qzhidden-observation",
    "Observation/qzhidden-observation/_history",
    "Observation/qzhidden-observation/_history/1",
    "Observation/qzhidden-observation/$meta",
    "Observation?code=qzhidden",
    "Observation?code:text=qzhidden",
    "Observation?_id=qzhidden-observation",
    "Observation?_id=qzhidden-observation&_summary=count",
    "Observation?_security=R",
    "Observation?_filter=code eq qzhidden",
    "Patient?_has:Observation:patient:code=qzhidden",
    "Practitioner?_has:Observation:performer:code=qzhidden",
    "Practitioner?_id=qzsees&_revinclude=Observation:performer",
    "Patient/qzplain/Observation",
    "Patient/qzplain/$everything",
    "Patient/qzplain/*",
    "Observation/$lastn?patient=qzplain&code=urn:x|qzhidden",
    "Provenance?target=Observation/qzhidden-observation",
    "Provenance?patient=Patient/qzplain",
    "Observation/_history?_count=1000",
    "_history?_count=1000",
    "Patient/qzplain/Observation?_asOf=1",
)


@pytest.mark.parametrize("path", HIDDEN_WAYS)
def test_what_is_confidential_is_not_there(clerk: Wire, trail: Trail, path: str) -> None:
    answer = clerk.get("/fhir/" + path.replace(" ", "%20"))
    echoed = set(HIDDEN.findall(path))
    assert echoed or not HIDDEN.search(answer.text), answer
    assert "qzhidden-observation" in path or "qzhidden-observation" not in answer.text, answer
    if answer.status < 400:
        assert not any("hidden" in one for one in _matches(answer)), answer
        assert "include" in path or _total(answer) in (None, len(_matches(answer))), answer
        trail.seen(answer, "clerk", hidden=HIDDEN)
    else:
        assert answer.status in (403, 404), answer
        trail.noted(answer, f"{answer.status} {answer.error}", "clerk")


def _matches(answer: Answer) -> list[str]:
    return answer.matches if answer.json().get("resourceType") == "Bundle" else []


def _total(answer: Answer) -> Any:
    return answer.json().get("total")


@pytest.mark.parametrize("name", ["clerk", "ada-app", "eve"])
def test_the_glass_is_broken_by_those_who_may(server: ServerProcess, trail: Trail, name: str) -> None:
    one = wire(server, name)
    answer = one.get("/fhir/Observation/qzhidden-observation", x_break_glass="an emergency of mine")
    if name != "eve":  # who is cleared has nothing to break
        trail.refused(answer, 403, "forbidden", name)
    one.close()


def test_a_label_is_not_taken_off(server: ServerProcess, trail: Trail, clerk: Wire) -> None:
    """Who does not see a resource does not change its labels, nor write over it."""
    labels = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": SECRET_ONE["meta"]}]}
    app = wire(server, "labs")
    for method, path, body in (
        ("POST", "Observation/qzhidden-observation/$meta-delete", labels),
        ("PUT", "Observation/qzhidden-observation", {**SECRET_ONE, "meta": {"tag": [{"code": "x"}]}}),
        ("DELETE", "Observation/qzhidden-observation", None),
    ):
        answer = app(method, f"/fhir/{path}", body)
        assert answer.status in (403, 404), answer
        trail.noted(answer, f"{answer.status} {answer.error}", "labs")
    app.close()
