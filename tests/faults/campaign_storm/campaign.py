"""The campaign of the storm, and how far it is by what the server says."""

from __future__ import annotations

from datetime import datetime, timedelta
from datetime import time as of_day
from typing import Any

import httpx

from fhirserver.world.outreach import coded
from tests.faults.campaign_storm.judge import Terms
from tests.faults.campaign_storm.seed import CALL_OUT, CHANNEL
from tests.server_process import ServerProcess

Json = dict[str, Any]
NAME = "storm"


def document(lines: int, per_minute: int, hasty: bool = False) -> Json:
    """The document of the configuration."""
    between = (45, 60) if hasty else (240, 180)
    return {
        "goal": "Visits of the coming week are confirmed",
        "purpose": "confirm",
        "zone": "America/New_York",
        "audience": {"searches": ["Appointment?status=booked&date=ge{today+4d}&date=lt{today+7d}"]},
        "channels": [
            {"channel": "sms", "attempts": 1, "then_minutes": between[0]},
            {"channel": "call", "attempts": 2, "then_minutes": between[1]},
        ],
        "triggers": [{"kind": "once"}],
        "script": {
            "en": {"sms": "{practice}: please confirm your visit on {date} at {time}. Reply YES, or STOP."},
            "es": {"sms": "{practice}: confirme su cita del {date} a las {time}. Responda SÍ, o STOP."},
        },
        "attempts": 3,
        "limits": {
            "per_day": 3 if hasty else 2,
            "per_week": 5,
            "per_month": 20,
            "spacing_minutes": between[0] // 4,
        },
        "quiet": {"begin": "21:00", "end": "08:00"},
        "machine": {"leave": "nothing", "retry": True},
        "pacing": {"per_minute": per_minute, "lines": lines},
        "expires_hours": 30 if hasty else 40,
    }


def terms(begin: datetime, pace: float, hasty: bool = False) -> Terms:
    """The same as the judge reads it. Three seconds of the machine are what a request may take."""
    limits = document(1, 1, hasty)["limits"]
    grace = max(timedelta(minutes=5), timedelta(seconds=3 * pace))
    return Terms(
        begin, (of_day(21), of_day(8)), limits["per_day"], limits["per_week"], 3, {"sms": 1, "call": 2},
        timedelta(minutes=limits["spacing_minutes"]), grace,
    )  # fmt: skip


def start(server: ServerProcess, lines: int, per_minute: int, hasty: bool = False) -> None:
    """Have it kept and begun, by the platform's API. Raises httpx.HTTPError."""
    made = {
        "id": NAME,
        "title": "Confirm visits",
        "status": "active",
        "document": document(lines, per_minute, hasty),
    }
    headers = {"Authorization": f"Bearer {server.tokens['admin']}"}
    with httpx.Client(
        base_url=f"{server.root}/platform", headers=headers, timeout=60, trust_env=False
    ) as platform:
        for path, body in (("/campaigns", made), (f"/campaigns/{NAME}/start", None)):
            answer = platform.post(path, json=body)
            if not answer.is_success:
                raise OSError(f"{path}: {answer.status_code} {answer.text}")


class Watcher:
    """Asks the server, as an administrator would; while it is away nothing is known."""

    def __init__(self, server: ServerProcess):
        self._server = server
        self._client = httpx.Client(timeout=30, trust_env=False)

    def count(self, query: str) -> int | None:
        """How many resources a search finds; None while nobody answers."""
        url = f"{self._server.base}/{query}&_summary=count"
        try:
            answer = self._client.get(url, headers=self._server.headers_of("admin"))
            return int(answer.json()["total"]) if answer.is_success else None
        except (httpx.HTTPError, KeyError, ValueError):
            return None

    def members(self) -> dict[str, int]:
        """The CommunicationRequests by status."""
        found = {
            s: self.count(f"CommunicationRequest?status={s}") for s in ("active", "completed", "revoked")
        }
        return {status: count for status, count in found.items() if count is not None}

    def recorded(self) -> dict[str, Json]:
        """Every Communication that an attempt was recorded by, by the attempt's name; of a message, by its own id."""
        made: dict[str, Json] = {}
        url = f"{self._server.base}/Communication?identifier={CALL_OUT}|&_count=1000"
        while url:
            answer = self._client.get(url, headers=self._server.headers_of("admin"), timeout=120)
            answer.raise_for_status()
            bundle = answer.json()
            for entry in bundle.get("entry", ()):
                names = {i.get("system"): i.get("value") for i in entry["resource"].get("identifier", ())}
                name = str(names[CALL_OUT])
                if not name.startswith("before-"):
                    told = coded(entry["resource"].get("category", ()), CHANNEL)
                    made[name if told == "call" else entry["resource"]["id"]] = entry["resource"]
            url = next((one["url"] for one in bundle.get("link", ()) if one["relation"] == "next"), "")
        return made

    def close(self) -> None:
        self._client.close()
