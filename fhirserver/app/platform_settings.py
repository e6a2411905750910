"""The settings of ``[platform]``: the API by which a practice is set up and watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhirserver.app.setting_kinds import WrongSetting, kinds

PLATFORM = kinds("workspace", wholes="suspended_days", yes_no="enabled")


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """See docs/settings.md. ``workspace`` is what the tenant of this server is called; ``suspended_days`` for how long
    another must have been suspended to be deleted without more words."""

    enabled: bool = True
    workspace: str = "default"
    suspended_days: int = 30


def parse_platform(table: Mapping[str, Any]) -> PlatformSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    read = PlatformSettings(**table)
    if not 0 <= read.suspended_days <= 3650:
        raise WrongSetting("suspended_days", "suspended_days is a whole number from 0 to 3650")
    return read
