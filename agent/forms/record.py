"""What is on record of one patient, as far as forms ask for it, and how sure each part is."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from agent.tools.client import FhirClient
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.world.vocabulary import CONFIDENCE, TASK_CODE

FORM_CODE = "form"
_SEARCHED = {
    "coverage": ("Coverage",),
    "consent-texts": ("Consent",),
    "consent-calls": ("Consent",),
    "allergies": ("AllergyIntolerance",),
    "medications": ("MedicationStatement", "MedicationRequest"),
    "guardian": ("RelatedPerson",),
    "reason": ("Appointment",),
}
"""What beside the Patient is read for a subject."""
Held = tuple[JsonObject, ...]


@dataclass(frozen=True)
class PatientFile:
    """``related`` are resources by type, ``forms`` the Tasks of the patient's forms. ``said`` is when the elements of
    the Patient were last spoken of, where that was asked for; ``today`` is the day at the practice."""

    patient: JsonObject
    today: date
    related: dict[str, Held] = field(default_factory=dict)
    forms: Held = ()
    said: dict[str, datetime] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        return f"Patient/{self.patient.get('id', '')}"

    def all(self, *types: str) -> list[JsonObject]:
        return [one for type in types for one in self.related.get(type, ())]

    @property
    def born(self) -> date | None:
        """The birth date, where it is whole."""
        try:
            return date.fromisoformat(str(self.patient.get("birthDate", "")))
        except ValueError:
            return None

    @property
    def age(self) -> int | None:
        """In whole years."""
        born = self.born
        if born is None:
            return None
        return self.today.year - born.year - ((self.today.month, self.today.day) < (born.month, born.day))


async def patient_file(
    client: FhirClient, patient: str, subjects: Collection[str], today: date, aged: bool = False
) -> PatientFile | None:
    """Read what is on record of ``patient`` (``Patient/…``); None where there is none. ``aged``: also when it was said.

    Raises :class:`~agent.tools.client.Unreachable`.
    """
    found = await client.read(patient)
    if found is None or found.get("resourceType") != "Patient":
        return None
    types = list(dict.fromkeys(type for one in subjects for type in _SEARCHED.get(one, ())))
    asked = [_search(client, type, patient, today) for type in types]
    forms = client.search(
        "Task", [("patient", patient), ("code", f"{TASK_CODE}|{FORM_CODE}"), ("_count", "200")]
    )
    *related, tasks = await asyncio.gather(*asked, forms)
    said = await _said(client, patient) if aged else {}
    held = {type: tuple(some) for type, some in zip(types, related, strict=True)}
    return PatientFile(found, today, held, tuple(tasks), said)


async def _search(client: FhirClient, type: str, patient: str, today: date) -> list[JsonObject]:
    params = [("patient", patient), ("_count", "200")]
    if type == "Appointment":
        params.append(("date", f"ge{today.isoformat()}"))
    return [one for one in await client.search(type, params) if one.get("resourceType") == type]


async def _said(client: FhirClient, patient: str) -> dict[str, datetime]:
    """When each element was last spoken of, by the lineage of its units."""
    answer = await client.get(f"{patient}/$lineage")
    said: dict[str, datetime] = {}
    for unit in answer.body.get("parameter", ()) if answer.ok else ():
        parts = unit.get("part", ())
        path = str(_value(parts, "path") or "").partition(".")[2]
        for claim in parts:
            moment = _moment(claim.get("part", ())) if claim.get("name") == "claim" else None
            if moment and path:
                said[path] = max(moment, said.get(path, moment))
    return said


def _moment(parts: Sequence[JsonObject]) -> datetime | None:
    text = _value(parts, "effective") or _value(parts, "recorded")
    try:
        return parse_instant(str(text)) if text else None
    except ValueError:
        return None


def _value(parts: Sequence[JsonObject], name: str) -> Json:
    for part in parts:
        if part.get("name") == name:
            return next((value for key, value in part.items() if key.startswith("value")), None)
    return None


def confidence(resource: JsonObject, element: JsonObject | None = None) -> Decimal:
    """How sure a resource is, or an element of it that has its own mark; 1 where nothing says less."""
    own = _marked((element or {}).get("extension", ()))
    whole = _marked(resource.get("meta", {}).get("extension", ()))
    return own if own is not None else whole if whole is not None else Decimal(1)


def _marked(extensions: Json) -> Decimal | None:
    for one in extensions if isinstance(extensions, list) else ():
        if one.get("url") == CONFIDENCE:
            return Decimal(str(one.get("valueDecimal", 1)))
    return None


def current(file: PatientFile, period: Json) -> bool:
    """Whether a Period has not ended."""
    end = str(period.get("end", "")) if isinstance(period, dict) else ""
    return not end or end[:10] >= file.today.isoformat()[: len(end[:10])]


def document(text: str) -> JsonObject:
    """JSON text that is an object."""
    found = loads(text)
    return found if isinstance(found, dict) else {}
