"""Campaigns by the app's chat, carried out by a server without a telephone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server_process import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("campaign-chat"))) as process:
        yield process


def put(server: ServerProcess, resource: dict[str, Any]) -> None:
    url = f"{server.base}/{resource['resourceType']}/{resource['id']}"
    answer = httpx.put(url, json=resource, headers=server.headers_of("admin"), timeout=30)
    assert answer.status_code == 201, answer.text


def test_a_conversation_waits_for_the_patient(server: ServerProcess) -> None:
    start = datetime.now(UTC) + timedelta(days=3)
    put(
        server,
        {"resourceType": "Patient", "id": "ann", "name": [{"family": "Whitfield", "given": ["Laura"]}]},
    )
    put(
        server,
        {
            "resourceType": "Appointment",
            "id": "v",
            "status": "booked",
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=30)).isoformat(),
            "participant": [{"actor": {"reference": "Patient/ann"}, "status": "needs-action"}],
        },
    )
    service = {
        "resourceType": "Library",
        "id": "app",
        "status": "active",
        "title": "App",
        "type": {
            "coding": [
                {
                    "system": "https://credence.health/fhir/CodeSystem/configuration-kind",
                    "code": "chat-service",
                }
            ]
        },
        "content": [{"contentType": "application/json", "data": "e30="}],
    }
    put(server, service)
    document = {
        "goal": "Visits are confirmed",
        "purpose": "confirm",
        "consent": "not-denied",
        "audience": {"searches": ["Appointment?status=booked"]},
        "channels": [{"channel": "chat", "service": "app"}],
        "triggers": [{"kind": "once"}],
        "quiet": {"begin": "00:00", "end": "00:00"},
    }
    root = f"{server.root}/platform/campaigns"
    headers = server.headers_of("admin")
    sent = {"id": "chat", "title": "Chat", "status": "active", "document": document}
    assert httpx.post(root, json=sent, headers=headers, timeout=30).status_code == 201
    assert httpx.post(f"{root}/chat/start", headers=headers, timeout=30).status_code == 201
    until = time.monotonic() + 60
    while True:
        told = httpx.get(f"{root}/chat/progress", headers=headers, timeout=30).json()
        if told["channels"].get("chat", {}).get("completed") == 1:
            break
        assert time.monotonic() < until, told
        time.sleep(0.3)
    [one] = httpx.get(f"{root}/chat/members", headers=headers, timeout=30).json()["items"]
    assert one["outcome"] == "waiting" and "answer" in one["why"]
    found = httpx.get(
        f"{server.base}/Communication", params={"patient": "Patient/ann"}, headers=headers, timeout=30
    ).json()
    made = [entry["resource"] for entry in found["entry"]]
    bound = [m for m in made if m["basedOn"][0]["reference"] == one["request"]["reference"]]
    assert len(made) == len(bound) == 2
    assert sorted(len(m.get("identifier", ())) for m in made) == [0, 2]
