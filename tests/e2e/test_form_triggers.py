"""Forms that are made by themselves: before an appointment, and after a call; each once."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.form_world import ADA, Practice
from tests.server_process import ServerProcess

SETTINGS = "[forms]\nahead_days = 3\nafter_calls = true\n"


def _forms(practice: Practice, least: int) -> list[dict[str, Any]]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        items: list[dict[str, Any]] = practice.ask("GET", "").json()["items"]
        if len(items) >= least:
            return items
        time.sleep(0.1)
    raise AssertionError(f"fewer than {least} forms were made")


def _visit(id: str, patient: str, days: float) -> dict[str, Any]:
    start = datetime.now(UTC) + timedelta(days=days)
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": "booked",
        "start": start.isoformat(timespec="seconds"),
        "end": (start + timedelta(minutes=30)).isoformat(timespec="seconds"),
        "participant": [{"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"}],
    }


def test_before_an_appointment_and_after_a_call(tmp_path: Path) -> None:
    with ServerProcess(tmp_path, settings=SETTINGS, workers=2) as server:
        practice = Practice(server)
        for id in ("soon", "later", "called"):
            practice.put({**ADA, "id": id})
        practice.put(_visit("a1", "soon", 2))
        practice.put(_visit("a2", "later", 9))
        document = {"reference": "DocumentReference/transcript"}
        practice.put(
            {
                "resourceType": "Communication",
                "id": "call",
                "status": "completed",
                "subject": {"reference": "Patient/called"},
                "payload": [{"contentReference": document}],
            }
        )
        server.stop()
        server.start()
        made = _forms(practice, 2)
        found = {one["patient"]["reference"]: one for one in made}
        assert set(found) == {"Patient/soon", "Patient/called"}
        soon, called = found["Patient/soon"], found["Patient/called"]
        assert (soon["purpose"], called["purpose"]) == ("before-appointment", "after-call")
        assert "reason" in soon["subjects"] and "reason" not in called["subjects"]
        assert soon["status"] == "ready", "without a telephone it waits to be handed on"
        task = practice.get(f"Task/{soon['id']}")
        assert task["reasonReference"]["reference"] == "Appointment/a1"
        server.stop()
        server.start()
        practice.put(_visit("a3", "later", 1))
        server.stop()
        server.start()
        assert len(_forms(practice, 3)) == 3
