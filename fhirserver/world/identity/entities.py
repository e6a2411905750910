"""Whether two records are of one practitioner, organisation, place or coverage.

They are told apart more simply than patients: by an identifier, else by name and where they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from fhirserver.kernel.json import JsonObject
from fhirserver.world.identity.contacts import compare_keys, compare_places, phones, places
from fhirserver.world.identity.identifiers import NPI, compare_identifiers, identities
from fhirserver.world.identity.names import fold
from fhirserver.world.identity.person import Person, person_of
from fhirserver.world.identity.scoring import Grade, score
from fhirserver.world.identity.similarity import is_spelling
from fhirserver.world.spoken.identifiers import is_npi

_LEGAL: Final = frozenset(
    ["inc", "llc", "ltd", "corp", "co", "pc", "pa", "pllc", "llp", "lp", "plc", "gmbh", "the"]
)
_SHORT: Final = {
    "st": "saint",
    "hosp": "hospital",
    "ctr": "center",
    "centre": "center",
    "med": "medical",
    "and": "",
}
_MEMBER: Final = "MB"


def practitioner(mine: JsonObject, other: JsonObject) -> Grade:
    """By NPI where both have one that is well-formed; otherwise as people are."""
    one, two = _npi(mine), _npi(other)
    if one and two:
        return Grade.CERTAIN if one & two else Grade.CERTAINLY_NOT
    return score(_person(mine), _person(other)).grade


def _person(resource: JsonObject) -> Person:
    """A practitioner as a person, without an NPI that cannot be one."""
    person, known = person_of(resource), _npi(resource)
    kept = tuple(one for one in person.identities if one.system != NPI or one.value in known)
    return replace(person, identities=kept)


def _npi(resource: JsonObject) -> frozenset[str]:
    items = resource.get("identifier") or ()
    values = (str(item.get("value") or "").strip() for item in items if item.get("system") == NPI)
    return frozenset(value for value in values if is_npi(value))


def organization(mine: JsonObject, other: JsonObject) -> Grade:
    """By identifier; else by name with address or phone."""
    told = compare_identifiers(identities(mine), identities(other))
    if told:
        return Grade.CERTAIN if told == "same" else Grade.CERTAINLY_NOT
    return _named(mine, other, shared=compare_keys(phones(mine), phones(other)) == "same")


def location(mine: JsonObject, other: JsonObject) -> Grade:
    """By identifier; else by name with address, phone or the organisation it belongs to."""
    told = compare_identifiers(identities(mine), identities(other))
    if told:
        return Grade.CERTAIN if told == "same" else Grade.CERTAINLY_NOT
    owner = _reference(mine, "managingOrganization")
    same_owner = bool(owner) and owner == _reference(other, "managingOrganization")
    phone = compare_keys(phones(mine), phones(other)) == "same"
    return _named(mine, other, shared=same_owner or phone)


def _named(mine: JsonObject, other: JsonObject, shared: bool) -> Grade:
    """By name and home; ``shared``: something else agrees that no other of this name has."""
    name, theirs = plain_name(str(mine.get("name") or "")), plain_name(str(other.get("name") or ""))
    placed = compare_places(places(mine), places(other))
    if not name or not theirs or not _same_name(name, theirs):
        return Grade.CERTAINLY_NOT
    if placed in ("different", "town", "part"):
        return Grade.POSSIBLE if shared else Grade.CERTAINLY_NOT
    if name == theirs and (placed in ("same", "near") or shared):
        return Grade.CERTAIN
    return Grade.PROBABLE if placed or shared else Grade.POSSIBLE


def _same_name(one: str, other: str) -> bool:
    """Word by word: ``exam room 2`` is not ``exam room 3``."""
    mine, theirs = one.split(), other.split()
    return len(mine) == len(theirs) and all(
        a == b or (a.isalpha() and b.isalpha() and is_spelling(a, b))
        for a, b in zip(mine, theirs, strict=True)
    )


def plain_name(name: str) -> str:
    """The name of an organisation or place without its legal form, abbreviations written out."""
    words = [_SHORT.get(word, word) for word in fold(name).split()]
    return " ".join(word for word in words if word and word not in _LEGAL)


def coverage(mine: JsonObject, other: JsonObject) -> Grade:
    """By member id, whose coverage it is, and who pays."""
    member, theirs = member_ids(mine), member_ids(other)
    who, whose = _reference(mine, "beneficiary"), _reference(other, "beneficiary")
    payers, others = _payers(mine), _payers(other)
    if not who or who != whose or member.isdisjoint(theirs):
        return Grade.CERTAINLY_NOT
    if payers and others:
        return Grade.CERTAINLY_NOT if payers.isdisjoint(others) else Grade.CERTAIN
    return Grade.PROBABLE


def member_ids(resource: JsonObject) -> frozenset[str]:
    """The member ids of a coverage, without separators."""
    found = [str(resource.get("subscriberId") or "")]
    for item in resource.get("identifier") or ():
        codes = {coding.get("code") for coding in (item.get("type") or {}).get("coding") or ()}
        if _MEMBER in codes:
            found.append(str(item.get("value") or ""))
    return frozenset(fold(value).replace(" ", "") for value in found if value)


def _payers(resource: JsonObject) -> frozenset[str]:
    """Who pays: the references, and the names that stand beside them."""
    found: set[str] = set()
    for payer in resource.get("payor") or ():
        found |= {str(payer.get("reference") or ""), plain_name(str(payer.get("display") or ""))}
    return frozenset(found - {""})


def _reference(resource: JsonObject, member: str) -> str:
    return str((resource.get(member) or {}).get("reference") or "")


COMPARED: Final[dict[str, Callable[[JsonObject, JsonObject], Grade]]] = {
    "Practitioner": practitioner,
    "Organization": organization,
    "Location": location,
    "Coverage": coverage,
}
"""How records of each type are compared, those of patients apart."""
