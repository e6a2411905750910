"""What one receiver wants its messages to be: version, names, events, numbers, codes, further fields.

version = "2.5.1"
sending = ["CREDENCE", "CLINIC"]          # MSH-3, MSH-4
receiving = ["EHR", "HOSPITAL"]           # MSH-5, MSH-6
charset = "UNICODE UTF-8"                 # MSH-18, HL7 table 0211
time_zone = "Europe/Vienna"
events = ["S12", "S13", "S14", "S15", "S26", "A28", "A31"]

[authorities]                             # system → namespace, or {namespace, universal, type}
"https://hospital.example/mrn" = "HOSP"

[codes.PID-8]                             # FHIR code → the receiver's
other = "O"

[fields]                                  # a text, or a FHIRPath over what the message is about
PV1-2 = "O"
ZPI-1 = { path = "Patient.generalPractitioner.display" }

[refusals]                                # ERR-5, or else ERR-3 → retry, person, permanent
SLOT_TAKEN = "person"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hl7apy import SUPPORTED_LIBRARIES

from adapters.hl7v2.charset import codec_of
from adapters.hl7v2.separators import Separators
from fhirserver.kernel.json import JsonObject
from fhirserver.model.fhirpath import FhirPathError, Path, compile_path

EVENTS = ("S12", "S13", "S14", "S15", "S17", "S26", "A28", "A31")
"""What is sent where a profile does not say: bookings and changes of them, new patients and changes of theirs."""
KNOWN = frozenset((*EVENTS, "A04", "A08", "A29"))
REFUSALS = ("retry", "person", "permanent")
_PLACE = re.compile(r"[A-Z][A-Z0-9]{2}-[1-9][0-9]?\Z")
_MADE = ("processing_id", "accept", "application", "authority")
_READ = (
    "version",
    "sending",
    "receiving",
    "charset",
    "separators",
    "time_zone",
    "events",
    "authorities",
    "identifiers",
)
_KEYS = frozenset((*_MADE, *_READ, "codes", "fields", "refusals"))


class ProfileError(ValueError):
    """``FILE: what is wrong``."""


@dataclass(frozen=True, slots=True)
class Authority:
    """An assigning authority as the receiver knows it (HD)."""

    namespace: str = ""
    universal: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """See the module. ``authority`` is our own, of the numbers that we give."""

    version: str = "2.5.1"
    sending: tuple[str, str] = ("CREDENCE", "")
    receiving: tuple[str, str] = ("", "")
    charset: str = ""
    encoding: str = "utf-8"
    separators: Separators = field(default_factory=Separators)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    processing_id: str = "P"
    accept: str = ""
    application: str = ""
    authority: str = "CREDENCE"
    events: frozenset[str] = frozenset(EVENTS)
    authorities: Mapping[str, Authority] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, tuple[str, Path]] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)
    identifiers: frozenset[str] | None = None

    @property
    def is_late(self) -> bool:
        """Whether the version is 2.7 or later, which withdrew some fields."""
        return tuple(int(part) for part in self.version.split(".")[:2]) >= (2, 7)

    def wants(self, identifier: JsonObject) -> bool:
        """Whether the receiver is told a number."""
        return self.identifiers is None or identifier.get("system") in self.identifiers

    def known_as(self, system: str) -> Authority:
        """The authority of a system: the receiver's name for it, else what the system itself says."""
        if system in self.authorities:
            return self.authorities[system]
        if system.startswith("urn:oid:"):
            return Authority("", system.removeprefix("urn:oid:"), "ISO")
        if system.startswith(("http://", "https://")):
            return Authority("", system, "URI")
        return Authority(system.rpartition(":")[2] if system.startswith("urn:") else system[:20])

    def code(self, place: str, code: str) -> str:
        """A FHIR code as the receiver writes it in a field."""
        return self.codes.get(place, {}).get(code, code)


def load_profile(path: File) -> Profile:
    """Raises :class:`ProfileError`, and :class:`OSError` where there is no file."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: {error}") from None
    try:
        return read_profile(content)
    except ProfileError as error:
        raise ProfileError(f"{path}: {error}") from None


def read_profile(content: Mapping[str, Any]) -> Profile:
    """A profile from a TOML document. Raises :class:`ProfileError`."""
    if unknown := sorted(content.keys() - _KEYS):
        raise ProfileError(f"'{unknown[0]}' is not known; known: {', '.join(sorted(_KEYS))}")
    made = {name: content[name] for name in _MADE if name in content}
    charset = str(content.get("charset", ""))
    encoding = codec_of(charset) if charset else "utf-8"
    if encoding is None:
        raise ProfileError("charset is one of HL7 table 0211, such as '8859/1'")
    texts, paths = _fields(content.get("fields", {}))
    return Profile(
        version=_one_of(content, "version", "2.5.1", SUPPORTED_LIBRARIES),
        sending=_names(content, "sending", ("CREDENCE", "")),
        receiving=_names(content, "receiving", ("", "")),
        charset=charset,
        encoding=encoding,
        separators=_separators(str(content.get("separators", "|^~\\&"))),
        zone=_zone(str(content.get("time_zone", "UTC"))),
        events=_events(content.get("events", EVENTS)),
        identifiers=frozenset(content["identifiers"]) if "identifiers" in content else None,
        authorities={
            system: _authority(system, made) for system, made in content.get("authorities", {}).items()
        },
        codes=content.get("codes", {}),
        texts=texts,
        paths=paths,
        refusals={
            code: _one_of({code: what}, code, "", REFUSALS)
            for code, what in content.get("refusals", {}).items()
        },
        **made,
    )


def _one_of(content: Mapping[str, Any], name: str, default: str, known: Any) -> str:
    value = str(content.get(name, default))
    if value not in known:
        raise ProfileError(f"{name}: '{value}' is none of {', '.join(sorted(known))}")
    return value


def _names(content: Mapping[str, Any], name: str, default: tuple[str, str]) -> tuple[str, str]:
    value = content.get(name, default)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ProfileError(f"{name} is a list of application and facility")
    return str(value[0]), str(value[1])


def _separators(text: str) -> Separators:
    if len(text) != 5 or len(set(text)) != 5 or any(char.isalnum() or char.isspace() for char in text):
        raise ProfileError("separators are five different signs, such as '|^~\\&'")
    return Separators(text[0], text[1], text[2], text[3], text[4])


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ProfileError(f"time_zone: '{name}' is no time zone") from None


def _events(names: Any) -> frozenset[str]:
    if unknown := sorted(set(names) - KNOWN):
        raise ProfileError(f"events: '{unknown[0]}' is none of {', '.join(sorted(KNOWN))}")
    return frozenset(names)


def _authority(system: str, made: Any) -> Authority:
    if isinstance(made, str):
        return Authority(made)
    if not isinstance(made, Mapping) or made.keys() - {"namespace", "universal", "type"}:
        raise ProfileError(f"authorities: '{system}' is a name, or has namespace, universal and type")
    return Authority(**made)


def _fields(content: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, tuple[str, Path]]]:
    """The fields that are texts, and those that are FHIRPaths, compiled."""
    texts: dict[str, str] = {}
    paths: dict[str, tuple[str, Path]] = {}
    for place, made in content.items():
        if not _PLACE.match(place):
            raise ProfileError(f"fields: '{place}' is no field, such as PV1-2")
        if isinstance(made, str):
            texts[place] = made
        elif isinstance(made, Mapping) and isinstance(made.get("path"), str):
            paths[place] = _path(place, made["path"])
        else:
            raise ProfileError(f"fields: {place} is a text, or has a path")
    return texts, paths


def _path(place: str, path: str) -> tuple[str, Path]:
    type = path.partition(".")[0]
    try:
        return type, compile_path(path, context=type)
    except FhirPathError as error:
        raise ProfileError(f"fields: {place}: {error}") from None
