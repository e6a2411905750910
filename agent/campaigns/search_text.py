"""Searches of an audience as text: ``Appointment?status=booked&date=ge{today+3d}``, whose days are filled in when it
is run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import parse_qsl

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import definitions

_DAY = re.compile(r"\{today(?:([+-])(\d{1,4})d)?\}")
_LINKS = ("subject", "patient", "beneficiary", "for", "individual")
_RESULT = ("_count", "_summary", "_total", "_elements", "_format", "_pretty", "_sort", "_offset", "_cursor")


def check_search(text: str) -> str:
    """The text itself. Raises :class:`ValueError` for what is no search, or one that is not the audience's to say."""
    type, mark, query = text.partition("?")
    known = definitions().type(type)
    if not mark or known is None or known.kind != "resource" or known.abstract:
        raise ValueError("is a FHIR search over one type, such as 'Patient?birthdate=lt1960-01-01'")
    names = [name for name, _ in parse_qsl(query, keep_blank_values=True)]
    if not names:
        raise ValueError("needs at least one parameter: nobody means everyone by accident")
    for name in names:
        if name in _RESULT:
            raise ValueError(f"may not say {name}")
    filled = _DAY.sub("", query)
    if "{" in filled or "}" in filled:
        raise ValueError("a day in it is {today}, {today+3d} or {today-30d}")
    return text


def filled(text: str, today: date) -> tuple[str, list[tuple[str, str]]]:
    """The type and the parameters, with days in the place of ``{today…}``."""

    def day(found: re.Match[str]) -> str:
        days = int(found[2] or 0) * (-1 if found[1] == "-" else 1)
        return (today + timedelta(days=days)).isoformat()

    type, _, query = _DAY.sub(day, text).partition("?")
    return type, parse_qsl(query, keep_blank_values=True)


def patients_of(resource: JsonObject) -> Iterator[str]:
    """References (``Patient/…``) of those that a match is, or is about."""
    if resource.get("resourceType") == "Patient":
        yield f"Patient/{resource['id']}"
        return
    linked = [resource.get(name) for name in _LINKS]
    linked += [participant.get("actor") for participant in resource.get("participant", ())]
    linked += [member.get("entity") for member in resource.get("member", ())]
    for one in linked:
        reference = str(one.get("reference", "")) if isinstance(one, dict) else ""
        if reference.startswith("Patient/"):
            yield "/".join(reference.split("/")[:2])
