"""The story of one value, from its first mention to the EHR, as steps that a person reads.

Pure: told from what was claimed (:mod:`.chronicle`), who said so (:mod:`.evidence`), and the versions of the Tasks
that are about it. Nothing is stored for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.chronicle import REMOVED, REPLACED, WITHDRAWN, Held, Told, identity
from fhirserver.world.decision import Decision
from fhirserver.world.evidence import Word
from fhirserver.world.reasons import RULES
from fhirserver.world.review import PENDING
from fhirserver.world.survivorship import ABSENT, Claim, Win
from fhirserver.world.units import member_of, same

KINDS: Final = {
    "mentioned": "Words of a conversation that the claim rests on",
    "claimed": "A source states the value",
    "echoed": "The EHR answers with the value",
    "surer": "Its source says the same more surely",
    "corrected": "A reviewer states the value over what it contradicts",
    "verified": "A judge finds the claim in its evidence",
    "doubted": "A judge does not",
    "approved": "A reviewer confirms the claim",
    "rejected": "A reviewer rejects the claim",
    "superseded": "Another claim was put over it",
    "restored": "What was decided against the claim no longer counts",
    REPLACED: "Its source says something else",
    WITHDRAWN: "Its source no longer speaks of it",
    REMOVED: "Its source says that the resource is no more",
    "held": "From here on the world has this value",
    "review": "A review item about it is made or changes hands",
    "writeback": "A writeback to an EHR is requested or moves on",
}
"""The kinds of steps by code."""

_RULED: Final = {"verify": "verified", "doubt": "doubted", "approve": "approved", "reject": "rejected"}
_STATES: Final = frozenset({"superseded", REPLACED, WITHDRAWN, REMOVED})
_ORDER: Final = {kind: number for number, kind in enumerate(KINDS)}
_NAMELESS: Final = frozenset({"system", "use", "url", "id", "extension", "rank", "period", "reference"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``at`` is an instant; ``position`` its commit; ``reference`` what else it is about.

    ``provenance`` is the reference of the commit's Provenance; ``who`` may be empty.
    """

    kind: str
    at: str
    position: int
    text: str
    provenance: str = ""
    who: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class TaskState:
    """One version of a Task about the value: its JSON, and the word of the commit that made it."""

    id: str
    task: JsonObject
    word: Word


@dataclass(frozen=True, slots=True)
class Material:
    """All that the story of one unit is told from.

    ``words`` by position and source: of the statements, and with source "" of the commits; ``rules`` the rule by
    which each held outcome won, by position; ``sinks`` the sources that are EHRs.
    """

    unit: str
    told: Sequence[Told]
    held: Sequence[Held]
    decisions: Sequence[Decision]
    words: Mapping[tuple[int, str], Word]
    rules: Mapping[int, str] = field(default_factory=dict)
    reviews: Sequence[TaskState] = ()
    writebacks: Sequence[TaskState] = ()
    sinks: frozenset[str] = frozenset()


def story(material: Material) -> list[Step]:
    """The steps in order: by commit; what was said in a conversation comes before what was claimed from it."""
    steps = [
        *_claims(material),
        *_rulings(material),
        *_outcomes(material),
        *_reviews(material.reviews),
        *_writebacks(material.writebacks),
    ]
    return sorted(steps, key=lambda step: (step.position, _ORDER[step.kind], step.at))


def _claims(material: Material) -> Iterator[Step]:
    for one in material.told:
        word = material.words[one.claim.stamp.position, one.claim.source]
        yield from _mentions(word)
        yield _claimed(material, one, word)
        if one.claim.stamp.heard:
            again = material.words[one.claim.stamp.heard, one.claim.source]
            yield from _mentions(again)
            sure = f"{again.source} says so again, with confidence {one.claim.stamp.confidence}"
            yield _step("surer", again, sure)
        yield from _states(material, one)


def _mentions(word: Word) -> Iterator[Step]:
    """What was said in the conversations that a statement rests on."""
    for rests in word.rests:
        place = str(rests.what.get("reference", ""))
        for turn in rests.quotes:
            text = f"{turn.speaker}: “{turn.text}” (turn {turn.number})"
            yield Step(
                "mentioned", instant(turn.at), word.position, text, word.reference, turn.speaker, place
            )
        if rests.turns and not rests.quotes:
            turns = ", ".join(map(str, rests.turns))
            text = f"Said in turns {turns}; there is no transcript to quote from"
            yield Step("mentioned", word.recorded, word.position, text, word.reference, "", place)


def _claimed(material: Material, one: Told, word: Word) -> Step:
    claim = one.claim
    text = f"{named(word)} says {as_words(claim.value)}"
    if claim.value is not ABSENT and claim.source in material.sinks and _comes_back(material, claim, word):
        return _step("echoed", word, f"{named(word)} answers with {as_words(claim.value)}")
    if any(made.kind == "supersede" and _is_about(made, claim) for made in material.decisions):
        return _step("corrected", word, f"{text}, over what contradicts it")
    method = f", {word.method}" if word.method else ""
    return _step("claimed", word, f"{text} (confidence {claim.stamp.confidence}{method})")


def _comes_back(material: Material, claim: Claim, word: Word) -> bool:
    """Whether an EHR says what it was sent: in its answer, or later in a record that is read."""
    if word.method == "writeback":
        return True
    sent = any(state.word.position < word.position for state in material.writebacks if _has_left(state))
    before = [held.win for held in material.held if held.position < word.position]
    return sent and bool(before) and before[-1] is not None and same(before[-1].claim.value, claim.value)


def _has_left(state: TaskState) -> bool:
    return state.task.get("status") in ("in-progress", "completed")


def _is_about(made: Decision, claim: Claim) -> bool:
    return (made.source, made.claim) == identity(claim)


def _states(material: Material, one: Told) -> Iterator[Step]:
    """What became of a claim, where the rulings do not say it themselves."""
    before = "live"
    for position, status in one.turns[1:]:
        word = material.words[position, ""]
        whose = f"{one.claim.speaker}'s {as_words(one.claim.value)}"
        if status in _STATES:
            yield _step(status, word, f"{whose}: {KINDS[status].lower()}")
        elif status == "live" and before in ("superseded", "rejected"):
            yield _step("restored", word, f"{whose} counts again")
        before = status


def _rulings(material: Material) -> Iterator[Step]:
    claims = {identity(one.claim): one.claim for one in material.told}
    for made in material.decisions:
        claim = claims.get((made.source, made.claim))
        if claim is None or made.kind not in _RULED:
            continue
        word = material.words[made.position, ""]
        kind = _RULED[made.kind]
        sure = f" (confidence {made.confidence})" if made.confidence is not None else ""
        reason = f": {made.reason}" if made.reason else ""
        yield _step(
            kind, word, f"{word.who}: {claim.speaker}'s {as_words(claim.value)} is {kind}{sure}{reason}"
        )


def _outcomes(material: Material) -> Iterator[Step]:
    last: Win | None = None
    for held in material.held:
        word, before = material.words[held.position, ""], last
        last = held.win
        if before is not None and held.win is not None and _same(before, held.win):
            continue  # only who says so changed
        if held.win is None:
            yield _step("held", word, "Nothing holds any more")
            continue
        value, rule = as_words(held.win.claim.value), material.rules.get(held.position, "")
        because = f": {RULES[rule][0].lower()}{RULES[rule][1:]}" if rule else ""
        yield _step("held", word, f"The world has {value} with confidence {held.win.confidence}{because}")


def _same(one: Win, other: Win) -> bool:
    return one.confidence == other.confidence and same(one.claim.value, other.claim.value)


def _reviews(states: Sequence[TaskState]) -> Iterator[Step]:
    for before, now in _changes(states):
        text = _review_text(before.task if before else None, now.task, now.word.who)
        if text:
            yield _step("review", now.word, text, f"Task/{now.id}")


def _review_text(before: JsonObject | None, task: JsonObject, who: str) -> str:
    if before is None:
        return f"A review item is made (priority {task.get('priority', 'routine')})"
    if task.get("status") in PENDING and task.get("owner") != before.get("owner"):
        return f"{who} {'takes' if task.get('owner') else 'gives back'} the review item"
    if task.get("status") != before.get("status"):
        word = task.get("businessStatus", {}).get("text") or task.get("statusReason", {}).get("text")
        return f"{who}: the review item is {task.get('status')}{f' ({word})' if word else ''}"
    return ""


def _writebacks(states: Sequence[TaskState]) -> Iterator[Step]:
    attempts: dict[str, int] = {}
    for before, now in _changes(states):
        text = _writeback_text(before.task if before else None, now.task)
        if now.task.get("status") == "in-progress" and text:
            attempts[now.id] = attempts.get(now.id, 0) + 1
            text += f" (attempt {attempts[now.id]})"
        if text:
            yield _step("writeback", now.word, text, f"Task/{now.id}")


def _writeback_text(before: JsonObject | None, task: JsonObject) -> str:
    status, reason = str(task.get("status")), task.get("statusReason", {}).get("text", "")
    if before is not None and (before.get("status"), before.get("statusReason")) == (
        status,
        task.get("statusReason"),
    ):
        return ""
    sink = task.get("owner", {}).get("identifier", {}).get("value", "the EHR")
    record = next((str(one.get("valueString", "")) for one in task.get("output", ())), "")
    detail = ": ".join(filter(None, (reason, record)))
    return f"Writeback to {sink} is {status}{f': {detail}' if detail else ''}"


def _changes(states: Sequence[TaskState]) -> Iterator[tuple[TaskState | None, TaskState]]:
    """Each version of each Task with the one before it."""
    last: dict[str, TaskState] = {}
    for state in sorted(states, key=lambda one: one.word.position):
        yield last.get(state.id), state
        last[state.id] = state


def _step(kind: str, word: Word, text: str, reference: str = "") -> Step:
    return Step(kind, word.recorded, word.position, text, word.reference, word.who, reference)


def named(word: Word) -> str:
    """Who said it, as a person reads it: the source, then who is said to have spoken, and for whom."""
    spoke = [str(agent.get("who", {}).get("display", "")) for agent in word.agents]
    behalf = [str(agent.get("onBehalfOf", {}).get("display", "")) for agent in word.agents]
    more = [name for name in (*spoke, *(f"for {name}" for name in behalf if name)) if name]
    return f"{word.source} ({', '.join(more)})" if more else word.source


def concerns(task: JsonObject, unit: str) -> bool:
    """Whether a writeback Task is about a unit: its inputs name elements."""
    return any(one.get("type", {}).get("text") == member_of(unit) for one in task.get("input", ()))


def as_words(value: Json) -> str:
    """A unit's value as a person reads it: its texts and numbers, without systems and uses."""
    if value is ABSENT:
        return "that there is none"
    words = list(_leaves(value))
    return " ".join(words) if words else "a value"


def _leaves(value: Json) -> Iterator[str]:
    if isinstance(value, bool):
        yield "yes" if value else "no"
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, dict):
        yield from _members(value)
    elif value is not None:
        yield str(value)


def _members(value: JsonObject) -> Iterator[str]:
    for name in ("text", "display"):
        if isinstance(value.get(name), str):
            yield value[name]
            return
    told = {name: inner for name, inner in value.items() if name not in _NAMELESS and name[:1] != "_"}
    if not told and "reference" in value:
        yield str(value["reference"])
    for name in sorted(told, key=lambda name: name == "family"):  # given names first
        yield from _leaves(told[name])
