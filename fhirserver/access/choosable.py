"""Whose records somebody may choose to open in an app: their own, those of the people they act for, or anybody's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from fhirserver.access.users import User
from fhirserver.kernel.ids import is_id
from fhirserver.kernel.json import Json, JsonObject

Read: TypeAlias = Callable[[str, str], Awaitable[JsonObject | None]]
"""A resource of a type and an id; None where there is none now."""


async def choosable(user: User, read: Read, today: str) -> frozenset[str] | None:
    """The ids of the patients; None: any. ``today`` is a date such as ``2026-11-29``.

    Who is a related person may choose the patient of that relation while it holds; who is a person, those whom the
    Person resource links.
    """
    if user.sees_any_patient:
        return None
    found: set[str] = set()
    for reference in (user.fhir_user, *user.patients):
        found |= await _patients(reference, read, today)
    return frozenset(found)


async def _patients(reference: str, read: Read, today: str) -> set[str]:
    type, _, id = reference.partition("/")
    if type == "Person":
        person = await read(type, id) or {}
        targets = [_reference(link.get("target")) for link in _dicts(person.get("link"))]
        # Not of another Person: two of them could link each other.
        linked = [target for target in targets if target.partition("/")[0] in ("Patient", "RelatedPerson")]
        found = [await _patients(target, read, today) for target in linked]
        return set().union(*found) if person.get("active") is not False else set()
    if type == "RelatedPerson":
        related = await read(type, id)
        return _of_relation(related, today) if related is not None else set()
    return {id} if type == "Patient" and is_id(id) else set()


def _of_relation(related: JsonObject, today: str) -> set[str]:
    """https://hl7.org/fhir/R4/relatedperson.html: the patient, while the relation is active and in its period."""
    period = related.get("period")
    start, end = (str(period.get(name, "")) if isinstance(period, dict) else "" for name in ("start", "end"))
    is_over = (start and today < start[: len(today)]) or (end and today[: len(end)] > end[: len(today)])
    type, _, id = _reference(related.get("patient")).partition("/")
    if related.get("active") is False or is_over or type != "Patient" or not is_id(id):
        return set()
    return {id}


def _dicts(value: Json) -> list[JsonObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _reference(value: Json) -> str:
    said = value.get("reference") if isinstance(value, dict) else None
    return said if isinstance(said, str) else ""
