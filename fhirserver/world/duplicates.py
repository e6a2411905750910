"""Probable duplicates: review items that ask an operator whether two patients are one. Pure: Task JSON and back.

``focus`` is the one patient and ``for`` the other. The score lies in a contained Parameters resource (``#match``): the
ids of both (references would follow a merge), grade, score, bits, explanation, for each field how far it agrees and
how much that tells, and what was decided.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.entity import Entity
from fhirserver.world.identity.scoring import Score
from fhirserver.world.review import (
    OUTCOMES,
    REVIEW,
    Settled,
    closed,
    decision_part,
    freed,
    is_review,
    kind_of,
    outcome,
    read_decision,
    with_due,
    with_reasons,
)
from fhirserver.world.vocabulary import REVIEW_KIND, TASK_CODE, TASK_INPUT
from fhirserver.world.voices import speaker

DUPLICATE = "duplicate"
"""The kind of the items, and the reason why they wait."""
FACT = "duplicate"
"""The kind of the facts about pairs; their key is :func:`pair_key`."""
PENDING_PAIR, DIFFERENT, SAME, CALLED_OFF = "pending", "different", "same", "called-off"
"""What is known of a pair: it waits for a decision; they are two; they are one; one of them was no more before anybody
decided, so that it may be asked about again if both come back."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one field of a pair tells."""

    field: str
    level: str
    bits: Decimal


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The item as it is read back from its Task; patients are ids.

    ``settled`` is what was decided: ``approve`` (they are one, ``survivor`` is the one that is left) or ``reject``.
    """

    patient: str
    other: str
    grade: str
    score: Decimal
    bits: Decimal
    explanation: str
    fields: tuple[Told, ...]
    status: str
    owner: str = ""
    settled: Settled | None = None
    survivor: str = ""

    @property
    def merged(self) -> str:
        """The one that was merged into the survivor; empty where they were not found to be one."""
        return {self.patient: self.other, self.other: self.patient}.get(self.survivor, "")


def pair_key(one: str, other: str) -> str:
    """The key of a pair of patients, whichever comes first."""
    return "|".join(sorted((one, other)))


def task_id(one: str, other: str) -> str:
    """The id of the Task about a pair: there is one, for ever."""
    return derived_id(DUPLICATE, pair_key(one, other))


def duplicate_task(
    one: str, other: str, score: Score, authored: str, due: str = "", now: str = ""
) -> JsonObject:
    """The Task of a pair that waits for a decision; ``due`` is when it matters, ``now`` the time: instants."""
    task: JsonObject = {
        "resourceType": "Task",
        "contained": [_parameters(one, other, score)],
        "status": "requested",
        "intent": "order",
        "code": {
            "coding": [
                {"system": TASK_CODE, "code": REVIEW},
                {"system": REVIEW_KIND, "code": DUPLICATE, "display": "Probable duplicate"},
            ]
        },
        "description": f"Probable duplicate - {score.grade.value}",
        "focus": {"reference": f"Patient/{one}"},
        "for": {"reference": f"Patient/{other}"},
        "authoredOn": authored,
        "input": [
            {
                "type": {"coding": [{"system": TASK_INPUT, "code": "match"}]},
                "valueReference": {"reference": "#match"},
            }
        ],
    }
    return with_reasons(with_due(task, due), [DUPLICATE], now or authored)


def _parameters(one: str, other: str, score: Score) -> JsonObject:
    fields: list[JsonObject] = [
        {
            "name": "field",
            "part": [
                {"name": "name", "valueString": weighed.field},
                {"name": "level", "valueString": weighed.level},
                {"name": "bits", "valueDecimal": Decimal(f"{weighed.bits:.2f}")},
            ],
        }
        for weighed in score.fields
    ]
    told: list[JsonObject] = [
        {"name": "patient", "valueId": one},
        {"name": "other", "valueId": other},
        {"name": "grade", "valueCode": score.grade.value},
        {"name": "score", "valueDecimal": Decimal(f"{score.probability:.4f}")},
        {"name": "bits", "valueDecimal": Decimal(f"{score.bits:.2f}")},
        {"name": "household", "valueDecimal": Decimal(f"{score.household:.2f}")},
        {"name": "explanation", "valueString": score.explanation},
    ]
    return {"resourceType": "Parameters", "id": "match", "parameter": [*told, *fields]}


def is_duplicate(task: JsonObject) -> bool:
    """Whether a Task asks about a probable duplicate."""
    return is_review(task) and kind_of(task) == DUPLICATE


def read_duplicate(task: JsonObject) -> Duplicate:
    """The item in a Task. Raises :class:`ValueError` for a Task that is none; anybody who may write Tasks may have
    made it."""
    held = next((one for one in task.get("contained", ()) if one.get("id") == "match"), None)
    if held is None or not is_duplicate(task):
        raise ValueError("not an item about a probable duplicate")
    try:
        return _read(task, held.get("parameter", ()))
    except (KeyError, TypeError, ArithmeticError):
        raise ValueError("not the score of a probable duplicate") from None


def _read(task: JsonObject, parameters: Sequence[JsonObject]) -> Duplicate:
    plain = {one["name"]: _value(one) for one in parameters if "part" not in one}
    fields = tuple(_read_field(one) for one in parameters if one["name"] == "field")
    made = next((read_decision(one) for one in parameters if one["name"] == "decision"), None)
    return Duplicate(
        str(plain["patient"]),
        str(plain["other"]),
        str(plain["grade"]),
        Decimal(plain["score"]),
        Decimal(plain["bits"]),
        str(plain["explanation"]),
        fields,
        str(task.get("status", "")),
        str(task.get("owner", {}).get("identifier", {}).get("value", "")),
        made,
        str(plain.get("survivor", "")),
    )


def _read_field(parameter: JsonObject) -> Told:
    parts = {part["name"]: _value(part) for part in parameter["part"]}
    return Told(str(parts["name"]), str(parts["level"]), Decimal(parts["bits"]))


def _value(parameter: JsonObject) -> Json:
    return next((value for name, value in parameter.items() if name.startswith("value")), None)


def settled_pair(task: JsonObject, made: Settled, now: str, survivor: str = "") -> JsonObject:
    """The item once it is decided; ``survivor`` is the id of the one into which the other was merged."""
    told = [decision_part(made), *([{"name": "survivor", "valueId": survivor}] if survivor else [])]
    return closed(_deciding(task, told), "completed", OUTCOMES[made.decision], now, made.reason)


def reopened_pair(task: JsonObject, now: str, reason: str = "") -> JsonObject:
    """The item once its decision was taken back."""
    changed = freed(_deciding(task, ()))
    changed |= {"status": "requested", "businessStatus": outcome("reopened"), "lastModified": now}
    changed["statusReason"] = {"text": reason} if reason else None
    return changed


def _deciding(task: JsonObject, told: Sequence[JsonObject]) -> JsonObject:
    """The Task whose ``#match`` tells this of the decision."""
    contained = [
        {**held, "parameter": [*(p for p in held["parameter"] if p["name"] not in _DECIDING), *told]}
        if held.get("id") == "match"
        else held
        for held in task["contained"]
    ]
    return {**task, "contained": contained}


_DECIDING = ("decision", "survivor")


def survivor(one: Entity, other: Entity, authoritative: Collection[str]) -> str:
    """The id of the one to be left: that of which an authoritative source speaks, else more sources, else the older."""
    return max(one, other, key=lambda entity: _weight(entity, authoritative)).key.id


def _weight(entity: Entity, authoritative: Collection[str]) -> tuple[bool, int, int]:
    speakers = {speaker(view.source) for view in entity.ledger.views if view.deleted is None}
    return not speakers.isdisjoint(authoritative), len(speakers), -entity.pk
