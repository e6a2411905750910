"""A Patient (or another person) as it is compared: normalised once, compared field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from fhirserver.kernel.json import JsonObject
from fhirserver.world.identity.contacts import Place, compare_keys, compare_places, emails, phones, places
from fhirserver.world.identity.dates import compare_birth
from fhirserver.world.identity.identifiers import Identity, compare_identifiers, identities
from fhirserver.world.identity.names import (
    PersonName,
    compare_names,
    family_share,
    given_share,
    person_names,
)

FIELDS = (
    "identifier", "given", "family", "generation", "birthDate", "gender",
    "phone", "email", "address",
)  # fmt: skip
"""What is compared, in the order in which it is told."""


@dataclass(frozen=True, slots=True)
class Person:
    """The identifying facts of one record, normalised. ``birth`` is a FHIR date, which may be partial."""

    names: tuple[PersonName, ...] = ()
    generation: str = ""
    birth: str = ""
    gender: str = ""
    phones: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    places: tuple[Place, ...] = ()
    identities: tuple[Identity, ...] = ()

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to look for."""
        return not (self.names or self.birth or self.phones or self.emails or self.places or self.identities)


def person_of(resource: JsonObject) -> Person:
    """The facts of a Patient, Practitioner, RelatedPerson or Person."""
    names, generation = person_names(resource)
    gender = str(resource.get("gender") or "")
    return Person(
        names,
        generation,
        str(resource.get("birthDate") or ""),
        gender if gender in ("male", "female") else "",
        phones(resource),
        emails(resource),
        places(resource),
        identities(resource),
    )


class Agreement(NamedTuple):
    """How far one field agrees. ``share``: of what is the same, the share of people who have it; 0.0 where unknown."""

    field: str
    level: str
    share: float = 0.0


def compare(mine: Person, other: Person) -> Iterator[Agreement]:
    """The fields that both state, with how far they agree. Symmetric."""
    names = compare_names(mine.names, other.names)
    levels: Mapping[str, str] = {
        "identifier": compare_identifiers(mine.identities, other.identities),
        "given": names.given,
        "family": names.family,
        "generation": _same_or_not(mine.generation, other.generation),
        "birthDate": compare_birth(mine.birth, other.birth),
        "gender": _same_or_not(mine.gender, other.gender),
        "phone": compare_keys(mine.phones, other.phones),
        "email": compare_keys(mine.emails, other.emails),
        "address": compare_places(mine.places, other.places),
    }
    shares = {"given": given_share(names.same_given), "family": family_share(names.same_family)}
    for field, level in levels.items():
        if level:
            yield Agreement(field, level, shares.get(field, 0.0))


def _same_or_not(mine: str, other: str) -> str:
    if not mine or not other:
        return ""
    return "same" if mine == other else "different"
