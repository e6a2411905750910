"""The labelled transcripts: made calls with facts that the caller did or did not state.

A case is a table ``[[case]]`` of a TOML file: ``name``; ``talk`` with a line for each turn (``A:`` agent, ``C:``
caller, ``O:`` somebody else); ``facts``, each ``true|false kind value``. What kinds there are says ``CLAIMS``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fhirserver.kernel.instants import instant
from fhirserver.ports.judge import Claim, Evidence, Turn

FOLDER = Path(__file__).parent / "cases"
ZONE = "America/New_York"
START = datetime(2026, 11, 24, 19, 47, tzinfo=UTC)
SPEAKERS = {"A": "agent", "C": "caller", "O": "other"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled claim; ``stated``: the caller really stated this value."""

    stated: bool
    kind: str
    value: str
    claim: Claim


@dataclass(frozen=True, slots=True)
class Case:
    """One call; ``held_out``: the rules were not tuned on it."""

    name: str
    file: str
    held_out: bool
    evidence: Evidence
    facts: tuple[Fact, ...]


def _turns(talk: str) -> tuple[Turn, ...]:
    turns = []
    for line in talk.strip().splitlines():
        who, _, said = line.strip().partition(": ")
        number = len(turns) + 1
        turns.append(Turn(number, SPEAKERS[who], said, START + timedelta(seconds=5 * number)))
    return tuple(turns)


def _coverage(unit: str, value: Any) -> Claim:
    return Claim("Coverage", unit, value, "confirmed", (), {"status": "active", unit: value})


def _name(value: str) -> Claim:
    given, _, family = value.partition("|")
    name = {"family": family} | ({"given": given.split()} if given else {})
    return Claim("Patient", "name", name, "confirmed")


def _address(value: str) -> Claim:
    line, city, state, postal = (part.strip() for part in value.split(";"))
    stated = {
        "line": [part.strip() for part in line.split(",")],
        "city": city,
        "state": state,
        "postalCode": postal,
    }
    return Claim("Patient", "address", stated, "confirmed")


def _visit(value: str, status: str) -> Claim:
    start = instant(datetime.fromisoformat(value).replace(tzinfo=ZoneInfo(ZONE)))
    return Claim("Appointment", "start", start, "confirmed", (), {"start": start, "status": status})


def _reason(value: str) -> Claim:
    start, _, text = value.partition(" ")
    resource = _visit(start, "cancelled").resource
    return Claim("Appointment", "cancelationReason", {"text": text}, "confirmed", (), resource)


CLAIMS: dict[str, Callable[[str], Claim]] = {
    "member": lambda v: _coverage("subscriberId", v),
    "group": lambda v: _coverage("class", [{"value": v}]),
    "payer": lambda v: _coverage("payor", [{"display": v}]),
    "phone": lambda v: Claim("Patient", "telecom", {"system": "phone", "value": f"+1{v}"}, "confirmed"),
    "email": lambda v: Claim("Patient", "telecom", {"system": "email", "value": v}, "confirmed"),
    "birth": lambda v: Claim("Patient", "birthDate", v, "confirmed"),
    "name": _name,
    "address": _address,
    "time": lambda v: _visit(v, "booked"),
    "cancel": lambda v: _visit(v, "cancelled"),
    "reason": _reason,
    "npi": lambda v: Claim(
        "Practitioner", "identifier", {"system": "http://hl7.org/fhir/sid/us-npi", "value": v}, "confirmed"
    ),
}


def _fact(text: str) -> Fact:
    label, kind, value = text.split(" ", 2)
    return Fact({"true": True, "false": False}[label], kind, value, CLAIMS[kind](value))


def cases() -> Iterator[Case]:
    """Every case; those of files ``held_out*`` are held out."""
    for path in sorted(FOLDER.glob("*.toml")):
        for entry in tomllib.loads(path.read_text("utf-8"))["case"]:
            facts = tuple(map(_fact, entry["facts"]))
            evidence = Evidence(_turns(entry["talk"]), ZONE)
            yield Case(entry["name"], path.stem, path.stem.startswith("held_out"), evidence, facts)
