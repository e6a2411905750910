"""What the simulated EHR does with a write: its own ids and numbers, and its rules of scheduling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import parse_qsl

from adapters.simulator.keys import digits
from adapters.simulator.records import Records, Stored, Write
from adapters.simulator.search import parse, run
from fhirserver.kernel.json import JsonObject, dumps

MRN = "https://ehr.example/fhir/identifier/mrn"
APPOINTMENT_NUMBER = "https://ehr.example/fhir/identifier/appointment-number"

TYPES = frozenset(
    (
        *("AllergyIntolerance", "Appointment", "CarePlan", "CareTeam", "Claim", "Communication", "Condition"),
        *("Coverage", "DiagnosticReport", "DocumentReference", "Encounter", "ExplanationOfBenefit", "Flag"),
        *("ImagingStudy", "Immunization", "Location", "Medication", "MedicationAdministration"),
        *("MedicationRequest", "Observation", "Organization", "Patient", "Practitioner", "PractitionerRole"),
        *("Procedure", "Provenance", "RelatedPerson", "Schedule", "ServiceRequest", "Slot", "Task"),
    )
)
"""The resource types this EHR keeps."""

_NUMBERED = {
    "Patient": (
        MRN,
        "M",
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
    ),
    "Appointment": (APPOINTMENT_NUMBER, "A", None),
}
_RELEASING = frozenset(("cancelled", "noshow", "entered-in-error"))


class Refused(Exception):
    """The EHR says no. ``code`` is a FHIR issue code."""

    def __init__(self, status: int, code: str, text: str):
        self.status, self.code, self.text = status, code, text
        super().__init__(text)


class Clinic:
    """Takes writes in. Each method is one transaction, logged where a client made it."""

    def __init__(self, records: Records):
        self.records = records

    def create(self, body: JsonObject, headers: dict[str, str]) -> tuple[Stored, bool]:
        """Create, unless ``If-None-Exist`` finds one already; the flag says whether it was created."""
        with self.records.transaction():
            if found := self._existing(body["resourceType"], headers.get("if-none-exist", "")):
                return found, False
            self._look_for_twins(body)
            stored = self.admit(body)
            self._log("POST", stored, body, headers)
            return stored, True

    def _look_for_twins(self, body: JsonObject) -> None:
        """Refuse a Patient with the name and birth date of another, where that is the habit."""
        if not self.records.habits.now.duplicates or body["resourceType"] != "Patient":
            return
        for other in self.records.matching("type = ? AND deleted = 0", ("Patient",)):
            if _who(other.json()) == _who(body):
                raise Refused(422, "duplicate", "there is a patient with that name and birth date")

    def new_id(self) -> str:
        """The EHR's next own id."""
        return f"e{self.records.next_number('id')}"

    def admit(self, body: JsonObject, id: str = "") -> Stored:
        """Create under an id of the EHR's own (``id`` if it was taken before), by its rules."""
        type = body["resourceType"]
        with self.records.transaction():
            content = self._numbered(_normalised(body), None)
            if type == "Appointment":
                self._occupy(_slots(content))
            return self.records.put(content, id or self.new_id())

    def update(self, id: str, body: JsonObject, headers: dict[str, str]) -> Stored:
        with self.records.transaction():
            before = self._current(body["resourceType"], id)
            self._match_version(before, headers.get("if-match", ""))
            content = self._numbered(_normalised(body), before.json())
            if before.type == "Appointment":
                self._move(_slots(before.json()), _slots(content))
            stored = self.records.put(content, id)
            self._log("PUT", stored, body, headers)
            return stored

    def delete(self, type: str, id: str, headers: dict[str, str]) -> None:
        with self.records.transaction():
            before = self._current(type, id)
            self._match_version(before, headers.get("if-match", ""))
            if type == "Appointment":
                self._move(_slots(before.json()), [])
            self._log("DELETE", self.records.remove(type, id), None, headers)

    def _match_version(self, stored: Stored, if_match: str) -> None:
        checked = self.records.habits.now.versions == "checked" and if_match
        if checked and if_match.removeprefix("W/").strip('"') != str(stored.version):
            raise Refused(412, "conflict", "the record has another version")

    def _log(self, method: str, stored: Stored, body: JsonObject | None, headers: dict[str, str]) -> None:
        kept = {name: value for name, value in headers.items() if name in _LOGGED}
        raw = dumps(body) if body is not None else b""
        self.records.log(Write(method, stored, list(_identifiers(body or {})), kept, raw))

    def _existing(self, type: str, condition: str) -> Stored | None:
        if not condition:
            return None
        found, total, _ = run(self.records, parse(type, parse_qsl(condition.lstrip("?")), 1))
        if total > 1:
            raise Refused(412, "multiple-matches", "If-None-Exist matches several records")
        return found[0] if found else None

    def _current(self, type: str, id: str) -> Stored:
        current = self.records.current(type, id)
        if current is None:
            raise Refused(404, "not-found", f"there is no such {type}")
        if current.deleted:
            raise Refused(410, "deleted", f"the {type} was deleted")
        return current

    def _numbered(self, content: JsonObject, before: JsonObject | None) -> JsonObject:
        """Give the record the EHR's own number, or the one it had."""
        type = content["resourceType"]
        if type not in _NUMBERED:
            return content
        system, letter, kind = _NUMBERED[type]
        others = [item for item in content.get("identifier", []) if item.get("system") != system]
        own = [item for item in (before or {}).get("identifier", []) if item.get("system") == system]
        if not own:
            number: JsonObject = {
                "system": system,
                "value": f"{letter}{self.records.next_number(system):06d}",
            }
            own = [{"type": kind, **number} if kind else number]
        return {**content, "identifier": own + others}

    def _occupy(self, slots: Sequence[str]) -> None:
        for id in slots:
            slot = self.records.current("Slot", id)
            if slot is None or slot.deleted:
                raise Refused(422, "not-found", "the appointment names a slot that does not exist")
            if slot.json()["status"] != "free":
                raise Refused(409, "conflict", "the slot is not free")
            self.records.put({**slot.json(), "status": "busy"}, id)

    def _release(self, slots: Sequence[str]) -> None:
        for id in slots:
            slot = self.records.current("Slot", id)
            if slot is not None and not slot.deleted and slot.json()["status"] == "busy":
                self.records.put({**slot.json(), "status": "free"}, id)

    def _move(self, before: Sequence[str], after: Sequence[str]) -> None:
        self._occupy([id for id in after if id not in before])
        self._release([id for id in before if id not in after])


_LOGGED = frozenset(("if-match", "if-none-exist", "x-request-id", "traceparent", "user-agent"))


def _who(patient: JsonObject) -> tuple[str, str]:
    return dumps(patient.get("name")).decode().casefold(), str(patient.get("birthDate"))


def _slots(appointment: JsonObject) -> list[str]:
    """The ids of the slots which the appointment holds."""
    if appointment.get("status") in _RELEASING:
        return []
    found = (slot.get("reference", "") for slot in appointment.get("slot", []) if isinstance(slot, dict))
    return [reference.rpartition("/")[2] for reference in found if reference]


def _identifiers(body: JsonObject) -> Iterator[str]:
    """Identifiers and tags as ``system|value``: what a client may have marked its write with."""
    stated = body.get("identifier", [])
    for item in stated if isinstance(stated, list) else [stated]:
        yield f"{item.get('system', '')}|{item.get('value', '')}"
    for tag in body.get("meta", {}).get("tag", []):
        yield f"{tag.get('system', '')}|{tag.get('code', '')}"


def _normalised(body: JsonObject) -> JsonObject:
    """The record as this EHR writes it down: phones in one form, the length of appointments counted."""
    content = {name: value for name, value in body.items() if name != "id"}
    if isinstance(content.get("telecom"), list):
        content["telecom"] = [_telecom(item) for item in content["telecom"]]
    if content["resourceType"] == "Appointment" and content.get("start") and content.get("end"):
        content["minutesDuration"] = _minutes(content["start"], content["end"])
    return content


def _telecom(item: JsonObject) -> JsonObject:
    number = digits(item.get("value", "")) if item.get("system") == "phone" else ""
    return {**item, "value": f"+1{number}"} if len(number) == 10 else item


def _minutes(start: str, end: str) -> int:
    try:
        seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    except (ValueError, TypeError):
        raise Refused(422, "invalid", "Appointment.start or Appointment.end is not an instant") from None
    if seconds <= 0:
        raise Refused(422, "invalid", "Appointment.end is not after Appointment.start")
    return int(seconds // 60)
