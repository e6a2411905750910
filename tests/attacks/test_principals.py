"""Across principals and sources: what one has asked for, is bound to or may write is nothing to another."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.trail import Trail
from tests.attacks.wire import Answer, Wire
from tests.attacks.world import APPS, SSN, wire
from tests.server_process import ServerProcess
from tests.unit.rest.test_every_route import OPEN, routes

pytestmark = pytest.mark.xdist_group("attacks")

SCOPED = [name for name, app in APPS.items() if app.scopes]


def _noted(trail: Trail, answer: Answer, who: str) -> None:
    trail.noted(answer, f"{answer.status} {answer.error}".strip(), who)


def test_the_officer_finds_who_was_refused(server: ServerProcess) -> None:
    """What the other tests find by an export is found over the API too, by an officer and nobody else."""
    trail = Trail(server)
    for name in ("ada-app", "clerk", "eve", "ehr", "admin"):
        trail.refused(wire(server, name).get("/fhir/AuditEvent?outcome=8"), 403, "forbidden", name)
    trail.refused(Wire(server.port).get("/fhir/AuditEvent"), 401, "login")
    trail.settle()


def test_an_answer_that_comes_later_is_for_who_asked(server: ServerProcess, trail: Trail) -> None:
    eve, mallory = wire(server, "eve"), wire(server, "mallory")
    begun = eve.get("/fhir/Patient", prefer="respond-async")
    assert begun.status == 202, begun
    place = begun.header("content-location").removeprefix(server.root)
    for name in ("mallory", "ada-app", "ehr", "admin"):
        other = wire(server, name)
        for method in ("GET", "DELETE"):
            trail.refused(other(method, place), 404, "not-found", name)
    trail.refused(Wire(server.port).get(place), 401, "login")
    unknown = "/fhir/_async/" + "0" * 32
    trail.refused(mallory.get(unknown), 404, "not-found", "mallory")
    assert eve.get(place).status in (200, 202), "and it is still there"


@pytest.mark.parametrize("name", SCOPED)
def test_an_app_that_asks_for_later_gets_no_more(server: ServerProcess, trail: Trail, name: str) -> None:
    """An asynchronous answer is of the view of who asked, not of the server's."""
    ehr = wire(server, "ehr")
    ehr(
        "PUT",
        "/fhir/Patient/qzbob-patient",
        {"resourceType": "Patient", "id": "qzbob-patient", "active": True},
    )
    one = wire(server, name)
    for path in (
        "/fhir/Patient?_id=qzbob-patient",
        "/fhir/_history?_count=1000",
        "/fhir/Patient/qzbob-patient/$everything",
    ):
        begun = one.get(path, prefer="respond-async")
        if begun.status != 202:
            _noted(trail, begun, name)
            continue
        place = begun.header("content-location").removeprefix(server.root)
        for _ in range(100):
            told = one.get(place)
            if told.status != 202:
                break
            time.sleep(0.02)
        shown = told.text.replace("_id=qzbob-patient", "").replace("Patient/qzbob-patient/$everything", "")
        assert "qzbob" not in shown.replace("Patient/qzbob-patient is not known", ""), told


def test_a_subscription_is_told_to_its_owner(server: ServerProcess, trail: Trail) -> None:
    """Nobody else gets a token for its socket or the secret of its signatures; and no app makes one."""
    eve, mallory = wire(server, "eve"), wire(server, "mallory")
    wanted = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "x",
        "criteria": "Patient?active=true",
    }
    for type, operation, method in (
        ("websocket", "$get-ws-binding-token", "GET"),
        ("rest-hook", "$signing-secret", "POST"),
    ):
        channel = {"type": type, **({"endpoint": "https://example.org/hook"} if type == "rest-hook" else {})}
        made = eve("POST", "/fhir/Subscription", {**wanted, "channel": channel})
        assert made.status == 201, made
        place = made.header("location").partition("/_history")[0].removeprefix(server.root)
        body = {"resourceType": "Parameters"} if method == "POST" else None
        answer = mallory(method, f"{place}/{operation}", body)
        for _ in range(100):  # whose it is, is known a moment after it was made
            if answer.status == 403:
                break
            time.sleep(0.05)
            answer = mallory(method, f"{place}/{operation}", body)
        trail.refused(answer, 403, "forbidden", "mallory")
        assert eve(method, f"{place}/{operation}", body).status == 200
    own = mallory.get("/fhir/Subscription/$get-ws-binding-token")
    assert "Subscription/" not in own.text, own
    for name in SCOPED:
        made = wire(server, name)("POST", "/fhir/Subscription", {**wanted, "channel": {"type": "websocket"}})
        trail.refused(made, 403, "forbidden", name)


def test_acts_on_what_others_said_are_for_no_app(server: ServerProcess, trail: Trail) -> None:
    writer = wire(server, "ada-writes")
    for path, names in (
        ("Patient/qzada-patient/$withdraw", {"source": "ehr"}),
        (
            "Patient/$merge",
            {"source-patient": "Patient/qzada-patient", "target-patient": "Patient/qzbob-patient"},
        ),
        ("Patient/qzada-patient/$unmerge", {}),
    ):
        given = [
            {
                "name": name,
                **({"valueReference": {"reference": value}} if "/" in value else {"valueString": value}),
            }
            for name, value in names.items()
        ]
        answer = writer(
            "POST",
            f"/fhir/{path}",
            {"resourceType": "Parameters", "parameter": given} if given else {"resourceType": "Parameters"},
        )
        assert answer.status in (400, 403, 404), answer
        _noted(trail, answer, "ada-writes")


ADDED = (
    ("GET", "/live/calls"),
    ("POST", "/live/calls"),
    ("GET", "/live/calls/x"),
    ("GET", "/live/calls/x/timeline"),
    ("GET", "/live/calls/x/events"),
    ("GET", "/live/calls/x/audio"),
    ("POST", "/live/calls/x/actions"),
    ("GET", "/metrics"),
    ("GET", "/fhir/Task/$review-statistics"),
    ("POST", "/fhir/Task/$approve"),
    ("POST", "/fhir/Task/$reject"),
    ("POST", "/fhir/Task/x/$claim"),
    ("POST", "/fhir/Task/x/$correct"),
    ("POST", "/fhir/Task/x/$undo"),
    ("POST", "/fhir/Patient/x/$withdraw"),
    ("POST", "/fhir/Patient/$merge"),
    ("POST", "/fhir/Patient/x/$unmerge"),
    ("POST", "/fhir/Endpoint/x/$sync"),
    ("POST", "/fhir/Endpoint/x/$pause"),
    ("GET", "/fhir/Endpoint/x/$dead-letters"),
    ("GET", "/fhir/AuditEvent"),
    ("GET", "/fhir/AuditEvent/audit-1-1"),
    ("GET", "/fhir/AuditEvent/_history"),
    ("POST", "/fhir/AuditEvent/_search"),
    ("GET", "/fhir/Patient?_revinclude=AuditEvent:patient"),
    ("GET", "/fhir/Patient?_has:AuditEvent:patient:action=R"),
)


@pytest.mark.parametrize("name", [*SCOPED, "clerk"])
def test_what_is_for_operators_and_officers_is_for_no_app(
    server: ServerProcess, trail: Trail, name: str
) -> None:
    one = wire(server, name)
    for method, path in ADDED:
        body = {"resourceType": "Parameters"} if method == "POST" and path.startswith("/fhir") else None
        form = {"content_type": "application/x-www-form-urlencoded"} if path.endswith("_search") else {}
        answer = one(method, path, "" if form else body, **form)
        assert answer.status in (400, 403, 404, 405), answer
        assert answer.status == 403 or path.startswith("/fhir"), answer
        _noted(trail, answer, "" if path == "/metrics" else name)


def test_every_route_is_shut_to_an_app(server: ServerProcess, trail: Trail, tmp_path: Path) -> None:
    """Beside FHIR an app of one patient reaches nothing: whatever route joins the table has to refuse it too."""
    app = wire(server, "ada-app")
    seen = 0
    for line in routes(tmp_path):
        method, _, path = line.partition(" ")
        if path in OPEN or "/static" in path or path.startswith("/auth/"):
            continue
        answer = app(method, path)
        assert answer.status in (303, 400, 401, 403, 404, 405), answer
        assert "qz" not in answer.text
        if answer.status >= 400:
            trail.noted(answer, str(answer.status))
        seen += 1
    assert seen > 40


def test_a_source_writes_what_it_may_and_no_surer(server: ServerProcess, trail: Trail) -> None:
    narrow = wire(server, "narrow")
    patient = {"resourceType": "Patient", "active": True}
    trail.refused(narrow("POST", "/fhir/Patient", patient), 403, "forbidden", "narrow")
    whole = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "POST", "url": "Patient"}, "resource": patient}],
    }
    trail.refused(narrow("POST", "/fhir", whole), 403, "forbidden", "narrow")
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    sure = '{"resourceType":"Provenance","extension":[{"url":"https://credence.health/fhir/StructureDefinition/confidence","valueDecimal":0.9}]}'
    trail.refused(
        narrow("POST", "/fhir/Observation", observation, x_provenance=sure), 422, "business-rule", "narrow"
    )
    own = narrow("POST", "/fhir/Observation", observation)
    assert own.status == 201
    trail.seen(own, "narrow")


def test_nobody_speaks_as_another(server: ServerProcess, trail: Trail) -> None:
    """A statement is that of who makes it, whoever it names as its author or source."""
    eve = wire(server, "eve")
    named = {
        "resourceType": "Provenance",
        "agent": [{"who": {"display": "ehr", "identifier": {"value": "urn:credence:source:ehr"}}}],
    }
    from fhirserver.kernel.json import dumps

    body = {"resourceType": "Patient", "active": True, "meta": {"source": "urn:credence:source:ehr"}}
    made = eve("POST", "/fhir/Patient", body, x_provenance=dumps(named).decode())
    assert made.status == 201, made
    trail.seen(made, "eve")
    id = made.header("location").split("/Patient/")[1].partition("/")[0]
    lineage = wire(server, "admin").get(f"/fhir/Patient/{id}/$lineage")
    assert '"apps"' in lineage.text or "source:apps" in lineage.text, lineage
    assert made.json()["meta"].get("source", "").endswith("apps"), made


def test_who_may_only_create_learns_nothing_of_who_is_there(server: ServerProcess, trail: Trail) -> None:
    """A record that is made again of somebody who is known already must not be told from one of a stranger."""
    ehr, creator = wire(server, "ehr"), wire(server, "creator")
    known: dict[str, Any] = {
        "resourceType": "Patient",
        "name": [{"family": "Qzarrival", "given": ["Quentin"]}],
        "birthDate": "1961-07-08",
        "gender": "male",
        "identifier": [{"system": SSN, "value": "900-99-1234"}],
    }
    assert ehr("PUT", "/fhir/Patient/qzarrived", {**known, "id": "qzarrived"}).status == 201
    again = creator("POST", "/fhir/Patient", known)
    stranger = creator(
        "POST",
        "/fhir/Patient",
        {
            **known,
            "birthDate": "1971-01-02",
            "identifier": [{"system": SSN, "value": "900-11-4321"}],
            "name": [{"family": "Nobody"}],
        },
    )
    for answer in (again, stranger):
        trail.seen(answer, "creator")
        assert "qzarrived" not in answer.text + "".join(value for _, value in answer.headers), answer
    assert again.status == stranger.status == 201
    assert sorted(name for name, _ in again.headers) == sorted(name for name, _ in stranger.headers)
    for headers in ({"if_none_exist": f"identifier={SSN}|900-99-1234"}, {}):
        path = "/fhir/Patient" if headers else "/fhir/Patient?identifier=900-99-1234"
        answer = creator("POST" if headers else "PUT", path, known, **headers)
        trail.refused(answer, 403, "forbidden", "creator")


def test_review_items_are_for_who_sees_everything(server: ServerProcess, trail: Trail) -> None:
    """They hold values of other resources and other patients; and who may write Tasks makes none of them up."""
    from fhirserver.world.vocabulary import REVIEW_KIND, TASK_CODE

    item: dict[str, Any] = {
        "resourceType": "Task",
        "id": "qzreview",
        "status": "requested",
        "intent": "order",
        "code": {
            "coding": [{"system": TASK_CODE, "code": "review"}, {"system": REVIEW_KIND, "code": "duplicate"}]
        },
        "description": "qzreview",
        "focus": {"reference": "Patient/qzbob-patient"},
        "for": {"reference": "Patient/qzada-patient"},
    }
    ehr = wire(server, "ehr")
    assert ehr("PUT", "/fhir/Task/qzreview", item).status == 201
    for name in ("ada-app", "ada-writes", "clerk"):
        one = wire(server, name)
        for path in ("Task/qzreview", "Task/qzreview/_history/1"):
            trail.refused(one.get(f"/fhir/{path}"), 404, "not-found", name)
        for path in (
            "Task",
            "Task?code=review",
            "Task?_id=qzreview",
            "Patient/qzada-patient/Task",
            "Task/_history",
        ):
            answer = one.get(f"/fhir/{path}")
            assert "qzreview" not in answer.text.replace("_id=qzreview", ""), answer
            _noted(trail, answer, name) if answer.status >= 400 else trail.seen(answer, name)
    forger = wire(server, "ada-writes")
    for method, path in (("PUT", "Task/qzreview"), ("PUT", "Task/qzforged"), ("POST", "Task")):
        body = {**item, "id": path.rpartition("/")[2], "focus": {"reference": "Patient/qzada-patient"}}
        trail.refused(forger(method, f"/fhir/{path}", body), 403, "forbidden", "ada-writes")
    assert wire(server, "eve").get("/fhir/Task/qzreview").status == 200


def test_a_provenance_of_several_patients_names_ones_own(server: ServerProcess, trail: Trail) -> None:
    ehr = wire(server, "ehr")
    entries = [
        {
            "request": {"method": "PUT", "url": f"Observation/qz{who}-together"},
            "resource": {
                "resourceType": "Observation",
                "id": f"qz{who}-together",
                "status": "final",
                "code": {"text": "x"},
                "subject": {"reference": f"Patient/qz{who}-patient"},
            },
        }
        for who in ("ada", "bob")
    ]
    assert (
        ehr("POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": entries}).status
        == 200
    )
    app = wire(server, "ada-app")
    for path in (
        "Provenance?target=Observation/qzada-together",
        "Observation?_id=qzada-together&_revinclude=Provenance:target",
        "Provenance?patient=Patient/qzada-patient",
        "Patient/qzada-patient/$everything?_type=Provenance",
        "_history?_count=1000",
    ):
        answer = app.get(f"/fhir/{path}")
        assert answer.status == 200 and "qzbob" not in answer.text, answer
        trail.seen(answer, "ada-app")
