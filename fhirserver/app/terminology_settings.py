"""The settings of ``[terminology]``: how much is answered at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhirserver.app.setting_kinds import WrongSetting, kinds

TERMINOLOGY = kinds(wholes="expansion_limit")


@dataclass(frozen=True, slots=True)
class TerminologySettings:
    """See docs/settings.md. The limit is above what R4's lists of codes have that people choose from (1,357 common
    units), and below the 2,000 codes that the ecosystem's tests want to be refused; other servers have 1,000."""

    expansion_limit: int = 1_500


def parse_terminology(table: Mapping[str, Any]) -> TerminologySettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    limit = table.get("expansion_limit", TerminologySettings().expansion_limit)
    if limit < 1:
        raise WrongSetting("expansion_limit", "expansion_limit is at least 1")
    return TerminologySettings(limit)
