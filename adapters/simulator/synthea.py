"""Synthea's transaction bundles: read from disk, made presentable, and their references resolved.

https://github.com/synthetichealth/synthea. The bundles whose names begin with ``0-`` hold hospitals and
practitioners, which the others refer to by conditional references.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.json import Json, JsonObject, loads

_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?identifier=(.+)\Z")
_NUMBERED_NAME = re.compile(r"(?<=[^\W\d_])\d+(?=\b|_)")
_LOGICAL = {
    "practitioner": "Practitioner",
    "organization": "Organization",
    "managingOrganization": "Organization",
    "location": "Location",
}
_PEOPLE = frozenset(("Patient", "Practitioner"))


class UnreadableBundles(ValueError):
    """The place named holds no Synthea bundles."""


def read_bundles(place: Path) -> list[JsonObject]:
    """The bundles of a folder or ``.tar.xz``, the ``0-`` ones first. Raises :class:`UnreadableBundles`."""
    try:
        files = dict(_folder(place) if place.is_dir() else _archive(place))
    except (OSError, tarfile.TarError) as error:
        raise UnreadableBundles(f"{place}: {error}") from None
    names = sorted(files, key=lambda name: (not name.startswith("0-"), name))
    bundles = [loads(files[name]) for name in names]
    if not bundles:
        raise UnreadableBundles(f"{place}: holds no .json files")
    return bundles


def _folder(place: Path) -> Iterator[tuple[str, bytes]]:
    for path in place.glob("*.json"):
        yield path.name, path.read_bytes()


def _archive(place: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(place) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            if file is not None:
                yield Path(member.name).name, file.read()


class Loader:
    """Takes bundles in, one after the other; later ones may refer to the records of earlier ones.

    ``reserve`` hands out the id for a new record, ``store`` keeps a record under its id.
    """

    def __init__(self, reserve: Callable[[], str], store: Callable[[JsonObject, str], object]):
        self._reserve = reserve
        self._store = store
        self._by_identifier: dict[tuple[str, str], str] = {}

    def load(self, bundle: JsonObject) -> None:
        known: dict[str, str] = {}
        new: list[tuple[JsonObject, str]] = []
        for entry in bundle["entry"]:
            resource = entry["resource"]
            found = self._existing(entry)
            id = found.partition("/")[2] or self._reserve()
            known[entry.get("fullUrl", "")] = f"{resource['resourceType']}/{id}"
            self._remember(resource, id)
            if not found:
                new.append((resource, id))
        for resource, id in new:
            self._store(presentable(self._resolve(resource, known, "")), id)

    def _existing(self, entry: JsonObject) -> str:
        condition = entry.get("request", {}).get("ifNoneExist", "")
        key = (entry["resource"]["resourceType"], condition.removeprefix("identifier="))
        return self._by_identifier.get(key, "") if condition else ""

    def _remember(self, resource: JsonObject, id: str) -> None:
        type = resource["resourceType"]
        identifiers = resource.get("identifier", [])
        for item in identifiers if isinstance(identifiers, list) else ():
            key = (type, f"{item.get('system', '')}|{item.get('value', '')}")
            self._by_identifier.setdefault(key, f"{type}/{id}")

    def _resolve(self, value: Json, known: dict[str, str], name: str) -> Json:
        if isinstance(value, list):
            return [self._resolve(item, known, name) for item in value]
        if not isinstance(value, dict):
            return value
        resolved = {key: self._resolve(item, known, key) for key, item in value.items()}
        if isinstance(value.get("reference"), str):
            resolved["reference"] = self._literal(value["reference"], known)
        elif name in _LOGICAL and isinstance(value.get("identifier"), dict):
            identifier = value["identifier"]
            key = (_LOGICAL[name], f"{identifier.get('system', '')}|{identifier.get('value', '')}")
            resolved |= {"reference": self._by_identifier[key]} if key in self._by_identifier else {}
        return resolved

    def _literal(self, reference: str, known: dict[str, str]) -> str:
        if match := _CONDITIONAL.match(reference):
            return self._by_identifier.get((match[1], match[2]), reference)
        return known.get(reference, reference)


def presentable(resource: JsonObject) -> JsonObject:
    """The resource with the numbers that Synthea hangs on names of people taken off."""
    cleaned = {name: _without_numbers(value, name) for name, value in resource.items() if name != "id"}
    if resource["resourceType"] in _PEOPLE:
        cleaned["name"] = [_plain_name(name) for name in resource.get("name", [])]
    return cleaned


def _plain_name(name: JsonObject) -> JsonObject:
    plain = {key: value for key, value in name.items() if key not in ("family", "given")}
    if "family" in name:
        plain["family"] = _NUMBERED_NAME.sub("", name["family"])
    if "given" in name:
        plain["given"] = [_NUMBERED_NAME.sub("", given) for given in name["given"]]
    return plain


def _without_numbers(value: Json, name: str) -> Json:
    if isinstance(value, list):
        return [_without_numbers(item, name) for item in value]
    if not isinstance(value, dict):
        return value
    cleaned = {key: _without_numbers(item, key) for key, item in value.items()}
    if isinstance(value.get("display"), str) and "reference" in value:
        cleaned["display"] = _NUMBERED_NAME.sub("", value["display"])
    return cleaned


def with_coverage(bundle: JsonObject) -> JsonObject:
    """The bundle with a Coverage and its payer made from the patient's last claim, if it has none."""
    types = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    claims = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Claim"]
    payers = [claim["insurance"][0]["coverage"].get("display", "") for claim in claims]
    payers = [payer for payer in payers if payer and payer != "NO_INSURANCE"]
    if "Coverage" in types or "Patient" not in types or not payers:
        return bundle
    patient = next(e for e in bundle["entry"] if e["resource"]["resourceType"] == "Patient")
    return {**bundle, "entry": [*bundle["entry"], *_coverage(patient["fullUrl"], payers[-1])]}


def _coverage(patient: str, payer: str) -> list[JsonObject]:
    member = derived_id("member", patient).replace("-", "").upper()
    system = "https://ehr.example/fhir/identifier/payer"
    organization = {"resourceType": "Organization", "active": True, "name": payer}
    organization["identifier"] = [{"system": system, "value": payer}]
    coverage = {
        "resourceType": "Coverage",
        "identifier": [{"system": "https://ehr.example/fhir/identifier/coverage", "value": f"C{member[:8]}"}],
        "status": "active",
        "subscriberId": f"{member[8:11]}{int(member[11:18], 16) % 10**8:08d}",
        "beneficiary": {"reference": patient},
        "payor": [{"reference": f"Organization?identifier={system}|{payer}", "display": payer}],
        "class": [{"type": {"coding": [_GROUP]}, "value": f"GRP-{int(member[20:24], 16) % 9000 + 1000}"}],
    }
    condition = {"method": "POST", "url": "Organization", "ifNoneExist": f"identifier={system}|{payer}"}
    return [
        {"fullUrl": f"urn:uuid:{derived_id('payer', payer)}", "resource": organization, "request": condition},
        {
            "fullUrl": f"urn:uuid:{derived_id('coverage', patient)}",
            "resource": coverage,
            "request": {"method": "POST", "url": "Coverage"},
        },
    ]


_GROUP = {"system": "http://terminology.hl7.org/CodeSystem/coverage-class", "code": "group"}
