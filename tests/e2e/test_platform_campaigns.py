"""``/platform/campaigns`` on a running server: definitions with their errors, dry runs, the way from start to end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess

DOCUMENT: dict[str, Any] = {
    "goal": "Appointments are confirmed",
    "purpose": "confirm",
    "audience": {"searches": ["Appointment?status=booked&date=ge{today+1d}"]},
    "channels": [{"channel": "sms"}, {"channel": "call", "attempts": 2}],
    "triggers": [{"kind": "cron", "expression": "0 9 * * 1-5", "zone": "America/New_York"}],
    "quiet": {"begin": "00:00", "end": "00:00"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("campaigns"))) as process:
        _fill(process)
        yield process


def _fill(server: ServerProcess) -> None:
    start = datetime.now(UTC) + timedelta(days=3)
    for id in ("ann", "bob"):
        _put(
            server,
            {
                "resourceType": "Patient",
                "id": id,
                "name": [{"family": id.title(), "given": ["A"]}],
                "telecom": [{"system": "phone", "use": "mobile", "value": "+12125550101"}],
            },
        )
        _put(
            server,
            {
                "resourceType": "Appointment",
                "id": f"v-{id}",
                "status": "booked",
                "start": start.isoformat(),
                "end": (start + timedelta(minutes=30)).isoformat(),
                "participant": [{"actor": {"reference": f"Patient/{id}"}, "status": "needs-action"}],
            },
        )
    _put(
        server,
        {
            "resourceType": "Consent",
            "id": "c-ann",
            "status": "active",
            "scope": {"coding": [{"code": "patient-privacy"}]},
            "category": [
                {
                    "coding": [
                        {
                            "system": "https://credence.health/fhir/CodeSystem/consent-category",
                            "code": "outreach",
                        }
                    ]
                }
            ],
            "patient": {"reference": "Patient/ann"},
            "dateTime": "2026-01-01",
            "policyRule": {"coding": [{"code": "OPTIN"}]},
            "provision": {"type": "permit"},
        },
    )


def _put(server: ServerProcess, resource: dict[str, Any]) -> None:
    url = f"{server.base}/{resource['resourceType']}/{resource['id']}"
    answer = httpx.put(url, json=resource, headers=server.headers_of("admin"))
    assert answer.status_code == 201, answer.text


def ask(
    server: ServerProcess, method: str, path: str, body: Any = None, by: str = "admin", **headers: str
) -> Any:
    url = f"{server.root}/platform/campaigns{path}"
    sent = {**server.headers_of(by), **headers}
    return httpx.request(method, url, json=body, headers=sent, timeout=30, trust_env=False)


def test_what_is_wrong_is_told_with_its_place(server: ServerProcess) -> None:
    wrong = {
        **DOCUMENT,
        "zone": "Mars/Base",
        "channels": [{"channel": "pigeon"}],
        "triggers": [{"kind": "cron", "expression": "every day", "zone": "America/New_York"}],
        "audience": {"searches": ["Patient"]},
        "colour": "red",
    }
    told = ask(server, "POST", "/check", {"document": wrong}).json()
    assert told["valid"] is False
    assert {one["pointer"] for one in told["problems"]} >= {
        "/zone", "/channels/0/channel", "/triggers/0/expression", "/audience/searches/0", "/colour",
    }  # fmt: skip
    answer = ask(server, "POST", "", {"id": "wrong", "title": "Wrong", "document": wrong})
    assert answer.status_code == 422
    assert "/document/zone" in {one["pointer"] for one in answer.json()["errors"]}
    assert ask(server, "GET", "/wrong").status_code == 404


def test_from_definition_to_the_end(server: ServerProcess) -> None:
    sent = {"id": "reminder", "title": "Reminder", "status": "active", "document": DOCUMENT}
    assert ask(server, "POST", "", sent, by="ehr").status_code == 403
    made = ask(server, "POST", "", sent)
    assert made.status_code == 201, made.text
    assert made.json()["standing"]["status"] == "none" and made.headers["etag"] == 'W/"1"'
    assert ask(server, "POST", "", sent).status_code == 412
    plan = httpx.get(f"{server.base}/PlanDefinition/reminder", headers=server.headers_of("admin")).json()
    assert plan["library"] == ["https://credence.health/fhir/Library/reminder"] and plan["status"] == "active"

    told = ask(server, "POST", "/reminder/rehearse", {}).json()
    assert told["found"] == 2 and told["next_runs"]
    by_patient = {one["patient"]["reference"]: one for one in told["people"]}
    assert (by_patient["Patient/ann"]["what"], by_patient["Patient/ann"]["channel"]) == ("reach", "sms")
    assert by_patient["Patient/bob"]["what"] == "leave out"
    assert "no consent" in by_patient["Patient/bob"]["why"]

    started = ask(server, "POST", "/reminder/start", **{"Idempotency-Key": "k1"})
    assert started.status_code == 201, started.text
    again = ask(server, "POST", "/reminder/start", **{"Idempotency-Key": "k1"})
    assert again.json() == {**started.json(), "repeated": True}
    assert ask(server, "POST", "/reminder/start").status_code == 409
    assert ask(server, "POST", "/reminder/pause").json()["status"] == "on-hold"
    assert ask(server, "POST", "/reminder/pause").status_code == 409
    assert ask(server, "POST", "/reminder/resume").json()["status"] == "in-progress"
    assert ask(server, "GET", "/reminder/progress").json()["members"] == 0
    assert ask(server, "GET", "/reminder/members").json() == {"items": [], "next": None}
    assert ask(server, "POST", "/reminder/patients/ann/stop").json() == {"stopped": 0}
    assert ask(server, "POST", "/reminder/cancel").json()["status"] == "cancelled"
    assert [one["id"] for one in ask(server, "GET", "").json()["items"]] == ["reminder"]


def test_a_definition_changes_for_what_is_started_later(server: ServerProcess) -> None:
    sent = {"id": "later", "title": "Later", "document": DOCUMENT}
    etag = ask(server, "POST", "", sent).headers["etag"]
    changed = {"title": "Later", "document": {**DOCUMENT, "goal": "Another"}}
    assert ask(server, "PUT", "/later", changed, **{"If-Match": 'W/"9"'}).status_code == 412
    answer = ask(server, "PUT", "/later", changed, **{"If-Match": etag})
    assert answer.status_code == 200 and answer.json()["document"]["goal"] == "Another"
    assert ask(server, "PUT", "/none", changed).status_code == 404


def test_a_plan_definition_of_somebody_else_is_not_overwritten(server: ServerProcess) -> None:
    theirs = {
        "resourceType": "PlanDefinition",
        "id": "sepsis",
        "url": "http://example.org/PlanDefinition/sepsis",
        "status": "active",
    }
    _put(server, theirs)
    refused = ask(server, "POST", "", {"id": "sepsis", "title": "Sepsis", "document": DOCUMENT})
    assert refused.status_code == 409 and "another id" in refused.text
    assert ask(server, "GET", "/sepsis").status_code == 404
    kept = httpx.get(f"{server.base}/PlanDefinition/sepsis", headers=server.headers_of("admin")).json()
    assert kept["url"] == theirs["url"]


def test_a_search_that_the_server_refuses_is_told(server: ServerProcess) -> None:
    wrong = {**DOCUMENT, "audience": {"searches": ["Patient?shoe-size=9"]}}
    answer = ask(server, "POST", "/rehearse", {"document": wrong})
    assert answer.status_code == 422 and "shoe-size" in answer.text


@pytest.mark.parametrize(
    "cursor", ["abc", "\x07", "\u9aae\x86", "http://127.0.0.1:1/", "_include=*&_count=500", "a" * 3000]
)
def test_a_cursor_that_was_not_given_out_is_refused(server: ServerProcess, cursor: str) -> None:
    ask(server, "POST", "", {"id": "paged", "title": "Paged", "document": DOCUMENT})
    url = f"{server.root}/platform/campaigns/paged/members"
    answer = httpx.get(url, params={"cursor": cursor}, headers=server.headers_of("admin"), trust_env=False)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["errors"][0]["pointer"] == "cursor"
