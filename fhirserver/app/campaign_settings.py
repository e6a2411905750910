"""The settings of ``[campaigns]``: reaching out to patients first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fhirserver.app.setting_kinds import WrongSetting, kinds

CAMPAIGNS = kinds("principal text_consent", wholes="spare_lines", yes_no="enabled")


@dataclass(frozen=True, slots=True)
class CampaignSettings:
    """See docs/settings.md. ``spare_lines`` are kept free for those who call us."""

    enabled: bool = True
    principal: str = "voice-agent"
    text_consent: Literal["required", "not-denied"] = "required"
    spare_lines: int = 10


def parse_campaigns(table: Mapping[str, Any]) -> CampaignSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    consent = table.get("text_consent", "required")
    if consent not in ("required", "not-denied"):
        raise WrongSetting("text_consent", "text_consent is one of required, not-denied")
    spare = table.get("spare_lines", 10)
    if not 0 <= spare <= 1000:
        raise WrongSetting("spare_lines", "spare_lines is a whole number from 0 to 1000")
    return CampaignSettings(table.get("enabled", True), table.get("principal", "voice-agent"), consent, spare)
