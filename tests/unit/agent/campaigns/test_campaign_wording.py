"""The words of a first message."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agent.campaigns.decision import Facts
from agent.campaigns.members import Member
from agent.campaigns.wording import appointment_in

NOW = datetime(2026, 12, 1, 17, tzinfo=UTC)
MEMBER = Member("CommunicationRequest/1", "k", "Patient/ann", "Task/r", "active", NOW, NOW)


def visit(id: str, start: str, status: str = "booked") -> dict[str, Any]:
    return {"resourceType": "Appointment", "id": id, "status": status, "start": start}


def test_told_is_the_first_visit_that_is_still_to_come() -> None:
    cancelled = visit("a", "2026-12-02T15:00:00Z", "cancelled")
    past = visit("b", "2026-12-01T15:00:00Z")
    first, second = visit("c", "2026-12-03T15:00:00Z"), visit("d", "2026-12-04T15:00:00Z")
    about = [cancelled, second, past, first]
    assert appointment_in(Facts(NOW, MEMBER, None, about=about)) == first
    assert appointment_in(Facts(NOW, MEMBER, None, about=[cancelled])) == {}
