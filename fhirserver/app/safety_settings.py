"""The settings of ``[safety]``: when a call is watched, raised, and handed to the operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.safety.risk import Thresholds
from fhirserver.app.setting_kinds import kinds

SAFETY = kinds(wholes="monitor alert escalate loop_limit", numbers="wait_seconds")


class InvalidSafety(ValueError):
    """The table is wrong; the message names the setting and what to do."""


def parse_safety(table: Mapping[str, Any]) -> Thresholds:
    """The thresholds. Raises :class:`InvalidSafety`."""
    given = dict(table)
    if "wait_seconds" in given:
        given["wait_seconds"] = float(given["wait_seconds"])
    try:
        return Thresholds(**given)
    except ValueError as error:
        raise InvalidSafety(str(error)) from None
