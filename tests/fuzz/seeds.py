"""Real resources to start from: the corpus where it is, R4's own definitions in any case."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fhirserver.interactions.conformance.resources import definitions_of
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, loads
from fhirserver.model.definitions import definitions
from fhirserver.operations.all import all_operations

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("CORPUS") or ROOT.parent / "shared" / "corpus")
_LARGEST = 40_000
_OWN: tuple[JsonObject, ...] = (
    {
        "resourceType": "Patient",
        "id": "p1",
        "active": True,
        "identifier": [{"system": "urn:mrn", "value": "1"}],
        "name": [{"use": "official", "family": "Okafor", "given": ["Ada", "M"]}],
        "telecom": [{"system": "phone", "value": "+15550100", "use": "home"}],
        "birthDate": "1999-06-01",
        "_birthDate": {"extension": [{"url": "http://example.org/x", "valueCode": "y"}]},
        "address": [{"line": ["1 Main St"], "city": "Harbor", "postalCode": "02110"}],
        "contained": [{"resourceType": "Organization", "id": "o", "name": "Clinic"}],
        "managingOrganization": {"reference": "#o"},
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Ada</p></div>',
        },
    },
    {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}], "text": "Heart rate"},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2024-02-29T10:00:00Z",
        "valueQuantity": {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
        "component": [{"code": {"text": "a"}, "valueRange": {"low": {"value": 1}, "high": {"value": 2}}}],
    },
    {
        "resourceType": "Questionnaire",
        "id": "q1",
        "status": "active",
        "url": "http://example.org/Questionnaire/q1",
        "item": [{"linkId": "1", "type": "group", "item": [{"linkId": "1.1", "type": "string"}]}],
    },
    {
        "resourceType": "SearchParameter",
        "id": "s1",
        "url": "http://example.org/SearchParameter/s1",
        "name": "S1",
        "status": "active",
        "description": "d",
        "code": "s-one",
        "base": ["Patient"],
        "type": "string",
        "expression": "Patient.name.given",
    },
    {"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": "aGVsbG8="},
)
_DEFINED = (
    "http://hl7.org/fhir/ValueSet/administrative-gender",
    "http://hl7.org/fhir/administrative-gender",
    "http://hl7.org/fhir/StructureDefinition/Coding",
    "http://hl7.org/fhir/StructureDefinition/bmi",
)


@dataclass(frozen=True, slots=True)
class Seeds:
    """Resources by the way they are found: all, and the texts in them (for searches that find something)."""

    resources: tuple[JsonObject, ...]
    texts: tuple[str, ...]

    def of_type(self, type: str) -> tuple[JsonObject, ...]:
        return tuple(one for one in self.resources if one["resourceType"] == type)


@cache
def seeds() -> Seeds:
    """Everything there is to start from, in a fixed order."""
    found = [*_OWN, *definitions_of(all_operations()), *_of_r4(), *_of_corpus("fhir-r4/examples-half.tar.xz")]
    texts = {text for one in found for text in _texts(one) if 0 < len(text) < 80}
    return Seeds(tuple(found), tuple(sorted(texts)))


def _of_r4() -> Iterator[JsonObject]:
    for url in _DEFINED:
        if defined := definitions().conformance(url):
            yield defined


def _of_corpus(archive: str) -> Iterator[JsonObject]:
    if not (CORPUS / archive).exists():
        return
    with tarfile.open(CORPUS / archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda one: one.name):
            file = tar.extractfile(member) if member.name.endswith(".json") else None
            if file is None or member.size > _LARGEST:
                continue
            try:
                yield loads(file.read())
            except InvalidJson:
                continue


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(part)
