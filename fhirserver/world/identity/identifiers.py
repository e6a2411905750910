"""Business identifiers: which of them are of one person, and how far two sets agree."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fhirserver.kernel.json import JsonObject
from fhirserver.world.identity.similarity import one_slip

NPI: Final = "http://hl7.org/fhir/sid/us-npi"
WRITEBACK: Final = "https://credence.health/fhir/identifier/writeback"
"""The mark of the server's own writes: it says nothing about a person."""

# https://terminology.hl7.org/CodeSystem-v2-0203.html
_ONE_EACH: Final = frozenset(
    ("MR", "SS", "SB", "NI", "NIIP", "DL", "PPN", "PI", "PT", "MC", "JHN", "NH", "HC", "BCT", "PRN", "NPI")
)
_NATIONAL: Final = frozenset(("SS", "SB", "NI", "NIIP", "DL", "PPN", "MC", "NH", "HC", "NPI"))
_SHARED: Final = frozenset(
    ("AN", "ANON", "ANC", "AM", "GN", "GI", "MB", "SN", "SNO", "VN", "VS", "WC", "WCN", "FILL", "PLAC", "XX")
)
_ONE_EACH_SYSTEMS: Final = frozenset(
    {
        "http://hl7.org/fhir/sid/us-ssn",
        "http://hl7.org/fhir/sid/us-mbi",
        "http://hl7.org/fhir/sid/us-medicare",
        "http://hl7.org/fhir/sid/ca-hc",
        "https://fhir.nhs.uk/Id/nhs-number",
        "urn:oid:2.16.840.1.113883.4.1",
        NPI,
    }
)
_ENDED: Final = frozenset({"old", "temp"})
_SEPARATORS: Final = re.compile(r"[\s\-./]")
_PLACEHOLDER: Final = re.compile(r"(.)\1{4,}|0+|0*123456789|unknown|none|n/?a|test", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Identity:
    """One identifier of a person.

    ``exclusive``: nobody has two in its system. ``spread``: its numbers are not given in order, so that two that look
    alike are likely one that was written wrong.
    """

    system: str
    value: str
    exclusive: bool = False
    spread: bool = False


def identities(resource: JsonObject) -> tuple[Identity, ...]:
    """The identifiers that are of one person or thing alone: not of accounts, visits, families or groups."""
    found: dict[Identity, None] = {}
    for item in resource.get("identifier") or ():
        system, value = item.get("system"), str(item.get("value") or "").strip()
        if not system or system == WRITEBACK or not value or _PLACEHOLDER.fullmatch(_bare(value)):
            continue
        codes = {str(c.get("code", "")) for c in (item.get("type") or {}).get("coding") or ()}
        if codes & _SHARED or item.get("use") in _ENDED:
            continue
        national = system in _ONE_EACH_SYSTEMS or bool(codes & _NATIONAL)
        exclusive = national or bool(codes & _ONE_EACH)
        found[Identity(str(system), _bare(value), exclusive, national)] = None
    return tuple(found)


def _bare(value: str) -> str:
    return _SEPARATORS.sub("", value).upper()


def compare_identifiers(mine: Iterable[Identity], others: Iterable[Identity]) -> str:
    """``same``: one is shared; ``near`` and ``different``: the values in an exclusive system are one slip, or more,
    apart; "" where there is no such system in common."""
    theirs = tuple(others)
    told = {_compared(one, other) for one in mine for other in theirs if one.system == other.system}
    return next((level for level in ("same", "near", "different") if level in told), "")


def _compared(one: Identity, other: Identity) -> str:
    if one.value == other.value:
        return "same"
    if not (one.exclusive or other.exclusive):
        return ""
    spread = one.spread or other.spread
    return "near" if spread and one_slip(one.value, other.value) else "different"
