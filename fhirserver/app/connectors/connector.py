"""One ``[[connector]]``: the settings that every connector has, and those of its kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhirserver.app.connectors.registry import KINDS
from fhirserver.app.setting_kinds import SettingKinds, WrongSetting, check, kinds, required

COMMON: SettingKinds = kinds(
    "name source kind",
    numbers="pull_seconds push_seconds retry_cap_seconds",
    wholes="concurrency",
    yes_no="pull push",
)
"""The settings of every connector. docs/settings.md explains each."""
_SECONDS = ("pull_seconds", "push_seconds", "retry_cap_seconds")


@dataclass(frozen=True, slots=True)
class Connector:
    """One EHR to sync with. Seconds are the cadence of the loops; ``own`` are the settings of its kind."""

    name: str
    source: str
    kind: str
    own: Any
    pull: bool = True
    push: bool = True
    pull_seconds: float = 10.0
    push_seconds: float = 1.0
    concurrency: int = 4
    retry_cap_seconds: float = 30.0


def all_settings() -> dict[str, Any]:
    """Every setting that a connector of some kind may have."""
    found: dict[str, Any] = dict(COMMON)
    for kind in KINDS.values():
        found.update(kind.SETTINGS)
    return found


def parse_connector(
    entry: Mapping[str, Any], where: str, folder: Path, sources: Collection[str]
) -> Connector:
    """Check one table, in the settings or in an Endpoint. Raises :class:`WrongSetting`."""
    kind = entry.get("kind", "fhir")
    if kind not in KINDS:
        raise WrongSetting("kind", f"kind is one of {', '.join(sorted(KINDS))}")
    own = KINDS[kind]
    check(entry, {**COMMON, **own.SETTINGS})
    required(entry, "name", "source")
    if entry["source"] not in sources:
        raise WrongSetting("source", f"there is no [[source]] with id '{entry['source']}'")
    members: dict[str, Any] = {name: value for name, value in entry.items() if name in COMMON}
    members |= {name: _seconds(name, entry[name]) for name in _SECONDS if name in entry}
    if members.get("concurrency", 1) < 1:
        raise WrongSetting("concurrency", "concurrency is at least 1")
    theirs = {name: value for name, value in entry.items() if name in own.SETTINGS}
    return Connector(**{**members, "kind": kind, "own": own.parse(theirs, where, folder)})


def _seconds(name: str, value: Any) -> float:
    if value <= 0:
        raise WrongSetting(name, f"{name} is more than 0")
    return float(value)
