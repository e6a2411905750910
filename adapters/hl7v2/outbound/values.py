"""FHIR values as the data types of HL7v2. https://www.hl7.eu/HL7v2x/v251/std251/ch02a.html"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from adapters.hl7v2.outbound.profile import Profile
from adapters.hl7v2.writing import Component, Components, Repetitions
from fhirserver.kernel.json import JsonObject
from fhirserver.world.identity.identifiers import NPI

V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"
SYSTEMS = {
    "http://snomed.info/sct": "SCT",
    "http://loinc.org": "LN",
    "http://hl7.org/fhir/sid/icd-10": "I10",
    "http://hl7.org/fhir/sid/icd-10-cm": "I10C",
    "http://www.ama-assn.org/go/cpt": "C4",
}
_NAME_USES = {"official": "L", "usual": "D", "nickname": "N", "maiden": "M", "old": "B", "temp": "TEMP"}
_ADDRESS_USES = {"home": "H", "work": "B", "temp": "C", "billing": "BI", "old": "BA"}
_PHONES = {"phone": "PH", "fax": "FX", "pager": "BP", "email": "Internet", "sms": "CP"}


def cx(identifier: JsonObject, profile: Profile) -> Components:
    """An identifier: number, authority, type."""
    known = profile.known_as(str(identifier.get("system", "")))
    authority = (known.namespace, known.universal, known.type) if known.universal else known.namespace
    return Components(
        (str(identifier.get("value", "")), None, None, authority, code_of(identifier.get("type")))
    )


def ei(identifier: JsonObject, profile: Profile) -> Components:
    """An entity identifier: number, namespace, universal id and its type."""
    known = profile.known_as(str(identifier.get("system", "")))
    return Components((str(identifier.get("value", "")), known.namespace, known.universal, known.type))


def xpn(name: JsonObject) -> Components:
    """A person's name."""
    given = [str(one) for one in name.get("given", ())]
    family = str(name.get("family") or ("" if given else name.get("text", "")))
    parts = (
        family,
        given[0] if given else None,
        " ".join(given[1:]) or None,
        " ".join(name.get("suffix", ())) or None,
        " ".join(name.get("prefix", ())) or None,
        None,
        _NAME_USES.get(str(name.get("use", ""))),
    )
    return Components(parts)


def xad(address: JsonObject) -> Components:
    """An address."""
    lines = [str(line) for line in address.get("line", ())]
    parts = (
        lines[0] if lines else address.get("text"),
        ", ".join(lines[1:]) or None,
        address.get("city"),
        address.get("state"),
        address.get("postalCode"),
        address.get("country"),
        _ADDRESS_USES.get(str(address.get("use", ""))),
    )
    return Components(parts)


def xtn(contact: JsonObject) -> Components:
    """A phone number, or an e-mail address in its own component."""
    kind = str(contact.get("system", "phone"))
    value = str(contact.get("value", ""))
    if kind == "email":
        return Components((None, "NET", "Internet", value))
    use = "WPN" if contact.get("use") == "work" else "PRN"
    equipment = "CP" if contact.get("use") == "mobile" else _PHONES.get(kind, "PH")
    return Components((value, use, equipment))


def cwe(concept: JsonObject | None, profile: Profile, place: str) -> Components | None:
    """A coded value as the receiver codes it, else its words."""
    if not concept:
        return None
    coding: JsonObject = next(iter(concept.get("coding", ())), {})
    text = concept.get("text") or coding.get("display")
    if "code" not in coding:
        return Components((None, text)) if text else None
    system = str(coding.get("system", ""))
    short = SYSTEMS.get(system) or (system.rpartition("/v2-")[2] and f"HL7{system.rpartition('/v2-')[2]}")
    return Components(
        (
            profile.code(place, str(coding["code"])),
            text,
            short if "/v2-" in system or system in SYSTEMS else "L",
        )
    )


def xcn(practitioner: JsonObject, profile: Profile) -> Components:
    """A person with a number: NPI first."""
    numbers = sorted(practitioner.get("identifier", ()), key=lambda one: one.get("system") != NPI)
    number: JsonObject = numbers[0] if numbers else {}
    name = xpn(next(iter(practitioner.get("name", ())), {}))
    system = str(number.get("system", ""))
    known = profile.known_as(system).namespace if system and system != NPI else None
    kind = "NPI" if system == NPI else None
    return Components((number.get("value"), *name[:5], None, None, known, None, None, None, kind))


def pl(location: JsonObject, profile: Profile) -> Components:
    """A place by its number or name."""
    number: JsonObject = next(iter(location.get("identifier", ())), {})
    return Components(
        (str(number.get("value") or location.get("name", "")), *[None] * 7, location.get("name"))
    )


def code_of(concept: JsonObject | None) -> Component:
    """The first code of a concept."""
    return next((str(one["code"]) for one in (concept or {}).get("coding", ()) if "code" in one), None)


def repeated(made: Iterable[Components]) -> Repetitions | None:
    found = tuple(made)
    return Repetitions(found) if found else None


def stamp(text: str | None, profile: Profile) -> str | None:
    """A FHIR date or dateTime as DTM: of the same precision, in the receiver's zone."""
    if not text:
        return None
    if "T" not in text:
        return text.replace("-", "")
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        return at.strftime("%Y%m%d%H%M%S")
    return at.astimezone(profile.zone).strftime("%Y%m%d%H%M%S%z")


def first(resource: Mapping[str, object], name: str) -> JsonObject:
    """The first of a repeating element, or an empty one."""
    value = resource.get(name)
    return dict(value[0]) if isinstance(value, list) and value else {}


def reference_of(holder: Mapping[str, object] | None) -> str:
    """The reference in a Reference; empty for none."""
    return str((holder or {}).get("reference", ""))
