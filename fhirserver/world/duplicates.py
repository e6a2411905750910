"""Probable duplicates: Tasks that ask an operator whether two patients are one. Pure: a score to Task JSON and back.

``focus`` is the one patient and ``for`` the other. The score lies in a contained Parameters resource (``#match``): the
other patient, grade, score, bits, explanation, and for each field how far it agrees and how much that tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.kernel.ids import derived_id
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.identity.scoring import Grade, Score
from fhirserver.world.vocabulary import TASK_CODE, TASK_INPUT

DUPLICATE = "duplicate"
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
    """The item as it is read back from its Task; patients are ids."""

    patient: str
    other: str
    grade: str
    score: Decimal
    bits: Decimal
    explanation: str
    fields: tuple[Told, ...]
    status: str
    owner: str = ""


def pair_key(one: str, other: str) -> str:
    """The key of a pair of patients, whichever comes first."""
    return "|".join(sorted((one, other)))


def task_id(one: str, other: str) -> str:
    """The id of the Task about a pair: there is one, for ever."""
    return derived_id(DUPLICATE, pair_key(one, other))


def duplicate_task(one: str, other: str, score: Score, authored: str) -> JsonObject:
    """The Task of a pair that waits for a decision."""
    return {
        "resourceType": "Task",
        "contained": [_parameters(other, score)],
        "status": "requested",
        "intent": "order",
        "priority": "urgent" if score.grade is Grade.CERTAIN else "routine",
        "code": {"coding": [{"system": TASK_CODE, "code": DUPLICATE, "display": "Probable duplicate"}]},
        "description": f"Two patients are probably one: {score.grade.value}",
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


def _parameters(other: str, score: Score) -> JsonObject:
    fields: list[JsonObject] = [
        {
            "name": "field",
            "part": [
                {"name": "name", "valueString": one.field},
                {"name": "level", "valueString": one.level},
                {"name": "bits", "valueDecimal": Decimal(f"{one.bits:.2f}")},
            ],
        }
        for one in score.fields
    ]
    told: list[JsonObject] = [
        {"name": "other", "valueReference": {"reference": f"Patient/{other}"}},
        {"name": "grade", "valueCode": score.grade.value},
        {"name": "score", "valueDecimal": Decimal(f"{score.probability:.4f}")},
        {"name": "bits", "valueDecimal": Decimal(f"{score.bits:.2f}")},
        {"name": "household", "valueDecimal": Decimal(f"{score.household:.2f}")},
        {"name": "explanation", "valueString": score.explanation},
    ]
    return {"resourceType": "Parameters", "id": "match", "parameter": [*told, *fields]}


def is_duplicate(task: JsonObject) -> bool:
    """Whether a Task asks about a probable duplicate."""
    codings = task.get("code", {}).get("coding", ())
    return any(one.get("system") == TASK_CODE and one.get("code") == DUPLICATE for one in codings)


def read_duplicate(task: JsonObject) -> Duplicate:
    """The item in a Task. Raises :class:`ValueError` for a Task that is none."""
    held = next((one for one in task.get("contained", ()) if one.get("id") == "match"), None)
    if held is None or not is_duplicate(task):
        raise ValueError("not an item about a probable duplicate")
    parameters: Sequence[JsonObject] = held.get("parameter", ())
    plain = {one["name"]: _value(one) for one in parameters if "part" not in one}
    fields = tuple(_read_field(one) for one in parameters if one["name"] == "field")
    return Duplicate(
        _id(task["focus"]),
        _id(task["for"]),
        str(plain["grade"]),
        Decimal(plain["score"]),
        Decimal(plain["bits"]),
        str(plain["explanation"]),
        fields,
        str(task.get("status", "")),
        str(task.get("owner", {}).get("identifier", {}).get("value", "")),
    )


def _read_field(parameter: JsonObject) -> Told:
    parts = {part["name"]: _value(part) for part in parameter["part"]}
    return Told(str(parts["name"]), str(parts["level"]), Decimal(parts["bits"]))


def _value(parameter: JsonObject) -> Json:
    return next((value for name, value in parameter.items() if name.startswith("value")), None)


def _id(reference: JsonObject) -> str:
    return str(reference["reference"]).partition("/")[2]
