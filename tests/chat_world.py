"""A practice for chats on a running server: one patient with a visit, free slots, and the demo turned on.

Days are counted from today, as the server's clock is the real one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.server_process import ServerProcess

NAME, BORN = "Eve Bradtke", "March 3rd 1982"
DEMO = "[chat]\ndemo = true\nmessages_per_minute = 600\n"


def world() -> list[dict[str, Any]]:
    day = (datetime.now(UTC) + timedelta(days=3)).replace(hour=15, minute=0, second=0, microsecond=0)
    doctor = {"reference": "Practitioner/lane", "display": "Dr. Anna Lane"}
    visit = {
        "resourceType": "Appointment", "id": "eve-visit", "status": "booked", "description": "Follow-up visit",
        "start": day.isoformat(), "end": (day + timedelta(minutes=30)).isoformat(),
        "slot": [{"reference": "Slot/of-eve"}],
        "participant": [
            {"actor": {"reference": "Patient/eve"}, "status": "accepted"},
            {"actor": doctor, "status": "accepted"},
        ],
    }  # fmt: skip
    slots = [_slot("of-eve", day, "busy")]
    slots += [_slot(f"free-{n}", day + timedelta(days=n, hours=1), "free") for n in range(1, 6)]
    return [
        {"resourceType": "Practitioner", "id": "lane", "name": [{"family": "Lane", "given": ["Anna"]}]},
        {
            "resourceType": "Patient", "id": "eve", "birthDate": "1982-03-03",
            "name": [{"use": "official", "family": "Bradtke", "given": ["Eve"]}],
            "telecom": [{"system": "phone", "value": "412-555-0142", "use": "home"}],
        },
        {"resourceType": "Organization", "id": "aetna", "name": "Aetna"},
        {"resourceType": "Organization", "id": "humana", "name": "Humana"},
        {"resourceType": "Schedule", "id": "lane", "active": True, "actor": [doctor]},
        *slots,
        visit,
    ]  # fmt: skip


def _slot(id: str, start: datetime, status: str) -> dict[str, Any]:
    return {
        "resourceType": "Slot",
        "id": id,
        "schedule": {"reference": "Schedule/lane"},
        "status": status,
        "start": start.isoformat(),
        "end": (start + timedelta(minutes=30)).isoformat(),
    }


def seed(server: ServerProcess) -> None:
    for resource in world():
        path = f"{server.base}/{resource['resourceType']}/{resource['id']}"
        httpx.put(path, json=resource, headers=server.headers).raise_for_status()


def chat_server(directory: Path, **options: Any) -> ServerProcess:
    """Not started yet."""
    return ServerProcess(directory, settings=DEMO, **options)
