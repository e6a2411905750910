"""A campaign by the app's chat, and the server dies again and again: every patient finds one conversation, and what is
on record of an attempt is what became of it."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhirserver.kernel.instants import instant
from tests.server_process import ServerProcess

PATIENTS = 40
KILLS = 8
SPEED = 20
NOT_MADE = "not-placed"
ORDER = "https://credence.health/fhir/sid/call-out"
DOCUMENT: dict[str, Any] = {
    "goal": "Visits are confirmed",
    "purpose": "confirm",
    "consent": "not-denied",
    "audience": {"searches": ["Appointment?status=booked"]},
    "channels": [{"channel": "chat", "service": "app"}],
    "triggers": [{"kind": "once"}],
    "quiet": {"begin": "00:00", "end": "00:00"},
    "pacing": {"per_minute": 6000},
}


def ask(server: ServerProcess, method: str, url: str, body: Any = None) -> httpx.Response:
    return httpx.request(
        method, url, json=body, headers=server.headers_of("admin"), timeout=60, trust_env=False
    )


def found(server: ServerProcess, query: str) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = []
    url = f"{server.base}/{query}"
    while url:
        page = ask(server, "GET", url).json()
        resources += [entry["resource"] for entry in page.get("entry", ())]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
    return resources


def practice(server: ServerProcess, now: datetime) -> None:
    kind = {
        "system": "https://credence.health/fhir/CodeSystem/configuration-kind",
        "code": "chat-service",
    }
    service = {
        "resourceType": "Library",
        "id": "app",
        "status": "active",
        "title": "App",
        "type": {"coding": [kind]},
        "content": [{"contentType": "application/json", "data": "e30="}],
    }
    people: list[dict[str, Any]] = [service]
    start = (now + timedelta(days=9)).replace(microsecond=0)
    for n in range(PATIENTS):
        people.append({"resourceType": "Patient", "id": f"p{n}", "name": [{"family": f"Number{n}"}]})
        people.append(
            {
                "resourceType": "Appointment",
                "id": f"v{n}",
                "status": "booked",
                "start": instant(start),
                "end": instant(start + timedelta(minutes=30)),
                "participant": [{"actor": {"reference": f"Patient/p{n}"}, "status": "needs-action"}],
            }
        )
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in people
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert ask(server, "POST", server.base, bundle).status_code == 200


def begin(server: ServerProcess) -> None:
    root = f"{server.root}/platform/campaigns"
    sent = {"id": "c", "title": "Chat", "status": "active", "document": DOCUMENT}
    assert ask(server, "POST", root, sent).status_code == 201
    assert ask(server, "POST", f"{root}/c/start").status_code == 201


def attempts(server: ServerProcess) -> list[dict[str, Any]]:
    return found(server, f"Communication?identifier={ORDER}%7C&_count=200")


def outcome(attempt: dict[str, Any]) -> str:
    return str(attempt.get("statusReason", {}).get("coding", [{}])[0].get("code", ""))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_the_server_dies_while_a_campaign_writes_in_the_chat(tmp_path: Path, workers: int) -> None:
    chance = random.Random(workers)
    now = datetime.now(UTC)
    clock = f"{instant(now)}@{time.time():.1f}x{SPEED}"
    with ServerProcess(tmp_path, workers=workers, environment={"CREDENCE_CLOCK": clock}) as server:
        practice(server, now)
        begin(server)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.1, 1.2))
            server.kill()
            server.start()
        until = time.monotonic() + 150
        while len([a for a in attempts(server) if outcome(a) == "sent"]) < PATIENTS:
            assert time.monotonic() < until, [(a["status"], outcome(a)) for a in attempts(server)]
            time.sleep(1)
        made = attempts(server)
        assert {outcome(one) for one in made} <= {"sent", NOT_MADE}
        for one in made:
            name = next(i["value"] for i in one["identifier"] if i["system"] == ORDER)
            told = ask(server, "GET", f"{server.root}/chat/outreach?id={name}").status_code
            assert told == (404 if outcome(one) == NOT_MADE else 200), (name, outcome(one), told)
        bound = found(server, "Communication?status=in-progress&_count=200")
        talks = [one for one in bound if one.get("basedOn")]
        assert sorted(one["subject"]["reference"] for one in talks) == sorted(
            f"Patient/p{n}" for n in range(PATIENTS)
        ), "each patient finds one conversation"
