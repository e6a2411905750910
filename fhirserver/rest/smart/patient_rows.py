"""The patients and encounters that somebody may choose, as a page lists them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from fhirserver.access.permissions import Grant, Permissions
from fhirserver.access.principals import ROLES, Principal
from fhirserver.access.smart.people import SignedIn
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.noting import dispatch_noted
from fhirserver.interactions.people import found
from fhirserver.interactions.people import person as named
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.json import Json, JsonObject, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.world.sources import Source

_SECRET_SYSTEMS: Final = frozenset({"http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1"})
"""Identifiers that a list does not show to everybody who looks over a shoulder: social security numbers."""
_MOST_IDENTIFIERS: Final = 3
_MOST_ENCOUNTERS: Final = 50
_SOURCE: Final = Source("authorization-pages", "app")


@dataclass(frozen=True, slots=True)
class PatientRow:
    """One patient: what tells them from others of the same name."""

    id: str
    name: str
    born: str
    gender: str
    identifiers: Sequence[str]


@dataclass(frozen=True, slots=True)
class EncounterRow:
    """One encounter of the patient."""

    id: str
    when: str
    what: str
    status: str


@dataclass(frozen=True, slots=True)
class Listed:
    """What a search found; ``more``: not all is shown; ``wrong``: why it could not be done."""

    rows: Sequence[PatientRow]
    more: bool = False
    wrong: str = ""


class Chooser(Protocol):
    """Who looks at a page: somebody who signed in."""

    @property
    def login(self) -> str: ...

    @property
    def fhir_user(self) -> str: ...


class Choices:
    """Finds them; whatever is shown is noted for the audit. ``registry`` is asked for when it is needed, as it is made
    after this."""

    def __init__(self, context: Context, registry: Callable[[], Registry]):
        self._context, self._registry = context, registry

    async def patients(self, user: SignedIn, text: str) -> Listed:
        """Those that a text in the search box finds among the patients of a user: all, where they are only some."""
        if user.patients is not None:
            own = [await self.patient(user, id) for id in sorted(user.patients)]
            return Listed(_matching([row for row in own if row is not None], text))
        principal = Principal(user.login, _SOURCE, user.roles & ROLES, user=user.fhir_user)
        try:
            people, more = await found(self._context, self._registry(), principal, text)
            rows = await self._rows([one.id for one in people])
        except Refusal as refusal:
            return Listed((), wrong="; ".join(issue.diagnostics for issue in refusal.issues))
        return Listed(rows, more)

    async def patient(self, user: Chooser, id: str) -> PatientRow | None:
        """One patient whom somebody may choose, or has chosen; None where there is none."""
        try:
            result = await self._asked(user, id, "Patient", id)
        except Refusal:
            return None
        return _row(loads(result.body))

    async def encounters(self, user: Chooser, patient: str) -> Sequence[EncounterRow]:
        """Those of a patient that was chosen, the last first."""
        params = (("patient", patient), ("_sort", "-date"), ("_count", str(_MOST_ENCOUNTERS)))
        bundle = loads((await self._asked(user, patient, "Encounter", params=params)).body)
        return [_encounter(entry["resource"]) for entry in bundle.get("entry", ())]

    async def _asked(self, user: Chooser, patient: str, type: str, id: str = "", **more: Any) -> Result:
        """The answer to a request about one patient, who was checked before: who is a patient has no role of their own.

        Raises its refusal.
        """
        just_this = Permissions((Grant("rs", patient=patient),))
        principal = Principal(user.login, _SOURCE, frozenset({"read"}), just_this, user=user.fhir_user)
        return await dispatch_noted(
            self._context, self._registry(), Request(principal, "GET", type, id, **more)
        )

    async def _rows(self, ids: Sequence[str]) -> list[PatientRow]:
        """What a search found, which noted it, with the rest of what tells people apart."""
        rows = []
        for id in ids:
            version = await self._context.store.read("Patient", id)
            if version is not None and not version.deleted:
                rows.append(_row(loads(version.content)))
        return rows


def _row(resource: JsonObject) -> PatientRow:
    person = named(resource)
    shown = [_identifier(one) for one in resource.get("identifier", ())]
    identifiers = [one for one in shown if one][:_MOST_IDENTIFIERS]
    return PatientRow(person.id, person.name, person.born, person.gender, identifiers)


def _identifier(identifier: JsonObject) -> str:
    """Its value with what kind it is; empty for one that is not shown."""
    if identifier.get("system") in _SECRET_SYSTEMS or not isinstance(identifier.get("value"), str):
        return ""
    kind = _words(identifier.get("type"))
    return f"{kind} {identifier['value']}" if kind else str(identifier["value"])


def _matching(rows: Sequence[PatientRow], text: str) -> list[PatientRow]:
    """Those in which each word occurs."""
    words = text.casefold().replace(",", " ").split()
    return [
        row
        for row in rows
        if all(word in f"{row.name} {row.born} {' '.join(row.identifiers)}".casefold() for word in words)
    ]


def _encounter(resource: JsonObject) -> EncounterRow:
    period = resource.get("period") or {}
    types = resource.get("type") or [{}]
    what = (
        _words(types[0])
        or _words(resource.get("serviceType"))
        or str(resource.get("class", {}).get("display", ""))
    )
    when = str(period.get("start", ""))[:16].replace("T", " ")
    return EncounterRow(resource["id"], when, what or "Visit", str(resource.get("status", "")))


def _words(concept: Json) -> str:
    """The words of a CodeableConcept."""
    if not isinstance(concept, dict):
        return ""
    codings = concept.get("coding") or [{}]
    return str(concept.get("text") or codings[0].get("display") or "")
