"""Systems and codes: names of coding systems and authorities to URIs, v2 codes to FHIR's by HL7's concept maps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.maps.tables import Code, CodeMap, tables

Json = dict[str, Any]
_TABLE = re.compile(r"HL7-?(?:0)?(\d{4})\Z")
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
V2 = "http://terminology.hl7.org/CodeSystem/v2-"

# HL7 table 0396, those with a URI that FHIR knows: https://terminology.hl7.org/CodeSystem-v2-0396.html
SYSTEMS = {
    "LN": "http://loinc.org",
    "LOINC": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "SNM": "http://snomed.info/sct",
    "SNOMED": "http://snomed.info/sct",
    "SNOMED-CT": "http://snomed.info/sct",
    "SCT2": "http://snomed.info/sct",
    "UCUM": "http://unitsofmeasure.org",
    "RXNORM": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "RXN": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "NDC": "http://hl7.org/fhir/sid/ndc",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "MVX": "http://hl7.org/fhir/sid/mvx",
    "I9": "http://hl7.org/fhir/sid/icd-9-cm",
    "I9C": "http://hl7.org/fhir/sid/icd-9-cm",
    "I9CDX": "http://hl7.org/fhir/sid/icd-9-cm",
    "ICD9": "http://hl7.org/fhir/sid/icd-9-cm",
    "I10": "http://hl7.org/fhir/sid/icd-10",
    "I10C": "http://hl7.org/fhir/sid/icd-10-cm",
    "I10P": "http://www.cms.gov/Medicare/Coding/ICD10",
    "ICD-10": "http://hl7.org/fhir/sid/icd-10",
    "ICD10CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICDO": "http://terminology.hl7.org/CodeSystem/icd-o-3",
    "ICDO3": "http://terminology.hl7.org/CodeSystem/icd-o-3",
    "C4": "http://www.ama-assn.org/go/cpt",
    "CPT": "http://www.ama-assn.org/go/cpt",
    "CPTM": "http://www.ama-assn.org/go/cpt",
    "HCPCS": "http://terminology.hl7.org/CodeSystem/HCPCS",
    "CDCREC": "urn:oid:2.16.840.1.113883.6.238",
    "ISO3166_1": "urn:iso:std:iso:3166",
    "ISO4217": "urn:iso:std:iso:4217",
    "ISO639": "urn:iso:std:iso:639",
    "BCP47": "urn:ietf:bcp:47",
    "NUCC": "http://nucc.org/provider-taxonomy",
    "NUCCPT": "http://nucc.org/provider-taxonomy",
    "ACR": "urn:oid:2.16.840.1.113883.6.76",
    "ATC": "http://www.whocc.no/atc",
    "DCM": "http://dicom.nema.org/resources/ontology/DCM",
    "MDC": "urn:iso:std:iso:11073:10101",
    "NPI": "http://hl7.org/fhir/sid/us-npi",
    "POS": "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set",
}


def coding_system(name: str, site: Site) -> str:
    """The URI of a coding system that a message names; a local one gets the site's own."""
    name = name.strip()
    if name in site.coding_systems:
        return site.coding_systems[name]
    return _known(name) or f"urn:credence:hl7v2:{_token(site.name)}:{_token(name)}"


@lru_cache(maxsize=1024)
def _known(name: str) -> str:
    upper = name.upper()
    if found := SYSTEMS.get(upper):
        return found
    if match := _TABLE.match(upper):
        return V2 + match[1]
    return uri_of(name) or ""


def uri_of(name: str) -> str:
    """A name that is an address already: an OID, a UUID, a URI."""
    if _OID.match(name):
        return f"urn:oid:{name}"
    if _UUID.match(name):
        return f"urn:uuid:{name.lower()}"
    return name if name.startswith(("http://", "https://", "urn:")) and " " not in name else ""


def authority(namespace: str, universal: str, kind: str, site: Site) -> str:
    """The system of identifiers that an authority assigns; empty where none is named."""
    for name in (namespace, universal):
        if name and (found := site.authorities.get(name)):
            return found
    if universal:
        return (
            uri_of(universal) or f"urn:{kind.lower()}:{_token(universal)}"
            if kind in ("DNS", "URI")
            else (uri_of(universal) or f"urn:credence:hl7v2:{_token(site.name)}:{_token(universal)}")
        )
    return f"urn:credence:hl7v2:{_token(site.name)}:{_token(namespace)}" if namespace else ""


def _token(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._~-]", "-", name.strip())


class Vocabulary:
    """One concept map as a site has it."""

    __slots__ = ("by_upper", "codes", "name", "system", "table")

    def __init__(self, known: CodeMap | None, name: str, own: Mapping[str, Any]):
        codes = dict(known.codes) if known else {}
        for v2, value in own.items():
            entry = value if isinstance(value, dict) else {"code": value}
            before = next((code.system for code in codes.values() if code.code == entry["code"]), "")
            system = entry.get("system", before)
            codes[v2] = Code(f"site {name}", entry["code"], entry.get("display", ""), system)
        self.name, self.codes = name, codes
        self.by_upper = {key.upper(): value for key, value in codes.items()}
        match = _TABLE.match(known.table) if known else None
        self.table = known.table if known else ""
        self.system = V2 + match[1] if match else ""

    def find(self, code: str) -> Code | None:
        """None for a code that the map does not list."""
        return self.codes.get(code) or self.by_upper.get(code.strip().upper())

    def translate(self, coding: Json, more: list[Json]) -> None:
        """Make a coding what the map says. One of another system than the table's stays beside it, in ``more``."""
        code = coding.get("code")
        found = self.find(code) if isinstance(code, str) else None
        if found is None:
            return
        if not found.code:
            if self.system:
                coding.setdefault("system", self.system)
            return
        named = coding.get("system")
        if named and named != self.system and named != found.system:
            more.append(dict(coding))
        display = found.display or coding.get("display")
        coding.clear()
        coding.update({"system": found.system} if found.system else {}, code=found.code)
        if display:
            coding["display"] = display


def vocabulary(name: str, site: Site) -> Vocabulary | None:
    """None for a map that neither HL7 nor the site has."""
    known = _concept_map(name)
    own = site.codes.get(name, site.codes.get(known.name, {}) if known else {})
    return Vocabulary(known, name, own) if known or own else None


def _concept_map(name: str) -> CodeMap | None:
    codes = tables().codes
    return codes.get(name) or codes.get(name.replace("/", "").replace(" ", ""))
