"""One ``[[connector]]``: the settings that every connector has, and those of its kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.runner.code_map_rules import Rule, parse_rule
from adapters.runner.hours import Hours, InvalidHours, parse_hours
from adapters.runner.writeback import PUSHED_TYPES
from fhirserver.app.connectors.registry import KINDS
from fhirserver.app.setting_kinds import SettingKinds, WrongSetting, check, kinds, required
from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.json import canonical
from fhirserver.model.definitions import definitions

COMMON: SettingKinds = kinds(
    "name source kind time_zone",
    "push_types hours code_maps",
    "pull_seconds push_seconds retry_cap_seconds reconcile_seconds resolve_seconds requests_per_second",
    "concurrency burst",
    "pull push copies",
)
"""The settings of every connector. docs/settings.md explains each."""
_POSITIVE = ("pull_seconds", "push_seconds", "retry_cap_seconds")
_NOT_NEGATIVE = ("reconcile_seconds", "resolve_seconds", "requests_per_second")


@dataclass(frozen=True, slots=True)
class Connector:
    """One EHR to sync with. Seconds are the cadence of the loops, 0 for never; ``own`` are the settings of its kind.

    ``table`` is what all of it was read from.
    """

    name: str
    source: str
    kind: str
    own: Any
    pull: bool = True
    push: bool = True
    push_types: tuple[str, ...] = PUSHED_TYPES
    copies: bool = False
    pull_seconds: float = 10.0
    push_seconds: float = 1.0
    reconcile_seconds: float = 86_400.0
    resolve_seconds: float = 300.0
    concurrency: int = 4
    retry_cap_seconds: float = 30.0
    requests_per_second: float = 0.0
    burst: int = 10
    hours: Hours = field(default_factory=Hours)
    code_maps: tuple[Rule, ...] = ()
    table: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def version(self) -> str:
        """Changes with the settings."""
        return derived_id(canonical(dict(self.table)).decode())


def parse_connector(
    entry: Mapping[str, Any], where: str, folder: Path, sources: Collection[str]
) -> Connector:
    """Check one table, in the settings or in an Endpoint. Raises :class:`WrongSetting`."""
    kind = entry.get("kind", "fhir")
    check({"kind": kind}, COMMON)
    if kind not in KINDS:
        raise WrongSetting("kind", f"kind is one of {', '.join(sorted(KINDS))}")
    own = KINDS[kind]
    check(entry, {**COMMON, **own.SETTINGS})
    required(entry, "name", "source")
    if entry["source"] not in sources:
        raise WrongSetting("source", f"there is no [[source]] with id '{entry['source']}'")
    theirs = {name: value for name, value in entry.items() if name in own.SETTINGS}
    return Connector(**_members(entry), kind=kind, own=own.parse(theirs, where, folder), table=dict(entry))


def _members(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The common settings as they are used."""
    given = {name: value for name, value in entry.items() if name in COMMON and name != "kind"}
    for name in ("concurrency", "burst"):
        if given.get(name, 1) < 1:
            raise WrongSetting(name, f"{name} is at least 1")
    given |= {name: _number(name, given[name], False) for name in _POSITIVE if name in given}
    given |= {name: _number(name, given[name], True) for name in _NOT_NEGATIVE if name in given}
    if "push_types" in given:
        given["push_types"] = _types("push_types", given["push_types"])
    given["code_maps"] = tuple(map(_code_map, given.get("code_maps", ())))
    given["hours"] = _hours(given.pop("hours", []), given.pop("time_zone", "UTC"))
    return given


def _code_map(text: str) -> Rule:
    try:
        return parse_rule(text)
    except ValueError as wrong:
        raise WrongSetting("code_maps", f"code_maps: {wrong}") from None


def _number(name: str, value: Any, zero: bool) -> float:
    if value < 0 or (value == 0 and not zero):
        raise WrongSetting(name, f"{name} is {'0 or more' if zero else 'more than 0'}")
    return float(value)


def _types(name: str, types: Collection[str]) -> tuple[str, ...]:
    for type in types:
        if type not in definitions().resource_types:
            raise WrongSetting(name, f"{name}: '{type[:64]}' is not an R4 resource type")
    return tuple(types)


def _hours(hours: list[str], zone: str) -> Hours:
    try:
        parse_hours([], zone)
    except InvalidHours as wrong:
        raise WrongSetting("time_zone", f"time_zone: {wrong}") from None
    try:
        return parse_hours(hours, zone)
    except InvalidHours as wrong:
        raise WrongSetting("hours", f"hours: {wrong}") from None
