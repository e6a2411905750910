"""The settings of ``[forms]``: forms that patients fill in by a link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhirserver.app.setting_kinds import WrongSetting, kinds

FORMS = kinds("source", wholes="link_hours", yes_no="enabled")


@dataclass(frozen=True, slots=True)
class FormSettings:
    """See docs/settings.md. ``source`` is the one that answers count as; ``link_hours`` how long a link is good."""

    enabled: bool = True
    source: str = "patient-form"
    link_hours: int = 168


def parse_forms(table: Mapping[str, Any]) -> FormSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    read = FormSettings(
        **{name: table[name] for name in ("enabled", "source", "link_hours") if name in table}
    )
    if not 1 <= read.link_hours <= 8760:
        raise WrongSetting("link_hours", "link_hours is a whole number from 1 to 8760")
    return read
