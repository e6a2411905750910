"""What is there before ``/platform`` is driven: something of every kind that an id can name."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.server_process import ServerProcess

Ids = dict[str, list[str]]
_SEVERAL = 12
"""Of what may be deleted: a run takes some away."""
_SECONDS = 20.0
_MODES = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_CAMPAIGN: dict[str, Any] = {
    "goal": "Appointments are confirmed",
    "purpose": "confirm",
    "audience": {"searches": ["Appointment?status=booked&date=ge{today+1d}"]},
    "channels": [{"channel": "sms"}],
    "triggers": [{"kind": "cron", "expression": "0 9 1 1 *", "zone": "America/New_York"}],
}
CONNECTOR = """
[[connector]]
name = "clinic"
source = "ehr"
url = "http://127.0.0.1:9/fhir"
token_file = "{token}"
"""


def seed(server: ServerProcess, run: str) -> Ids:
    """Make it; ``run`` tells the names of one run from those of another."""
    names = [f"{run}-{number}" for number in range(_SEVERAL)]
    patients = _patients(server, run)
    ids: Ids = {
        "patient": patients,
        "number": ["1", "2"],
        "set_id": ["missing-data", f"{run}-set"],
        "workspaces": ["default"],
        "connectors": ["clinic"],
        "calls": _calls(server, run),
        "review": _reviews(server, run),
    }
    for kind, body in _configured().items():
        ids[kind] = [
            _make(server, kind, {"id": f"{kind[:3]}-{name}", "title": "Fuzzed", **body}) for name in names
        ]
    for id in ids["agents"][:6]:
        for step in ("versions", "versions/1/activate"):
            _ask(server, f"agents/{id}/{step}", {})
    ids["keys"] = [_make(server, "keys", {"name": name, "role": "viewer"}) for name in names]
    hook = {"url": "https://hooks.invalid/hook", "types": ["patient.merged"]}
    ids["webhooks"] = [_make(server, "webhooks", hook) for _ in names]
    ids["forms"] = [
        _make(server, "forms", {"patient": f"Patient/{id}", "purpose": f"run-{run}"}) for id in patients
    ]
    return ids


def _configured() -> dict[str, dict[str, Any]]:
    issuer = {"issuer": "https://app.example", "audience": "credence", "jwks_url": "https://app.example/keys"}
    return {
        "agents": {"document": {"practice": "Lakeside Clinic"}},
        "scheduling-rules": {"document": {"lead": 120}},
        "campaigns": {"document": _CAMPAIGN, "status": "active"},
        "chat-services": {"document": {"practice": "Lakeside Clinic", "users": issuer}},
    }


def _patients(server: ServerProcess, run: str) -> list[str]:
    start = datetime.now(UTC) + timedelta(days=3)
    ids = [f"{run}-p{number}" for number in range(6)]
    for id in ids:
        _put(
            server,
            {
                "resourceType": "Patient",
                "id": id,
                "active": True,
                "name": [{"family": "Okafor", "given": [id]}],
            },
        )
        visit = {
            "resourceType": "Appointment",
            "id": f"visit-{id}",
            "status": "booked",
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=30)).isoformat(),
            "participant": [{"actor": {"reference": f"Patient/{id}"}, "status": "accepted"}],
        }
        _put(server, visit)
    return ids


def _calls(server: ServerProcess, run: str) -> list[str]:
    ids = [f"{run}-call-{number}" for number in range(4)]
    for id in ids:
        call = {
            "resourceType": "Communication",
            "id": id,
            "status": "completed",
            "medium": [{"coding": [{"system": _MODES, "code": "PHONE"}]}],
            "subject": {"reference": f"Patient/{run}-p0"},
            "sent": "2026-11-30T09:00:00Z",
            "received": "2026-11-30T09:04:00Z",
        }
        _put(server, call)
    return ids


def _reviews(server: ServerProcess, run: str) -> list[str]:
    """Reviews of coverages that the agent was told of; the server makes them by itself."""
    for number in range(8):
        cover = {
            "resourceType": "Coverage",
            "id": f"{run}-cover-{number}",
            "status": "active",
            "beneficiary": {"reference": f"Patient/{run}-p0"},
            "payor": [{"display": "Blue Harbor Health"}],
            "subscriberId": f"X{number}",
        }
        _put(server, cover, "voice-agent")
    deadline = time.monotonic() + _SECONDS
    found: list[str] = []
    while len(found) < 8 and time.monotonic() < deadline:
        time.sleep(0.5)
        url = f"{server.root}/platform/review?limit=200&status=requested"
        items = httpx.get(url, headers=server.headers_of("admin"), timeout=30).json()["items"]
        found = [str(one["id"]) for one in items]
    return found


def _put(server: ServerProcess, resource: dict[str, Any], who: str = "ehr") -> None:
    url = f"{server.base}/{resource['resourceType']}/{resource['id']}"
    answer = httpx.put(url, json=resource, headers=server.headers_of(who), timeout=30)
    assert answer.status_code < 300, answer.text


def _make(server: ServerProcess, kind: str, body: dict[str, Any]) -> str:
    return str(_ask(server, kind, body)["id"])


def _ask(server: ServerProcess, path: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {**server.headers_of("admin"), "Content-Type": "application/json"}
    answer = httpx.post(f"{server.root}/platform/{path}", json=body, headers=headers, timeout=30)
    assert answer.status_code < 300, (path, answer.text)
    return dict(answer.json()) if answer.content else {}
