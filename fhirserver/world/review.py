"""Review items: Tasks that hold claims for an operator to decide on. Pure: Task JSON out of claims and back.

One pending item per entity. Its claims lie in a contained Parameters resource (``#claims``): unit, source,
position, confidence, proposed and current value as JSON text, and what the judge found, with quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from fhirserver.kernel.json import Json, JsonObject, dumps, loads
from fhirserver.world.units import member_of
from fhirserver.world.vocabulary import TASK_CODE, TASK_INPUT

REVIEW = "review"
PENDING = ("requested", "accepted", "in-progress")
"""Task statuses of an item that still waits: unclaimed, claimed, being worked on."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """Words the judge's finding rests on."""

    turn: int
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class ReviewClaim:
    """One claim in a review item. Values are the unit's JSON, None for absent."""

    unit: str
    source: str
    position: int
    confidence: Decimal
    proposed: Json
    current: Json = None
    finding: str = ""
    reasoning: str = ""
    quotes: tuple[Quoted, ...] = ()

    @property
    def identity(self) -> tuple[str, str, int]:
        return (self.unit, self.source, self.position)


@dataclass(frozen=True, slots=True)
class Item:
    """A review item as it is read back from its Task."""

    focus: tuple[str, str]
    claims: tuple[ReviewClaim, ...]
    status: str
    owner: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)


def review_task(
    type: str,
    id: str,
    claims: Sequence[ReviewClaim],
    authored: str,
    patient: str = "",
    evidence: str = "",
) -> JsonObject:
    """The Task of a pending item about ``type/id``; ``patient`` and ``evidence`` are references or empty."""
    task: JsonObject = {
        "resourceType": "Task",
        "contained": [_parameters(claims)],
        "status": "requested",
        "intent": "order",
        "priority": priority(claims),
        "code": {"coding": [{"system": TASK_CODE, "code": REVIEW, "display": "Review of claims"}]},
        "description": _description(type, claims),
        "focus": {"reference": f"{type}/{id}"},
        "authoredOn": authored,
        "input": [{"type": _input("claims"), "valueReference": {"reference": "#claims"}}],
    }
    if patient:
        task["for"] = {"reference": patient}
    if evidence:
        task["reasonReference"] = {"reference": evidence}
    return task


def priority(claims: Iterable[ReviewClaim]) -> str:
    """Contradicted claims are urgent: the caller heard something else than was written down."""
    return "urgent" if any(claim.finding == "contradicted" for claim in claims) else "routine"


def _description(type: str, claims: Sequence[ReviewClaim]) -> str:
    paths = list(dict.fromkeys(member_of(claim.unit) for claim in claims))
    return f"{type}: {', '.join(paths)} - {len(claims)} claim{'s' if len(claims) != 1 else ''} to review"


def _input(code: str) -> JsonObject:
    return {"coding": [{"system": TASK_INPUT, "code": code}]}


def _parameters(claims: Iterable[ReviewClaim]) -> JsonObject:
    return {"resourceType": "Parameters", "id": "claims", "parameter": [_claim(claim) for claim in claims]}


def _claim(claim: ReviewClaim) -> JsonObject:
    parts: list[JsonObject] = [
        {"name": "unit", "valueString": claim.unit},
        {"name": "source", "valueString": claim.source},
        {"name": "position", "valueInteger": claim.position},
        {"name": "confidence", "valueDecimal": claim.confidence},
    ]
    for name, value in (("proposed", claim.proposed), ("current", claim.current)):
        if value is not None:
            parts.append({"name": name, "valueString": dumps(value).decode()})
    for name, text in (("finding", claim.finding), ("reasoning", claim.reasoning)):
        if text:
            parts.append({"name": name, "valueString": text})
    parts += [_quote(quote) for quote in claim.quotes]
    return {"name": "claim", "part": parts}


def _quote(quote: Quoted) -> JsonObject:
    return {
        "name": "quote",
        "part": [
            {"name": "turn", "valueInteger": quote.turn},
            {"name": "speaker", "valueString": quote.speaker},
            {"name": "text", "valueString": quote.text},
        ],
    }


def is_review(task: JsonObject) -> bool:
    """Whether a Task is a review item."""
    codings = task.get("code", {}).get("coding", ())
    return any(coding.get("system") == TASK_CODE and coding.get("code") == REVIEW for coding in codings)


def read_item(task: JsonObject) -> Item:
    """The item in a Task. Raises :class:`ValueError` for a Task that is none."""
    focus = str(task.get("focus", {}).get("reference", "")).split("/")
    held = next((r for r in task.get("contained", ()) if r.get("id") == "claims"), None)
    if not is_review(task) or len(focus) != 2 or held is None:
        raise ValueError("not a review item")
    claims = tuple(_read_claim(parameter) for parameter in held.get("parameter", ()))
    owner = task.get("owner", {}).get("identifier", {}).get("value", "")
    return Item((focus[0], focus[1]), claims, str(task.get("status", "")), owner)


def _read_claim(parameter: JsonObject) -> ReviewClaim:
    parts: dict[str, Json] = {}
    quotes: list[Quoted] = []
    for one in parameter.get("part", ()):
        if one["name"] == "quote":
            inner = {part["name"]: _bare(part) for part in one["part"]}
            quotes.append(Quoted(inner["turn"], inner["speaker"], inner["text"]))
        else:
            parts[one["name"]] = _bare(one)
    return ReviewClaim(
        unit=parts["unit"],
        source=parts["source"],
        position=parts["position"],
        confidence=Decimal(parts["confidence"]),
        proposed=loads(parts["proposed"]) if "proposed" in parts else None,
        current=loads(parts["current"]) if "current" in parts else None,
        finding=parts.get("finding", ""),
        reasoning=parts.get("reasoning", ""),
        quotes=tuple(quotes),
    )


def _bare(part: JsonObject) -> Json:
    return next((value for name, value in part.items() if name.startswith("value")), None)


def with_claims(task: JsonObject, claims: Sequence[ReviewClaim]) -> JsonObject:
    """The Task with newer claims added; a newer statement on the same unit by the same source replaces the older."""
    kept = {(claim.unit, claim.source): claim for claim in read_item(task).claims}
    kept.update({(claim.unit, claim.source): claim for claim in claims})
    merged = list(kept.values())
    type = str(task["focus"]["reference"]).partition("/")[0]
    contained = [r for r in task.get("contained", ()) if r.get("id") != "claims"]
    return {
        **task,
        "contained": [*contained, _parameters(merged)],
        "priority": priority(merged),
        "description": _description(type, merged),
    }
