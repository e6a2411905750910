"""The settings of ``[chat]``: conversations by text, for apps of patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhirserver.app.setting_kinds import WrongSetting, kinds

_WHOLES = (
    "idle_minutes outreach_hours most_conversations messages_per_minute attachment_megabytes keep_days"
    " conversations_per_hour streams_per_user"
)
CHAT = kinds("principal", wholes=_WHOLES, yes_no="enabled demo")
_MOST = {
    "idle_minutes": 1440,
    "outreach_hours": 2160,
    "most_conversations": 100_000,
    "messages_per_minute": 6000,
    "attachment_megabytes": 7,
    "keep_days": 3650,
    "conversations_per_hour": 3600,
    "streams_per_user": 1000,
}


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """See docs/settings.md. ``principal`` is the name of the one as which the agent speaks FHIR."""

    enabled: bool = True
    principal: str = "voice-agent"
    demo: bool = False
    idle_minutes: int = 30
    outreach_hours: int = 72
    most_conversations: int = 2000
    messages_per_minute: int = 30
    attachment_megabytes: int = 6
    keep_days: int = 30
    conversations_per_hour: int = 30
    streams_per_user: int = 20


def parse_chat(table: Mapping[str, Any]) -> ChatSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    for name, most in _MOST.items():
        if not 1 <= table.get(name, 1) <= most:
            raise WrongSetting(name, f"{name} is a whole number from 1 to {most}")
    return ChatSettings(**table)
