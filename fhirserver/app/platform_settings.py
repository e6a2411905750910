"""The settings of ``[platform]``: the API by which a practice is set up and watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhirserver.app.setting_kinds import kinds

PLATFORM = kinds("workspace", yes_no="enabled")


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """See docs/settings.md. ``workspace`` is what the tenant of this server is called."""

    enabled: bool = True
    workspace: str = "default"


def parse_platform(table: Mapping[str, Any]) -> PlatformSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    return PlatformSettings(table.get("enabled", True), table.get("workspace", "default"))
