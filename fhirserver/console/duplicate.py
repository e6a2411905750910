"""What the page of a probable duplicate shows: the two patients side by side, and how far each field agrees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.console.review import Shown
from fhirserver.console.values import Span, word_diff
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.people import person
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.storage import Key
from fhirserver.store.as_of import Moment, entity_as_of
from fhirserver.store.duplicates import likely_survivor
from fhirserver.world.duplicates import Duplicate, Told, read_duplicate
from fhirserver.world.entity import Entity
from fhirserver.world.voices import speaker

FULL = Decimal(12)
"""The bits at which a bar is as long as it gets."""
LEVELS = {
    "same": "same",
    "near": "nearly the same",
    "nickname": "nickname",
    "slip": "one slip apart",
    "close": "alike",
    "initial": "initial",
    "part": "part of it",
    "swapped": "given and family name changed about",
    "partial": "as far as stated",
    "year": "same year",
    "day": "same day and month",
    "town": "same town",
    "different": "different",
}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two patients; ``stays`` is the one to be left if they are one."""

    id: str
    name: str
    sources: Sequence[str]
    stays: bool
    there: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """One field of both. ``level`` is empty where one of them does not state it; ``bits`` is then None."""

    label: str
    one: Sequence[Span]
    other: Sequence[Span]
    level: str
    bits: Decimal | None

    @property
    def bar(self) -> float:
        """From -1, against one person, to 1, for it."""
        return float(max(-FULL, min(FULL, self.bits or Decimal(0))) / FULL)


@dataclass(frozen=True, slots=True)
class Pair:
    """Both patients, what is compared, and what it comes to."""

    sides: Sequence[Side]
    rows: Sequence[Compared]
    household: Decimal
    """What is taken off because two of one household agree so too; 0 or less."""
    item: Duplicate


async def pair(context: Context, item: Shown) -> Pair | None:
    """The two of an item, as they are, or as they were when it was decided; None for a Task without a score."""
    try:
        read = read_duplicate(item.task)
    except ValueError:
        return None
    two = [await _as_seen(context, item.id, read, id) for id in (read.patient, read.other)]
    there = [one for one in two if one is not None]
    left = read.survivor or (likely_survivor(context.store, *there) if len(there) == len(two) else "")
    sides = [_side(id, one, left) for id, one in zip((read.patient, read.other), two, strict=True)]
    weighed = sum((told.bits for told in read.fields), Decimal(0))
    return Pair(
        sides, _rows(read.fields, *(one.json if one else {} for one in two)), read.bits - weighed, read
    )


async def _as_seen(context: Context, task: str, read: Duplicate, id: str) -> Entity | None:
    """A patient before the decision, where there is one: afterwards they may be one."""
    key = Key("Patient", id)
    made = await context.store.read_version("Task", task, read.settled.version) if read.settled else None
    if made is None:
        return await context.store.entity(*key)
    return await entity_as_of(context.store, key, Moment(made.position - 1, ""))


def _side(id: str, entity: Entity | None, left: str) -> Side:
    there = entity is not None and not entity.deleted and not entity.ledger.into
    if entity is None:
        return Side(id, f"Patient/{id}", (), stays=False, there=False)
    name = person({**entity.json, "resourceType": "Patient", "id": id}).title
    speakers = sorted({speaker(view.source) for view in entity.ledger.views})
    return Side(id, name, speakers, id == left, there)


def _rows(fields: Sequence[Told], one: JsonObject, other: JsonObject) -> list[Compared]:
    """The fields that either states; those that were compared as they were."""
    told = {field.field: field for field in fields}
    rows = [_row(label, told.get(name), says(one), says(other)) for name, (label, says) in _FIELDS.items()]
    return [row for row in rows if row.one or row.other or row.level]


def _row(label: str, told: Told | None, one: str, other: str) -> Compared:
    spans = word_diff(one, other) if one and other else (_plain(one), _plain(other))
    level = LEVELS.get(told.level, told.level) if told else ""
    return Compared(label, *spans, level, told.bits if told else None)


def _plain(text: str) -> list[Span]:
    return [Span(text, differs=False)] if text else []


def _names(member: str) -> Callable[[JsonObject], str]:
    """The given or family names, or suffixes, of all names; of a name that is only a text, that as the family name."""

    def said(patient: JsonObject) -> str:
        found = [
            " ".join(value) if isinstance(value, list) else str(value)
            for name in patient.get("name", ())
            if (
                value := name.get(member) or (member == "family" and "given" not in name and name.get("text"))
            )
        ]
        return _listed(found)

    return said


def _telecoms(*systems: str) -> Callable[[JsonObject], str]:
    def said(patient: JsonObject) -> str:
        return _listed(
            str(one["value"])
            for one in patient.get("telecom", ())
            if one.get("system") in systems and "value" in one
        )

    return said


def _addresses(patient: JsonObject) -> str:
    return _listed(
        ", ".join([*one.get("line", ()), *(str(one[m]) for m in ("city", "state", "postalCode") if m in one)])
        or str(one.get("text", ""))
        for one in patient.get("address", ())
    )


def _identifiers(patient: JsonObject) -> str:
    return _listed(str(one["value"]) for one in patient.get("identifier", ()) if "value" in one)


def _listed(values: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(values))


_FIELDS: Mapping[str, tuple[str, Callable[[JsonObject], str]]] = {
    "given": ("given name", _names("given")),
    "family": ("family name", _names("family")),
    "generation": ("generation", _names("suffix")),
    "birthDate": ("birth date", lambda patient: str(patient.get("birthDate", ""))),
    "gender": ("gender", lambda patient: str(patient.get("gender", ""))),
    "phone": ("phone", _telecoms("phone", "sms")),
    "email": ("e-mail", _telecoms("email")),
    "address": ("address", _addresses),
    "identifier": ("identifier", _identifiers),
}
"""The fields of a score, in the order of the page: what they are called, and what a patient says."""
