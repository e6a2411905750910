"""The data that is measured on: the same for every server and every run.

Patients and Observations of the Synthea bundles where there are some, filled up with generated ones shaped
like them. References other than the subject are left out, so that the data loads in two waves on any FHIR
server, also one that gives its own ids.
"""

from __future__ import annotations

import random
import tarfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhirserver.kernel.json import dumps, loads

Json = dict[str, Any]
SEED = 2026
IDENTIFIER = "https://credence.health/benchmark/patient"
CODES = (
    ("8302-2", "Body Height", "cm"),
    ("29463-7", "Body Weight", "kg"),
    ("8867-4", "Heart rate", "/min"),
    ("9279-1", "Respiratory rate", "/min"),
    ("2339-0", "Glucose", "mg/dL"),
)
_FAMILIES = (
    "Albrecht",
    "Brandt",
    "Conti",
    "Dubois",
    "Eriksen",
    "García",
    "Haddad",
    "Jónsson",
    "Novák",
    "Okafor",
)
_GIVEN = ("Ada", "Bruno", "Chloé", "Dana", "Émile", "Farah", "Goran", "Hana", "Ines", "Jonas", "Kira", "Luca")


@dataclass(frozen=True, slots=True)
class Person:
    """One patient with their observations, none of them with an id or a subject."""

    patient: Json
    observations: tuple[Json, ...]

    @property
    def number(self) -> str:
        """The value of the identifier that only this patient has."""
        return next(str(one["value"]) for one in self.patient["identifier"] if one["system"] == IDENTIFIER)


def people(count: int, observations: int, archive: Path | None = None) -> list[Person]:
    """``count`` persons: those of the Synthea ``archive``, then generated ones with ``observations`` each."""
    found = list(_synthea(archive)) if archive and archive.exists() else []
    chance = random.Random(SEED)
    made = (_generated(number, observations, chance) for number in range(max(0, count - len(found))))
    return [_numbered(number, person) for number, person in enumerate([*found, *made][:count])]


def _numbered(number: int, person: Person) -> Person:
    identifiers = [*person.patient.get("identifier", ()), {"system": IDENTIFIER, "value": f"B{number:06d}"}]
    return Person({**person.patient, "identifier": identifiers}, person.observations)


def _synthea(archive: Path) -> Iterator[Person]:
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getnames()):
            file = tar.extractfile(member)
            bundle = loads(file.read()) if file else {}
            resources = [entry["resource"] for entry in bundle.get("entry", ())]
            patients = [one for one in resources if one["resourceType"] == "Patient"]
            if patients:
                seen = [one for one in resources if one["resourceType"] == "Observation"]
                yield Person(_portable(patients[0]), tuple(map(_portable, seen)))


def _portable(resource: Json) -> Json:
    """Without id, narrative, profiles and references, which a server may have opinions about."""
    left_out = {"id", "meta", "text", "subject", "encounter", "performer", "generalPractitioner"}
    return {name: value for name, value in resource.items() if name not in left_out}


def _generated(number: int, observations: int, chance: random.Random) -> Person:
    family = f"{chance.choice(_FAMILIES)}{chance.randrange(40):02d}"
    birth = f"{chance.randrange(1930, 2020)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
    patient: Json = {
        "resourceType": "Patient",
        "active": True,
        "name": [
            {"use": "official", "family": family, "given": [chance.choice(_GIVEN), chance.choice(_GIVEN)]}
        ],
        "telecom": [{"system": "phone", "value": f"+1555{number:07d}", "use": "mobile"}],
        "gender": chance.choice(("female", "male")),
        "birthDate": birth,
        "address": [
            {"line": [f"{number} Long Street"], "city": "Springfield", "postalCode": "01103", "country": "US"}
        ],
    }
    return Person(patient, tuple(observation(chance) for _ in range(observations)))


def observation(chance: random.Random) -> Json:
    """A vital sign or laboratory value without a subject, in the years 2016 to 2025."""
    code, display, unit = chance.choice(CODES)
    day = f"{chance.randrange(2016, 2026)}-{chance.randrange(1, 13):02d}-{chance.randrange(1, 29):02d}"
    category = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [category]}],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": code, "display": display}],
            "text": display,
        },
        "effectiveDateTime": f"{day}T{chance.randrange(24):02d}:{chance.randrange(60):02d}:00Z",
        "valueQuantity": {
            "value": chance.randrange(400, 2000) / 10,
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
    }


def transaction(chance: random.Random, entries: int, family: str = "Transact") -> bytes:
    """A transaction of one new patient and ``entries - 1`` observations about them."""
    patient: Json = _generated(0, 0, chance).patient | {"name": [{"family": family}]}
    urn = "urn:uuid:5f0c6d3e-54f8-4b6b-9d3c-0d6e7f1a2b3c"
    resources = [
        patient,
        *({**observation(chance), "subject": {"reference": urn}} for _ in range(entries - 1)),
    ]
    entry: list[Json] = [
        {"resource": one, "request": {"method": "POST", "url": one["resourceType"]}} for one in resources
    ]
    entry[0]["fullUrl"] = urn
    return dumps({"resourceType": "Bundle", "type": "transaction", "entry": entry})


def folded(text: str) -> str:
    """How FHIR string search compares: without accents and case."""
    parts = unicodedata.normalize("NFD", text)
    return "".join(one for one in parts if not unicodedata.combining(one)).casefold()


def name_parts(patient: Json) -> list[str]:
    """Every part of every name of a patient, folded: what the search parameter ``name`` looks at."""
    parts: list[str] = []
    for name in patient.get("name", ()):
        for value in (name.get(one) for one in ("text", "family", "given", "prefix", "suffix")):
            parts += value if isinstance(value, list) else [value] if value else []
    return [folded(part) for part in parts]
