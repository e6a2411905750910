"""Value sets that no resource defines: their url says what they hold.

https://hl7.org/fhir/R4/snomedct.html#implicit, https://hl7.org/fhir/R4/loinc.html#implicit
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from fhirserver.kernel.json import JsonObject
from terminology.systems import System

IMPLIED = {
    "http://hl7.org/fhir/ValueSet/concept-properties": "http://hl7.org/fhir/concept-properties",
    "http://hl7.org/fhir/ValueSet/dicom-dcim": "http://dicom.nema.org/resources/ontology/DCM",
    "http://hl7.org/fhir/ValueSet/restful-interaction": "http://hl7.org/fhir/restful-interaction",
    "urn:oid:2.16.840.1.113883.3.1937.98.11.8": "urn:oid:2.16.840.1.113883.3.1937.98.5.8",
    "http://hl7.org/fhir/us/core/ValueSet/us-core-usps-state": "https://www.usps.com/",
}
"""By url: the system of each value set of all codes (``CodeSystem.valueSet``) that R4, or what is built in, names and
does not define."""

FindSystem = Callable[[str, str], System | None]
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"


def implicit_value_set(canonical: str, system: FindSystem) -> JsonObject | None:
    """The value set that a url implies, where the system it is of is known here.

    ``[system]?vs`` and ``[system]?fhir_vs`` hold all codes of a system; the latter may go on with ``=isa/CODE``,
    ``=refset``, ``=refset/CODE`` or ``=ecl/EXPRESSION``. ``http://loinc.org/vs`` holds all of LOINC, ``…/vs/LP…`` what
    is below a part, ``…/vs/LL…`` the answers of a list.
    """
    url, _, asked = canonical.partition("?")
    if asked:
        return _queried(canonical, url, unquote(asked), system)
    if canonical.split("|")[0].startswith(f"{LOINC}/vs"):
        return _loinc(canonical, system)
    return None


def value_set_of_all(canonical: str, system: System) -> JsonObject:
    """The value set that a code system says holds all its codes."""
    return _value_set(canonical, system, [], "")


def _queried(canonical: str, url: str, asked: str, system: FindSystem) -> JsonObject | None:
    name, _, constraint = (
        asked.partition("|")[0].partition("=") if "ecl/" not in asked else asked.partition("=")
    )
    if name not in ("vs", "fhir_vs"):
        return None
    base, version = _edition(url)
    found = system(base, version)
    filters = _filters(constraint)
    if found is None or filters is None or not all(_names_something(found, one) for one in filters):
        return None
    return _value_set(canonical, found, filters, version)


def _names_something(system: System, condition: JsonObject) -> bool:
    """Whether the concept below which all is meant, or the reference set, is there: else there is no value set."""
    if condition["op"] == "is-a":
        return system.find(condition["value"]) is not None
    return condition["op"] != "in" or bool(system.select(condition))


def _edition(url: str) -> tuple[str, str]:
    """SNOMED CT has its edition and version in the url of its implicit value sets."""
    if url.startswith(f"{SNOMED}/"):
        return SNOMED, url
    base, _, version = url.partition("|")
    return base, version


def _filters(constraint: str) -> list[JsonObject] | None:
    """The filters that what follows ``fhir_vs=`` stands for; none for all codes."""
    kind, _, value = constraint.partition("/")
    match kind, bool(value):
        case "", False:
            return []
        case "isa", True:
            return [{"property": "concept", "op": "is-a", "value": value}]
        case "refset", True:
            return [{"property": "concept", "op": "in", "value": value}]
        case "refset", False:
            return [
                {"property": "concept", "op": "descendent-of", "value": "446609009"}
            ]  # Simple type reference set
        case "ecl", True:
            return [{"property": "constraint", "op": "=", "value": value}]
    return None


def _loinc(canonical: str, system: FindSystem) -> JsonObject | None:
    url, _, version = canonical.partition("|")
    found = system(LOINC, version)
    if found is None:
        return None
    code = url.removeprefix(f"{LOINC}/vs").strip("/")
    if not code:
        return _value_set(canonical, found, [], version)
    if code.upper().startswith("LL"):
        return _value_set(canonical, found, [{"property": "LIST", "op": "=", "value": code}], version)
    if code.upper().startswith("LP"):
        return _value_set(canonical, found, [{"property": "concept", "op": "is-a", "value": code}], version)
    return None


def _value_set(canonical: str, system: System, filters: list[JsonObject], version: str) -> JsonObject:
    include: JsonObject = {"system": system.url}
    if version:
        include["version"] = version
    if filters:
        include["filter"] = filters
    title = str(system.header.get("title") or system.header.get("name") or system.url)
    return {
        "resourceType": "ValueSet",
        "url": canonical.split("|")[0] if "ecl/" not in canonical else canonical,
        **({"version": system.version} if system.version else {}),
        "name": "ImpliedValueSet",
        "title": f"Codes of {title}",
        "status": "active",
        "compose": {"include": [include]},
    }
