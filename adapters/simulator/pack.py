"""Make the demo patients of the package from Synthea bundles (Apache-2.0).

``python -m adapters.simulator.pack BUNDLES``, where BUNDLES is a folder or ``.tar.xz``. Each patient is cut
down to what a call may touch, and gets a name that can be spoken.
"""

from __future__ import annotations

import lzma
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from adapters.simulator.synthea import read_bundles, with_coverage
from fhirserver.kernel.json import Json, JsonObject, dumps

_TARGET = Path(__file__).parent / "data" / "patients.json.xz"
_MOST_RECENT = {
    "Encounter": 5,
    "Condition": 8,
    "MedicationRequest": 4,
    "AllergyIntolerance": 8,
    "Observation": 20,
    "Immunization": 5,
}
_ALWAYS = frozenset(("Patient", "Coverage", "Organization"))
_DIRECTORY = frozenset(("Organization", "Location", "Practitioner", "PractitionerRole"))


@dataclass(frozen=True, slots=True)
class Person:
    """Who a Synthea patient becomes."""

    given: str
    family: str
    phone: str = ""


_PEOPLE = {
    "19625ee6-1a94-1a6a-ca95-40c4efbbdfc7": Person("Maria", "Alvarez", "555-969-7967"),
    "8a4c9c04-1524-9f1c-d65b-9b17e4520fef": Person("Sofia", "Alvarez", "555-969-7967"),
    "6c8f3e83-c351-ed33-c38d-6be101c275d2": Person("Max", "Bartell"),
    "8708d3e1-f718-96bb-03f0-f2a6564ae1cd": Person("Kevin", "Shanahan"),
}


def pack(bundles: Iterable[JsonObject]) -> list[JsonObject]:
    """The chosen patients' bundles, cut down, after the directory entries they refer to."""
    everything = list(bundles)
    chosen = [found for id in _PEOPLE for found in everything if _patient_id(found) == id]
    people = [_cut_down(with_coverage(bundle)) for bundle in chosen]
    named = {text for bundle in people for text in _strings(bundle)}
    directory = [entry for bundle in everything if not _patient_id(bundle) for entry in bundle["entry"]]
    kept = [_trim(entry) for entry in directory if _is_named(entry["resource"], named)]
    return [{"resourceType": "Bundle", "type": "batch", "entry": kept}, *people]


def _patient_id(bundle: JsonObject) -> str:
    first: JsonObject = bundle["entry"][0]["resource"]
    return str(first["id"]) if first["resourceType"] == "Patient" else ""


def _cut_down(bundle: JsonObject) -> JsonObject:
    entries = list(bundle["entry"])
    kept = [entry for entry in entries if entry["resource"]["resourceType"] in _ALWAYS]
    for type, count in _MOST_RECENT.items():
        kept += [entry for entry in entries if entry["resource"]["resourceType"] == type][-count:]
    present = {entry["fullUrl"] for entry in kept}
    pruned = [{**_trim(entry), "resource": _prune(_trim(entry)["resource"], present)} for entry in kept]
    person = _PEOPLE[_patient_id(bundle)]
    renamed = [{**entry, "resource": _renamed(entry["resource"], person)} for entry in pruned]
    return {"resourceType": "Bundle", "type": "transaction", "entry": renamed}


def _trim(entry: JsonObject) -> JsonObject:
    dropped = (
        ("text", "meta", "extension") if entry["resource"]["resourceType"] in _DIRECTORY else ("text", "meta")
    )
    resource = {name: value for name, value in entry["resource"].items() if name not in dropped}
    return {"fullUrl": entry["fullUrl"], "resource": resource, "request": entry["request"]}


def _prune(value: Json, present: set[str]) -> Json:
    """Without the references into the bundle whose targets were left out."""
    if isinstance(value, list):
        return [_prune(item, present) for item in value if not _dangles(item, present)]
    if isinstance(value, dict):
        kept = {name: _prune(item, present) for name, item in value.items() if not _dangles(item, present)}
        return {name: item for name, item in kept.items() if item != []}
    return value


def _dangles(value: Json, present: set[str]) -> bool:
    reference = value.get("reference") if isinstance(value, dict) else None
    return isinstance(reference, str) and reference.startswith("urn:uuid:") and reference not in present


def _renamed(resource: JsonObject, person: Person) -> JsonObject:
    if resource["resourceType"] != "Patient":
        return _with_display(resource, f"{person.given} {person.family}")
    patient = {**resource, "name": [{"use": "official", "family": person.family, "given": [person.given]}]}
    patient["extension"] = [e for e in patient["extension"] if "mothersMaidenName" not in e["url"]]
    if person.phone:
        patient["telecom"] = [{"system": "phone", "value": person.phone, "use": "home"}]
    return patient


def _with_display(resource: JsonObject, name: str) -> JsonObject:
    for place in ("subject", "patient", "beneficiary"):
        if place in resource:
            resource = {**resource, place: {**resource[place], "display": name}}
    return resource


def _strings(value: Json) -> set[str]:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return set().union(*(_strings(item) for item in inner))
    return {value.rpartition("|")[2]} if isinstance(value, str) else set()


def _is_named(resource: JsonObject, named: set[str]) -> bool:
    if resource["resourceType"] == "PractitionerRole":
        return resource["practitioner"]["identifier"]["value"] in named
    return any(item["value"] in named for item in resource["identifier"])


def main(place: str) -> None:
    packed = lzma.compress(dumps(pack(read_bundles(Path(place)))), preset=9 | lzma.PRESET_EXTREME)
    _TARGET.parent.mkdir(exist_ok=True)
    _TARGET.write_bytes(packed)
    print(f"{_TARGET}: {len(packed):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
