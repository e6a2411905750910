"""Review items: Tasks that hold claims for an operator to decide on. Pure: Task JSON out of claims and back.

One pending item per entity. Its claims lie in a contained Parameters resource (``#claims``): unit, source,
position, confidence, proposed and current value as JSON text, what the judge found, with quotes, and what was
decided. The profile is ``StructureDefinition/review-task``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fhirserver.kernel.instants import comparable
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, dumps, loads
from fhirserver.world.units import member_of
from fhirserver.world.urgency import priority, reasons
from fhirserver.world.vocabulary import (
    CLAIMED_UNTIL,
    REVIEW_KIND,
    REVIEW_OUTCOME,
    REVIEW_REASON,
    REVIEW_TASK,
    TASK_CODE,
    TASK_INPUT,
)

REVIEW = "review"
CLAIMS = "claims"
"""The kind of an item that is about what sources say; items of other kinds are decided in other ways."""
PENDING = ("requested", "accepted", "in-progress")
"""Task statuses of an item that still waits: unclaimed, claimed, being worked on."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """Words the judge's finding rests on."""

    turn: int
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What was decided on a claim: ``approve``, ``reject`` or ``correct``, by whom, in which version of the Task."""

    decision: str
    by: str
    version: int
    reason: str = ""


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
    settled: Settled | None = None

    @property
    def identity(self) -> tuple[str, str, int]:
        return (self.unit, self.source, self.position)


@dataclass(frozen=True, slots=True)
class Item:
    """A review item as it is read back from its Task.

    ``claims`` wait for a decision, ``decided`` have theirs. ``until`` is when the owner's hold ends, ``due`` when
    the item matters: instants, or empty.
    """

    focus: tuple[str, str]
    claims: tuple[ReviewClaim, ...]
    status: str
    owner: str = ""
    decided: tuple[ReviewClaim, ...] = ()
    kind: str = CLAIMS
    until: str = ""
    due: str = ""

    @property
    def every(self) -> tuple[ReviewClaim, ...]:
        """The open claims, then the decided ones."""
        return (*self.claims, *self.decided)

    @property
    def pending(self) -> bool:
        return self.status in PENDING


def review_task(
    type: str,
    id: str,
    claims: Sequence[ReviewClaim],
    authored: str,
    patient: str = "",
    evidence: str = "",
    due: str = "",
    now: str = "",
) -> JsonObject:
    """The Task of a pending item about ``type/id``; ``patient`` and ``evidence`` are references or empty.

    ``due`` is when it matters, ``now`` the time (``authored`` without): instants.
    """
    task: JsonObject = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {
            "coding": [
                {"system": TASK_CODE, "code": REVIEW, "display": "Review of claims"},
                {"system": REVIEW_KIND, "code": CLAIMS},
            ]
        },
        "focus": {"reference": f"{type}/{id}"},
        "authoredOn": authored,
        "input": [{"type": _input(CLAIMS), "valueReference": {"reference": "#claims"}}],
    }
    if patient:
        task["for"] = {"reference": patient}
    if evidence:
        task["reasonReference"] = {"reference": evidence}
    if due:
        task["restriction"] = {"period": {"end": due}}
    return holding(task, claims, now or authored)


def holding(task: JsonObject, claims: Sequence[ReviewClaim], now: str) -> JsonObject:
    """The Task with these claims, and with the reasons, priority and description that follow from the open ones."""
    type = str(task["focus"]["reference"]).partition("/")[0]
    left = [claim for claim in claims if claim.settled is None]
    held = [r for r in task.get("contained", ()) if r.get("id") != "claims"]
    changed = {**task, "contained": [*held, _parameters(claims)]}
    if not left:
        return changed
    changed["description"] = _description(type, left)
    return with_reasons(changed, reasons(claim.finding for claim in left), now)


def with_reasons(task: JsonObject, codes: Sequence[str], now: str) -> JsonObject:
    """The Task with its reasons, as ``reasonCode`` and as tags (``_tag`` finds them), and its priority."""
    coded = [{"system": REVIEW_REASON, "code": code} for code in codes]
    meta = task.get("meta", {})
    kept = [tag for tag in meta.get("tag", ()) if tag.get("system") != REVIEW_REASON]
    return {
        **task,
        "meta": {**meta, "profile": [REVIEW_TASK], "tag": [*coded, *kept]},
        "reasonCode": {"coding": coded},
        "priority": priority(codes, due_of(task), now),
    }


def reason_codes(task: JsonObject) -> list[str]:
    """The reasons a Task has."""
    codings = task.get("reasonCode", {}).get("coding", ())
    return [str(coding["code"]) for coding in codings if coding.get("system") == REVIEW_REASON]


def due_of(task: JsonObject) -> str:
    """When the item matters: an instant, or empty."""
    return _instant(task.get("restriction", {}).get("period", {}).get("end"))


def with_due(task: JsonObject, due: str) -> JsonObject:
    """The Task with when it matters."""
    if due == due_of(task) or not due:
        return task
    return {**task, "restriction": {"period": {"end": due}}}


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
    if claim.settled is not None:
        parts.append(decision_part(claim.settled))
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


def decision_part(settled: Settled) -> JsonObject:
    """What was decided, as a parameter."""
    parts: list[JsonObject] = [
        {"name": "code", "valueCode": settled.decision},
        {"name": "by", "valueString": settled.by},
        {"name": "version", "valueInteger": settled.version},
    ]
    if settled.reason:
        parts.append({"name": "reason", "valueString": settled.reason})
    return {"name": "decision", "part": parts}


def is_review(task: JsonObject) -> bool:
    """Whether a Task is a review item."""
    return REVIEW in _codes(task, TASK_CODE)


def _codes(task: JsonObject, system: str) -> list[str]:
    codings = task.get("code", {}).get("coding", ())
    return [str(coding.get("code")) for coding in codings if coding.get("system") == system]


def kind_of(task: JsonObject) -> str:
    """What kind of item it is, and so what deciding it means."""
    return next(iter(_codes(task, REVIEW_KIND)), CLAIMS)


def read_item(task: JsonObject) -> Item:
    """The item in a Task. Raises :class:`ValueError` for a Task that is none."""
    focus = str(task.get("focus", {}).get("reference", "")).split("/")
    held = next((r for r in task.get("contained", ()) if r.get("id") == "claims"), None)
    if not is_review(task) or len(focus) != 2 or (held is None and kind_of(task) == CLAIMS):
        raise ValueError("not a review item")
    claims = _read_claims(held or {})
    return Item(
        focus=(focus[0], focus[1]),
        claims=tuple(claim for claim in claims if claim.settled is None),
        status=str(task.get("status", "")),
        owner=task.get("owner", {}).get("identifier", {}).get("value", ""),
        decided=tuple(claim for claim in claims if claim.settled is not None),
        kind=kind_of(task),
        until=_until(task),
        due=due_of(task),
    )


def _read_claims(held: JsonObject) -> list[ReviewClaim]:
    """The claims in a contained Parameters; anybody who may write Tasks may have made it."""
    try:
        return [_read_claim(parameter) for parameter in held.get("parameter", ())]
    except (KeyError, TypeError, ArithmeticError, InvalidJson):
        raise ValueError("not the claims of a review item") from None


def _until(task: JsonObject) -> str:
    held = (one for one in task.get("extension", ()) if one.get("url") == CLAIMED_UNTIL)
    return next((_instant(one.get("valueInstant")) for one in held), "")


def _instant(text: Json) -> str:
    """A date or time as an instant; empty for what is none."""
    try:
        return comparable(str(text or ""))
    except (ValueError, OverflowError):
        return ""


def _read_claim(parameter: JsonObject) -> ReviewClaim:
    parts: dict[str, Json] = {}
    quotes: list[Quoted] = []
    for one in parameter.get("part", ()):
        if one["name"] == "quote":
            quotes.append(Quoted(**_bare_parts(one)))
        elif one["name"] == "decision":
            parts["settled"] = read_decision(one)
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
        settled=parts.get("settled"),
    )


def read_decision(parameter: JsonObject) -> Settled:
    """What was decided, out of its parameter. Raises :class:`KeyError` where it does not say what, by whom and when."""
    made = _bare_parts(parameter)
    return Settled(made["code"], made["by"], made["version"], made.get("reason", ""))


def _bare_parts(parameter: JsonObject) -> dict[str, Json]:
    return {one["name"]: _bare(one) for one in parameter["part"]}


def _bare(part: JsonObject) -> Json:
    return next((value for name, value in part.items() if name.startswith("value")), None)


def with_claims(task: JsonObject, claims: Sequence[ReviewClaim], now: str) -> JsonObject:
    """The Task with newer claims added; a newer statement on the same unit by the same source replaces the older."""
    item = read_item(task)
    kept = {(claim.unit, claim.source): claim for claim in item.claims}
    kept.update({(claim.unit, claim.source): claim for claim in claims})
    return holding(task, [*kept.values(), *item.decided], now)


def without_claims(
    task: JsonObject, done: Collection[tuple[str, str, int]], now: str, word: str, why: str
) -> JsonObject:
    """The item without the open claims that need nobody any more; it is called off where none is left.

    ``word`` is the business status of an item that is called off, ``why`` its reason.
    """
    item = read_item(task)
    left = [claim for claim in item.claims if claim.identity not in done]
    if len(left) == len(item.claims):
        return task
    if left:
        return holding(task, [*left, *item.decided], now)
    if item.decided:
        return closed(holding(task, item.decided, now), "completed", outcome_of(item.decided), now)
    return closed(task, "cancelled", word, now, why)


def closed(task: JsonObject, status: str, word: str, now: str, why: str = "") -> JsonObject:
    """The Task in a final status. ``word`` is one of the outcomes."""
    changed = freed(task)
    changed |= {"status": status, "businessStatus": outcome(word), "lastModified": now}
    if why:
        changed["statusReason"] = {"text": why}
    return changed


def freed(task: JsonObject) -> JsonObject:
    """The Task without its reviewer's hold."""
    changed = {name: value for name, value in task.items() if name not in ("owner", "extension")}
    others = [one for one in task.get("extension", ()) if one.get("url") != CLAIMED_UNTIL]
    return {**changed, "extension": others} if others else changed


def outcome(word: str) -> JsonObject:
    """What became of an item, as ``businessStatus``."""
    return {"coding": [{"system": REVIEW_OUTCOME, "code": word}], "text": word}


def outcome_of(decided: Iterable[ReviewClaim]) -> str:
    """``approved``, ``rejected`` or ``corrected`` where all claims were; else ``mixed``."""
    made = {claim.settled.decision for claim in decided if claim.settled is not None}
    return OUTCOMES[made.pop()] if len(made) == 1 else "mixed"


OUTCOMES = {"approve": "approved", "reject": "rejected", "correct": "corrected"}
"""The outcome of an item on which all decisions were of one kind."""
