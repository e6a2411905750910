"""The settings of ``[forms]``: forms that patients fill in by a link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from fhirserver.app.setting_kinds import WrongSetting, kinds

FORMS = kinds("source zone", wholes="link_hours ahead_days", yes_no="enabled after_calls")
_NAMES = ("enabled", "source", "link_hours", "zone", "ahead_days", "after_calls")


@dataclass(frozen=True, slots=True)
class FormSettings:
    """See docs/settings.md. ``source`` is the one that answers count as; ``link_hours`` how long a link is good;
    ``ahead_days`` how long before an appointment its patient is asked for what is missing (0: never), ``after_calls``
    whether they are after a call."""

    enabled: bool = True
    source: str = "patient-form"
    link_hours: int = 168
    zone: str = "America/New_York"
    ahead_days: int = 0
    after_calls: bool = False


def parse_forms(table: Mapping[str, Any]) -> FormSettings:
    """Read the table, whose settings are of the right kinds. Raises :class:`WrongSetting`."""
    read = FormSettings(**{name: table[name] for name in _NAMES if name in table})
    if not 1 <= read.link_hours <= 8760:
        raise WrongSetting("link_hours", "link_hours is a whole number from 1 to 8760")
    if not 0 <= read.ahead_days <= 60:
        raise WrongSetting("ahead_days", "ahead_days is a whole number from 0 to 60")
    try:
        ZoneInfo(read.zone)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise WrongSetting("zone", "zone is the name of a time zone, such as America/New_York") from None
    return read
