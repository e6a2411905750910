"""PID, PV1, IN1, NK1, SCH and their like, made of resources. https://www.hl7.eu/HL7v2x/v251/std251/ch03.html"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapters.hl7v2.outbound.assembling import Part
from adapters.hl7v2.outbound.profile import Profile
from adapters.hl7v2.outbound.reader import Carried
from adapters.hl7v2.outbound.values import (
    cwe,
    cx,
    ei,
    first,
    pl,
    repeated,
    stamp,
    xad,
    xcn,
    xpn,
    xtn,
)
from adapters.hl7v2.writing import Components, Field
from fhirserver.kernel.json import JsonObject

GENDERS = {"male": "M", "female": "F", "other": "O", "unknown": "U"}
MINUTES = Components(("min", "minutes", "UCUM"))


def own_number(profile: Profile, id: str) -> JsonObject:
    """The number that we give a resource, under our own authority."""
    return {"system": f"urn:{profile.authority}", "value": id, "type": {"coding": [{"code": "PI"}]}}


KNOWN_BY = (1, 3, 5, 7, 8)
"""Fields of PID: numbers, name, birth date, sex."""


def pid(patient: Carried, profile: Profile, groups: tuple[str, ...] = ()) -> Part:
    """The patient: the numbers that the EHR knows, and ours."""
    content = patient.content
    theirs = [one for one in content.get("identifier", ()) if one.get("value") not in (None, "", patient.id)]
    numbers = [cx(one, profile) for one in theirs if profile.wants(one)]
    numbers.append(cx(own_number(profile, patient.id), profile))
    phones = content.get("telecom", ())
    fields: dict[int, Field] = {
        1: "1",
        3: repeated(numbers),
        5: repeated(xpn(name) for name in content.get("name", ())),
        7: stamp(content.get("birthDate"), profile),
        8: profile.code("PID-8", GENDERS.get(str(content.get("gender", "")), "")),
        11: repeated(xad(address) for address in content.get("address", ())),
        13: repeated(xtn(one) for one in phones if one.get("use") != "work"),
        14: repeated(xtn(one) for one in phones if one.get("use") == "work"),
        15: cwe(first(content, "communication").get("language"), profile, "PID-15"),
        16: cwe(content.get("maritalStatus"), profile, "PID-16"),
    }
    if "deceasedDateTime" in content:
        fields |= {29: stamp(content["deceasedDateTime"], profile), 30: "Y"}
    elif "deceasedBoolean" in content:
        fields[30] = "Y" if content["deceasedBoolean"] else "N"
    return Part("PID", fields, groups)


def known_by(patient: Part) -> Part:
    """The same where a message is about something else: by what the patient is known, and nothing that may have changed
    there since. A field that is absent says nothing."""
    return replace(patient, fields={number: patient.fields[number] for number in KNOWN_BY})


def pv1(groups: tuple[str, ...] = ()) -> Part:
    """No visit: the segment is required in ADT, and N says that there is none."""
    return Part("PV1", {1: "1", 2: "N"}, groups)


def in1(number: int, coverage: Carried, payor: Carried | None, group: str, profile: Profile) -> Part:
    """One insurance."""
    content, payer = coverage.content, payor.content if payor else {}
    classes = {
        str(one["type"]["coding"][0].get("code")): one for one in content.get("class", ()) if one.get("type")
    }
    plan, policy = classes.get("plan", {}), classes.get("group", {})
    numbers = [cx(one, profile) for one in payer.get("identifier", ()) if one.get("value")]
    period = content.get("period", {})
    fields: dict[int, Field] = {
        1: str(number),
        2: Components((plan.get("value") or "UNKNOWN", plan.get("name"))),
        3: repeated(numbers) or Components((payer.get("name") or "UNKNOWN",)),
        4: payer.get("name") or str(first(content, "payor").get("display", "")),
        8: policy.get("value"),
        9: policy.get("name"),
        12: stamp(period.get("start"), profile),
        13: stamp(period.get("end"), profile),
        17: cwe(content.get("relationship"), profile, "IN1-17"),
        36: content.get("subscriberId") or str(first(content, "identifier").get("value", "")),
    }
    return Part("IN1", fields, (group,), opens=True)


def nk1(number: int, person: Carried, profile: Profile) -> Part:
    """Somebody close to the patient."""
    content = person.content
    fields: dict[int, Field] = {
        1: str(number),
        2: repeated(xpn(name) for name in content.get("name", ())),
        3: cwe(first(content, "relationship"), profile, "NK1-3"),
        4: repeated(xad(address) for address in content.get("address", ())),
        5: repeated(xtn(one) for one in content.get("telecom", ())),
    }
    return Part("NK1", fields)


def evn(event: str, at: str, profile: Profile) -> Part:
    """The event; its code was withdrawn from here in 2.7."""
    return Part("EVN", {1: None if profile.is_late else event, 2: at})


def sch(
    placer: JsonObject | None, filler: JsonObject | None, content: JsonObject, profile: Profile
) -> list[Part]:
    """The appointment. SCH-6, 16 and 20 are required by the standard. Its time is in TQ1 from 2.7 on."""
    minutes = content.get("minutesDuration")
    start, end = stamp(content.get("start"), profile), stamp(content.get("end"), profile)
    reason = cwe(content.get("cancelationReason") or first(content, "reasonCode"), profile, "SCH-6")
    status = str(content.get("status", ""))
    fields: dict[int, Field] = {
        1: ei(placer, profile) if placer else None,
        2: ei(filler, profile) if filler else None,
        6: reason or Components((status.upper(), None, "L")),
        7: cwe(first(content, "reasonCode"), profile, "SCH-7"),
        8: cwe(content.get("appointmentType"), profile, "SCH-8"),
        9: str(minutes) if minutes is not None else None,
        10: MINUTES if minutes is not None else None,
        11: Components((None, None, f"M{minutes}" if minutes is not None else None, start, end)),
        16: Components((profile.sending[0],)),
        20: Components((profile.sending[0],)),
        25: Components((profile.code("SCH-25", _STATUSES.get(status, status.capitalize())), None, "HL70278")),
    }
    if not profile.is_late:
        return [Part("SCH", fields)]
    lasting = Components((str(minutes), "min")) if minutes is not None else None
    kept = {number: value for number, value in fields.items() if number not in _WITHDRAWN}
    return [Part("SCH", kept), Part("TQ1", {1: "1", 6: lasting, 7: start, 8: end})]


_WITHDRAWN = frozenset((9, 10, 11))


_STATUSES = {"noshow": "Noshow", "fulfilled": "Complete", "cancelled": "Cancelled", "booked": "Booked"}
"""HL7 table 0278, where it says it otherwise."""
RESOURCES = "SIU_S12_RESOURCES"


def resources(content: JsonObject, who: Sequence[Carried], action: str, profile: Profile) -> list[Part]:
    """RGS, and AIS, AIL and AIP for service, places and people, in the order of the standard."""
    start = stamp(content.get("start"), profile)
    minutes = content.get("minutesDuration")
    time: dict[int, Field] = {1: "1", 2: action}
    lasting = (str(minutes), MINUTES) if minutes is not None else (None, None)
    service = cwe(first(content, "serviceType") or content.get("appointmentType"), profile, "AIS-3")
    parts = [
        Part("RGS", {1: "1", 2: action}, (RESOURCES,), opens=True),
        Part(
            "AIS",
            {**time, 3: service or Components(("VISIT", None, "L")), 4: start, 7: lasting[0], 8: lasting[1]},
            (RESOURCES, "SIU_S12_SERVICE"),
        ),
    ]
    for type, name, group in (
        ("Location", "AIL", "SIU_S12_LOCATION_RESOURCE"),
        ("Practitioner", "AIP", "SIU_S12_PERSONNEL_RESOURCE"),
    ):
        for number, one in enumerate((w for w in who if w.content["resourceType"] == type), 1):
            value = pl(one.content, profile) if type == "Location" else xcn(one.content, profile)
            fields: dict[int, Field] = {
                **time,
                1: str(number),
                3: value,
                6: start,
                9: lasting[0],
                10: lasting[1],
            }
            parts.append(Part(name, fields, (RESOURCES, group), opens=True))
    return parts
