"""The settings of ``[chat]``: conversations by text, for apps of patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhirserver.app.setting_kinds import kinds

CHAT = kinds("principal", yes_no="enabled")


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """See docs/settings.md. ``principal`` is the name of the one as which the agent speaks FHIR."""

    enabled: bool = True
    principal: str = "voice-agent"


def parse_chat(table: Mapping[str, Any]) -> ChatSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    return ChatSettings(table.get("enabled", True), table.get("principal", "voice-agent"))
