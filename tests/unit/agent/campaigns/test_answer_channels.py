"""By which channel a patient answered."""

from __future__ import annotations

from typing import Any

import pytest

from agent.campaigns.contacts import contact
from agent.communication import CHANNEL, MEDIUM


@pytest.mark.parametrize(
    ("medium", "stated", "channel"),
    [
        ("SMSWRIT", "", "sms"),
        ("WRITTEN", "", "chat"),
        ("PHONE", "", "call"),
        ("", "", "call"),
        ("WRITTEN", "form", "form"),
    ],
)
def test_what_says_no_channel_came_by_its_medium(medium: str, stated: str, channel: str) -> None:
    answer: dict[str, Any] = {
        "resourceType": "Communication",
        "id": "a",
        "status": "completed",
        "basedOn": [{"reference": "CommunicationRequest/m1"}],
    }
    if medium:
        answer["medium"] = [{"coding": [{"system": MEDIUM, "code": medium}]}]
    if stated:
        answer["category"] = [{"coding": [{"system": CHANNEL, "code": stated}]}]
    found = contact(answer)
    assert found is not None and found.channel == channel
