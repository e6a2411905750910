"""What differs from one sender to the next: time zone, authorities, code systems, local codes, overrides of the maps.

time_zone = "Europe/Vienna"

[authorities]                 # CX-4, XCN-9, XON-6, EI-2: namespace or universal id → system
MAINHOSP = "https://hospital.example/mrn"

[coding_systems]              # CWE-3 → system
L = "https://hospital.example/codes"

[codes.AdministrativeSex]     # a map of codes of HL7's, or a new one
X = "other"

[codes]                       # or one that a ConceptMap on the server stands for
PatientClass = "https://hospital.example/ConceptMap/patient-class"

[segment.PV1]                 # overrides in the maps' own language
44 = { resource = "Encounter", path = "period.start" }
20 = "drop"

[[sender]]                    # only for messages with this MSH-3 or MSH-4
application = "LAB*"
time_zone = "UTC"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.hl7v2.convert.programs import Library
from adapters.hl7v2.convert.site import Override, Site
from adapters.hl7v2.maps.errors import MapError

KEYS = {"time_zone", "authorities", "coding_systems", "codes", "segment", "sender", "name"}
ENTRY = {"resource", "path", "if", "map", "codes", "assign", "type"}
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}\Z")


class SiteError(ValueError):
    """``FILE line N: what is wrong``."""


def load_site(path: Path, name: str = "") -> Site:
    """Raises :class:`SiteError` with file and line."""
    return read_site(path.read_text("utf-8"), name or path.stem, str(path))


def read_site(text: str, name: str = "default", where: str = "site") -> Site:
    """Raises :class:`SiteError` with the line."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = found[1] if found else max(len(text.splitlines()), 1)
        raise SiteError(f"{where} line {line}: {error}") from None
    site = _Reader(text, where).site(content, Site(content.get("name", name)))
    for one in (site, *(sender for _, _, sender in site.senders)):
        _check(one)
    return site


def _check(site: Site) -> None:
    """Compile what the site overrides: raises :class:`SiteError` for a path or condition that cannot be."""
    library = Library(site)
    for override in site.overrides:
        for row in override.rows:
            try:
                library.segment(f"{override.segment}[{row['resource']}]")
            except MapError as error:
                raise SiteError(f"{override.where}: {error}") from None


class _Reader:
    def __init__(self, text: str, where: str):
        self.lines, self.where = text.splitlines(), where

    def error(self, what: str, *keys: str) -> SiteError:
        return SiteError(f"{self.where} line {self.line(keys)}: {what}")

    def line(self, keys: tuple[str, ...]) -> int:
        """Where the last of the keys stands: within the table that the ones before name."""
        at = 0
        if len(keys) > 1:
            heading = ".".join(keys[:-1])
            found = (n for n, line in enumerate(self.lines) if heading in line.replace(" ", "").strip("[]"))
            at = next(found, 0)
        for number in range(at, len(self.lines)):
            if (
                self.lines[number]
                .strip()
                .startswith((keys[-1], f'"{keys[-1]}"', f"[{keys[-1]}", f"[[{keys[-1]}"))
            ):
                return number + 1
        return at + 1

    def site(self, content: Mapping[str, Any], start: Site) -> Site:
        if unknown := sorted(set(content) - KEYS - {"application", "facility"}):
            raise self.error(f"{unknown[0]} is not known", unknown[0])
        made = replace(
            start,
            time_zone=self.zone(content.get("time_zone", start.time_zone)),
            authorities={**start.authorities, **self.texts(content, "authorities")},
            coding_systems={**start.coding_systems, **self.texts(content, "coding_systems")},
            codes={**start.codes, **self.codes(content.get("codes", {}))},
            concept_maps={**start.concept_maps, **self.concept_maps(content.get("codes", {}))},
            overrides=(*start.overrides, *self.overrides(content.get("segment", {}))),
        )
        senders = tuple(self.sender(one, made) for one in content.get("sender", ()))
        return replace(made, senders=senders)

    def sender(self, content: Mapping[str, Any], start: Site) -> tuple[str, str, Site]:
        if not {"application", "facility"} & set(content):
            raise self.error("a sender is told by application, facility or both", "sender")
        own = {key: value for key, value in content.items() if key not in ("application", "facility")}
        return content.get("application", "*"), content.get("facility", "*"), self.site(own, start)

    def zone(self, name: Any) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, TypeError):
            raise self.error(f"{name} is no time zone", "time_zone") from None
        return str(name)

    def texts(self, content: Mapping[str, Any], key: str) -> dict[str, str]:
        table = content.get(key, {})
        for name, value in table.items():
            if not isinstance(value, str) or ":" not in value:
                raise self.error(f"{key}: {name} is a URI", key, name)
        return dict(table)

    def codes(self, content: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        tables = {name: table for name, table in content.items() if not isinstance(table, str)}
        for name, table in tables.items():
            for code, value in table.items():
                if not isinstance(value, str) and not (isinstance(value, dict) and "code" in value):
                    raise self.error(
                        "a code becomes a code, or {code, system, display}", f"codes.{name}", code
                    )
        return tables

    def concept_maps(self, content: Mapping[str, Any]) -> dict[str, str]:
        """Maps of codes that a ConceptMap of the server stands for."""
        named = {name: value for name, value in content.items() if isinstance(value, str)}
        for name, value in named.items():
            if ":" not in value:
                raise self.error("a map of codes is a table, or the url of a ConceptMap", "codes", name)
        return named

    def overrides(self, content: Mapping[str, Any]) -> tuple[Override, ...]:
        found = []
        for segment, fields in content.items():
            if not _SEGMENT.match(segment):
                raise self.error(f"{segment} is no segment", f"segment.{segment}")
            for number, entry in fields.items():
                found.append(self.override(segment, number, entry))
        return tuple(found)

    def override(self, segment: str, number: str, entry: Any) -> Override:
        place = (f"segment.{segment}", number)
        if not number.isdigit() or number == "0":
            raise self.error(f"{number} is no field of {segment}", *place)
        where = f"{self.where} line {self.line(place)}"
        if entry == "drop":
            return Override(segment, int(number), (), where)
        rows = entry if isinstance(entry, list) else [entry]
        for row in rows:
            if not isinstance(row, dict) or not {"resource", "path"} <= set(row):
                raise self.error('a field becomes "drop", or {resource, path, …}', *place)
            if unknown := sorted(set(row) - ENTRY):
                raise self.error(f"{unknown[0]} is not known", *place)
        return Override(segment, int(number), tuple(rows), where)
