"""The settings of ``[audit]``: how long the audit trail is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhirserver.app.setting_kinds import WrongSetting, kinds

AUDIT = kinds(wholes="keep_days")
LEAST_DAYS = 30
"""Whoever takes something away from the trail sooner takes away what he should be asked about."""


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """See docs/settings.md. ``keep_days`` 0: for ever."""

    keep_days: int = 0


def parse_audit(table: Mapping[str, Any]) -> AuditSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    days = table.get("keep_days", 0)
    if days and days < LEAST_DAYS:
        raise WrongSetting("keep_days", f"it is 0 (for ever) or at least {LEAST_DAYS}")
    return AuditSettings(days)
