"""The town as FHIR, and how it is put into the server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from fhirserver.kernel.instants import instant
from tests.faults.campaign_storm.residents import Resident, consent_ends

Json = dict[str, Any]
CANONICAL = "https://credence.health/fhir"
CONSENT_CATEGORY = f"{CANONICAL}/CodeSystem/consent-category"
CHANNEL = f"{CANONICAL}/CodeSystem/contact-channel"
PREFERENCE = f"{CANONICAL}/CodeSystem/contact-preference"
CALL_OUT = f"{CANONICAL}/sid/call-out"
_HL7 = "http://terminology.hl7.org/CodeSystem"
_TIMEZONE = "http://hl7.org/fhir/StructureDefinition/timezone"
_BUNDLE, _AT_ONCE = 200, 3


def resources(residents: Sequence[Resident], begin: datetime) -> Iterator[Json]:
    """Everything that is known of them when the campaign begins; patients first."""
    for one in residents:
        yield _patient(one)
    yield from _practice(begin)
    for n, one in enumerate(residents):
        yield _appointment(one, begin, n)
        yield from _consents(one, begin)
        yield from _earlier(one, begin)
        if one.flag:
            yield _flag(one, begin)


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _patient(one: Resident) -> Json:
    address: Json = {"use": "home", "line": ["1 Main St"], "state": one.state, "country": "US"}
    made: Json = {
        "resourceType": "Patient",
        "id": one.id,
        "active": one.active,
        "name": [{"use": "official", "family": one.family, "given": [one.given]}],
        "birthDate": one.birth,
        "address": [address],
        "communication": [{"language": _coded("urn:ietf:bcp:47", one.language), "preferred": True}],
    }
    telecom = [{"system": "phone", "value": one.mobile, "use": "mobile"}] if one.mobile else []
    telecom += [{"system": "phone", "value": one.home, "use": "home"}] if one.home else []
    if telecom:
        made["telecom"] = telecom
    if one.deceased:
        made["deceasedBoolean"] = True
    if one.stated_zone:
        made["extension"] = [{"url": _TIMEZONE, "valueCode": one.stated_zone}]
    return made


def visit_of(one: Resident) -> str:
    return f"visit-{one.id}"


def _appointment(one: Resident, begin: datetime, n: int) -> Json:
    start = begin.replace(minute=0) + timedelta(days=5, minutes=15 * (n % 40))
    return {
        "resourceType": "Appointment",
        "id": visit_of(one),
        "status": "booked",
        "start": instant(start),
        "end": instant(start + timedelta(minutes=15)),
        "participant": [
            {
                "actor": {"reference": one.reference},
                "status": "accepted" if one.confirmed else "needs-action",
            },
            {"actor": {"reference": "Practitioner/reed"}, "status": "accepted"},
        ],
    }


def _practice(begin: datetime) -> Iterator[Json]:
    """Somebody to move a visit to, with free times."""
    yield {"resourceType": "Practitioner", "id": "reed", "name": [{"family": "Reed", "prefix": ["Dr."]}]}
    yield {
        "resourceType": "Schedule",
        "id": "reed",
        "actor": [{"reference": "Practitioner/reed", "display": "Dr. Reed"}],
    }
    first = begin.replace(hour=15, minute=0) + timedelta(days=6)
    for n in range(400):
        start = first + timedelta(days=n // 20, minutes=15 * (n % 20))
        yield {
            "resourceType": "Slot",
            "id": f"free-{n}",
            "schedule": {"reference": "Schedule/reed"},
            "status": "free",
            "start": instant(start),
            "end": instant(start + timedelta(minutes=15)),
        }


def _consents(one: Resident, begin: datetime) -> Iterator[Json]:
    before = begin - timedelta(days=100)
    if one.consent == "none":
        return
    if one.consent in ("sms", "call"):
        code = [{"coding": [{"system": CHANNEL, "code": one.consent}]}]
        yield _consent(one, "given", before, {"type": "permit", "code": code})
    elif one.consent == "expired":
        period = {"end": instant(begin - timedelta(days=2))}
        yield _consent(one, "given", before, {"type": "permit", "period": period})
    elif one.consent == "ends":
        yield _consent(
            one, "given", before, {"type": "permit", "period": {"end": instant(consent_ends(begin))}}
        )
    elif one.consent == "denied":
        yield _consent(one, "denied", before, {"type": "deny"})
    else:
        yield _consent(one, "given", before, {"type": "permit"})
    if one.consent == "withdrawn":
        yield _consent(one, "withdrawn", begin - timedelta(days=3), {"type": "deny"})


def _consent(one: Resident, name: str, at: datetime, provision: Json) -> Json:
    return {
        "resourceType": "Consent",
        "id": f"{name}-{one.id}",
        "status": "active",
        "scope": _coded(f"{_HL7}/consentscope", "patient-privacy"),
        "category": [_coded(CONSENT_CATEGORY, "outreach")],
        "patient": {"reference": one.reference},
        "dateTime": instant(at),
        "policyRule": _coded(f"{_HL7}/v3-ActCode", "OPTIN"),
        "provision": provision,
    }


def _earlier(one: Resident, begin: datetime) -> Iterator[Json]:
    number = one.mobile or one.home
    for n, hours in enumerate(one.earlier):
        yield {
            "resourceType": "Communication",
            "id": f"before-{one.id}-{n}",
            "identifier": [{"system": CALL_OUT, "value": f"before-{one.id}-{n}"}],
            "status": "completed",
            "category": [{"coding": [{"system": CHANNEL, "code": "sms"}]}],
            "subject": {"reference": one.reference},
            "recipient": [{"reference": one.reference, **({"display": number} if number else {})}],
            "sent": instant(begin - timedelta(hours=hours)),
        }


def _flag(one: Resident, begin: datetime) -> Json:
    return {
        "resourceType": "Flag",
        "id": f"no-contact-{one.id}",
        "status": "active",
        "code": {"coding": [{"system": PREFERENCE, "code": "do-not-contact"}]},
        "subject": {"reference": one.reference},
        "period": {"start": instant(begin - timedelta(days=30))},
    }


async def load(base: str, token: str, all: Iterator[Json]) -> int:
    """Put them into the server in batches; how many they were. Raises OSError for what is refused."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in all
    ]
    bundles = [entries[start : start + _BUNDLE] for start in range(0, len(entries), _BUNDLE)]
    gate = asyncio.Semaphore(_AT_ONCE)
    async with httpx.AsyncClient(headers=headers, timeout=120, trust_env=False) as client:

        async def send(bundle: list[Json]) -> None:
            async with gate:
                body = {"resourceType": "Bundle", "type": "batch", "entry": bundle}
                answer = await client.post(base, json=body)
            answer.raise_for_status()
            for entry in answer.json()["entry"]:
                if not entry["response"]["status"].startswith("2"):
                    raise OSError(str(entry["response"])[:500])

        patients = [b for b in bundles if b[0]["resource"]["resourceType"] == "Patient"]
        await asyncio.gather(*map(send, patients))
        await asyncio.gather(*map(send, bundles[len(patients) :]))
    return len(entries)
