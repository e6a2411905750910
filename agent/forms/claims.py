"""What a form's answers claim of resources, each at 0.5 with the form's own turns as evidence.

An id that a claim makes is derived from the form's, so that the same form never makes two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from agent.campaigns.consents import CATEGORY, CHANNEL, OUTREACH
from agent.forms.answers import Answers, stands
from agent.forms.catalogue import QUESTIONS, SUBJECT_OF, YES
from agent.forms.record import PatientFile
from agent.forms.scan import CHANNELS
from agent.tools.stating import stated
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.world.spoken.identifiers import phone_key
from fhirserver.world.vocabulary import PREFERRED_PHARMACY

_CLASS = "http://terminology.hl7.org/CodeSystem/coverage-class"
_SELF_PAY = "http://terminology.hl7.org/CodeSystem/coverage-selfpay"
_NONE_KNOWN = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_OPTED = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_EMERGENCY = "http://terminology.hl7.org/CodeSystem/v2-0131"
_MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class FormClaim:
    """One resource, or parts of it (``partial``); ``rests_on`` are the link ids of the answers that say so."""

    resource: JsonObject
    rests_on: tuple[str, ...]
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form that is sent in: its id, the record it is about, what was answered, who pays by the payer's name."""

    id: str
    file: PatientFile
    answers: Answers
    at: datetime
    payer: JsonObject

    def has(self, *link_ids: str) -> bool:
        return all(self.get(one) for one in link_ids)

    def get(self, link_id: str) -> str:
        """What was answered, where the question stands."""
        return self.answers.get(link_id, "") if stands(QUESTIONS[link_id], self.answers) else ""


def claims(form: Form, subjects: Collection[str], types: Collection[str]) -> list[FormClaim]:
    """Everything that the answers claim, of the resource types that the source may speak of."""
    asked = {link for link, subject in SUBJECT_OF.items() if subject in subjects}
    kept = Form(
        form.id, form.file, {k: v for k, v in form.answers.items() if k in asked}, form.at, form.payer
    )
    made = [*_patient(kept), *_coverage(kept), *_guardian(kept), *_reason(kept)]
    made += [*_allergies(kept), *_medications(kept), *_consents(kept)]
    return [one for one in made if one.resource["resourceType"] in types]


def _patient(form: Form) -> Iterator[FormClaim]:
    """All that is said of the Patient itself, as one partial statement."""
    said: JsonObject = {}
    links: list[str] = []
    for member, rests_on, value in _parts(form):
        said[member] = [*said.get(member, ()), *value] if isinstance(value, list) else value
        links += [one for one in rests_on if form.get(one)]
    if said:
        patient = {"resourceType": "Patient", "id": form.file.patient["id"]}
        yield FormClaim(patient | said, tuple(links), True)


def _parts(form: Form) -> Iterator[tuple[str, tuple[str, ...], object]]:
    if form.has("birth-date"):
        yield "birthDate", ("birth-date",), form.get("birth-date")
    if form.has("phone"):
        yield (
            "telecom",
            ("phone", "phone-use"),
            [_phone(form.get("phone"), form.get("phone-use") or "mobile")],
        )
    if form.has("email"):
        yield "telecom", ("email",), [{"system": "email", "value": form.get("email")}]
    if form.has("address-line", "address-city", "address-zip"):
        links = ("address-line", "address-city", "address-state", "address-zip")
        yield "address", links, [_address(form)]
    if form.has("language"):
        yield "communication", ("language",), _languages(form)
    if form.has("emergency-name", "emergency-phone"):
        yield "contact", ("emergency-name", "emergency-phone", "emergency-relation"), _contacts(form)
    if form.has("pharmacy"):
        value = {"display": form.get("pharmacy")}
        yield "extension", ("pharmacy",), [{"url": PREFERRED_PHARMACY, "valueReference": value}]


def _phone(number: str, use: str) -> JsonObject:
    return {"system": "phone", "value": f"+1{phone_key(number)}", "use": use}


def _address(form: Form) -> JsonObject:
    lines = [line.strip() for line in form.get("address-line").splitlines() if line.strip()]
    address = {"use": "home", "line": lines, "city": form.get("address-city"), "country": "US"}
    if form.has("address-state"):
        state = form.get("address-state")
        address["state"] = state.upper() if len(state) == 2 else state
    return address | {"postalCode": form.get("address-zip")}


def _languages(form: Form) -> list[JsonObject]:
    """The preferred language, and the others that were known."""
    option = QUESTIONS["language"].option(form.get("language"))
    assert option is not None
    coding = {"system": option.system, "code": option.code, "display": option.words["en"]}
    others = [
        {name: value for name, value in one.items() if name != "preferred"}
        for one in stated(form.file.patient).get("communication", ())
        if option.code not in [c.get("code") for c in one.get("language", {}).get("coding", ())]
    ]
    return [{"language": {"coding": [coding]}, "preferred": True}, *others]


def _contacts(form: Form) -> list[JsonObject]:
    """The emergency contact, and the other contacts that were known."""
    new: JsonObject = {
        "relationship": [{"coding": [{"system": _EMERGENCY, "code": "C", "display": "Emergency Contact"}]}],
        "name": name_of(form.get("emergency-name")),
        "telecom": [{"system": "phone", "value": f"+1{phone_key(form.get('emergency-phone'))}"}],
    }
    if form.has("emergency-relation"):
        new["relationship"].append(_coded("emergency-relation", form.get("emergency-relation")))
    others = stated(form.file.patient).get("contact", [])
    return [new, *(one for one in others if not _is_emergency(one))]


def _is_emergency(contact: Mapping[str, object]) -> bool:
    found = contact.get("relationship")
    concepts = found if isinstance(found, list) else []
    return any(c.get("code") == "C" for concept in concepts for c in concept.get("coding", ()))


def _coded(link_id: str, code: str) -> JsonObject:
    option = QUESTIONS[link_id].option(code)
    assert option is not None
    return {"coding": [{"system": option.system, "code": option.code, "display": option.words["en"]}]}


def name_of(text: str) -> JsonObject:
    """``Ana María Ruiz``: the last word is the family name; whoever is called otherwise stands in ``text``."""
    *given, family = text.split()
    return {"text": text, "family": family} | ({"given": given} if given else {})


def _coverage(form: Form) -> Iterator[FormClaim]:
    patient = {"reference": form.file.reference}
    made: JsonObject = {"resourceType": "Coverage", "id": f"{form.id}-coverage", "status": "active"}
    if form.answers.get("coverage-has") == "no":
        kind = {"coding": [{"system": _SELF_PAY, "code": "pay", "display": "PAY"}]}
        yield FormClaim(made | {"type": kind, "beneficiary": patient, "payor": [patient]}, ("coverage-has",))
    elif form.has("coverage-payer", "coverage-member"):
        made |= {"subscriberId": form.get("coverage-member"), "beneficiary": patient, "payor": [form.payer]}
        if form.has("coverage-group"):
            kind = {"coding": [{"system": _CLASS, "code": "group", "display": "Group"}]}
            made["class"] = [{"type": kind, "value": form.get("coverage-group")}]
        links = ("coverage-has", "coverage-payer", "coverage-member", "coverage-group")
        yield FormClaim(made, tuple(one for one in links if form.get(one)))


def _guardian(form: Form) -> Iterator[FormClaim]:
    if form.has("guardian-name", "guardian-relation"):
        made: JsonObject = {
            "resourceType": "RelatedPerson",
            "id": f"{form.id}-guardian",
            "active": True,
            "patient": {"reference": form.file.reference},
            "relationship": [_coded("guardian-relation", form.get("guardian-relation"))],
            "name": [name_of(form.get("guardian-name"))],
        }
        if form.has("guardian-phone"):
            made["telecom"] = [{"system": "phone", "value": f"+1{phone_key(form.get('guardian-phone'))}"}]
        links = ("guardian-name", "guardian-relation", "guardian-phone")
        yield FormClaim(made, tuple(one for one in links if form.get(one)))


def _reason(form: Form) -> Iterator[FormClaim]:
    """Why the patient comes, said of the next visit."""
    visits = [
        one for one in form.file.all("Appointment") if one.get("status") in ("booked", "pending", "proposed")
    ]
    visits.sort(key=lambda one: str(one.get("start", "")))
    if form.has("reason") and visits:
        text = " ".join(form.get("reason").split())
        said = {"resourceType": "Appointment", "id": visits[0]["id"], "reasonCode": [{"text": text}]}
        yield FormClaim(said, ("reason",), True)


def _lines(text: str) -> list[str]:
    return [line.strip(" •-*") for line in text.splitlines() if line.strip(" •-*")][:_MOST_LINES]


def _allergies(form: Form) -> Iterator[FormClaim]:
    none = {"coding": [{"system": _NONE_KNOWN, "code": "no-known-allergies"}], "text": "No known allergies"}
    listed = [{"text": line} for line in _lines(form.get("allergies-list"))]
    yes = form.answers.get("allergies-any") == YES
    found = listed if yes else [none] if form.has("allergies-any") else []
    for number, code in enumerate(found, 1):
        made = {
            "resourceType": "AllergyIntolerance",
            "id": f"{form.id}-allergy-{number}",
            "clinicalStatus": {"coding": [{"system": _CLINICAL, "code": "active"}]},
            "verificationStatus": {"coding": [{"system": _VERIFICATION, "code": "unconfirmed"}]},
            "code": code,
            "patient": {"reference": form.file.reference},
            "recordedDate": instant(form.at),
        }
        yield FormClaim(made, ("allergies-list",) if yes else ("allergies-any",))


def _medications(form: Form) -> Iterator[FormClaim]:
    none = {
        "coding": [{"system": _NONE_KNOWN, "code": "no-known-medications"}],
        "text": "No known medications",
    }
    listed = [{"text": line} for line in _lines(form.get("medications-list"))]
    yes = form.answers.get("medications-any") == YES
    found = listed if yes else [none] if form.has("medications-any") else []
    for number, code in enumerate(found, 1):
        made = {
            "resourceType": "MedicationStatement",
            "id": f"{form.id}-medication-{number}",
            "status": "active" if yes else "unknown",
            "medicationCodeableConcept": code,
            "subject": {"reference": form.file.reference},
            "dateAsserted": instant(form.at),
            "informationSource": {"reference": form.file.reference},
        }
        yield FormClaim(made, ("medications-list",) if yes else ("medications-any",))


def _consents(form: Form) -> Iterator[FormClaim]:
    for link, channel in CHANNELS.items():
        if form.has(link):
            permits = form.get(link) == YES
            made = {
                "resourceType": "Consent",
                "id": f"{form.id}-{channel}",
                "status": "active",
                "scope": {"coding": [{"system": _SCOPE, "code": "patient-privacy"}]},
                "category": [{"coding": [{"system": CATEGORY, "code": OUTREACH}]}],
                "patient": {"reference": form.file.reference},
                "dateTime": instant(form.at),
                "performer": [{"reference": form.file.reference}],
                "sourceReference": {"reference": f"QuestionnaireResponse/{form.id}"},
                "policyRule": {"coding": [{"system": _OPTED, "code": "OPTIN" if permits else "OPTOUT"}]},
                "provision": {
                    "type": "permit" if permits else "deny",
                    "code": [{"coding": [{"system": CHANNEL, "code": channel}]}],
                },
            }
            yield FormClaim(made, (link,))
