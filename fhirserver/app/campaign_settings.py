"""The settings of ``[campaigns]``: reaching out to patients first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhirserver.app.setting_kinds import kinds

CAMPAIGNS = kinds(yes_no="enabled")


@dataclass(frozen=True, slots=True)
class CampaignSettings:
    """See docs/settings.md."""

    enabled: bool = True


def parse_campaigns(table: Mapping[str, Any]) -> CampaignSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    return CampaignSettings(table.get("enabled", True))
