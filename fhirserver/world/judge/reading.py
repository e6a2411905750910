"""How a value went through a conversation: said, read back, confirmed, denied, changed."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from fhirserver.ports.judge import Finding, Quote, Turn, Verdict
from fhirserver.world.judge.hearing import CALLER, Talk
from fhirserver.world.judge.kinds import BY_AGENT, Kind, Value, last_version, values_in
from fhirserver.world.judge.remarks import asks_for_another, label_of
from fhirserver.world.judge.replies import is_read_back, reply_of
from fhirserver.world.judge.topics import topics_in
from fhirserver.world.spoken.answers import Answer
from fhirserver.world.spoken.words import plain

_DROP = re.compile(
    r"\b(?:never ?mind|forget (?:it|about it|that|what i said)|leave it (?:as|the way|alone)|(?:don't|"
    r"do not) (?:change|update|"
    r"bother|use (?:it|that)|put that)|keep (?:the|my|what|it|everything)(?: \w+)? (?:old|same|existing|"
    r"current|as|on file)|"
    r"keep (?:the old|it as)|scratch that|strike that|disregard|ignore (?:that|what)|i changed my mind|"
    r"take that (?:off|back|out)|"
    r"that's (?:my |the |an? )?(?:old|wrong|previous|former|outdated|expired)(?: \w+)?|"
    r"(?:i )?(?:gave|read|told) you (?:the|my) (?:wrong|old)|(?:that|it) (?:isn't|is not|wasn't) (?:right|"
    r"mine|correct)|"
    r"made (?:that|it) up|i was (?:lying|joking|kidding))\b"
)


@dataclass(frozen=True, slots=True)
class Event:
    """A turn that says something of the kind: ``said`` by the caller, ``put`` by the agent, ``dropped``."""

    turn: Turn
    act: str
    values: tuple[Value, ...] = ()
    reply: Answer | None = None
    reply_turn: Turn | None = None
    label: str = ""
    also: bool = False

    def has(self, expected: Hashable) -> bool:
        return any(v.key == expected for v in self.values)


def quote(turn: Turn) -> Quote:
    """A turn as a quote."""
    return Quote(turn.number, turn.speaker, turn.text)


def events(kind: Kind, talk: Talk) -> Iterator[Event]:
    """What happened to the kind's values, turn by turn."""
    put: Event | None = None
    spoken_at = -9
    for i, turn in enumerate(talk.turns):
        event = _said(kind, talk, i, put) if turn.speaker == CALLER else _put(kind, talk, i)
        if event is not None:
            spoken_at = i
            yield event
        put = event if turn.speaker != CALLER and event is not None else put if _still(talk, i, put) else None
        if (
            turn.speaker == CALLER
            and _DROP.search(plain(turn.text))
            and event is None
            and _concerns(kind, turn, i - spoken_at)
        ):
            yield Event(turn, "dropped")


def _still(talk: Talk, i: int, put: Event | None) -> bool:
    """Whether the caller may still be answering what was put to them."""
    return put is not None and talk.turns[i].speaker == CALLER


def _concerns(kind: Kind, turn: Turn, since: int) -> bool:
    about = topics_in(turn.text)
    return bool(about & kind.topics) or (not about and since <= 3)


def _said(kind: Kind, talk: Talk, i: int, put: Event | None) -> Event | None:
    turn, asked = talk.turns[i], talk.asked[i]
    before = (
        put.values[-1].key
        if put and put.values and put.reply is Answer.NO and put.reply_turn is turn
        else None
    )
    found = last_version(kind, turn.text, asked, talk.on_behalf, before)
    every = list(values_in(kind, turn.text, asked, talk.on_behalf))
    kept = [v for v in found if not v.remark.dropped and not (kind.own and v.remark.others)]
    gone = tuple(v for v in every if v.remark.dropped)
    if not kept:
        return Event(turn, "disowned", gone) if gone else None
    question = _question(talk, i)
    label = kept[-1].remark.label or label_of(question)
    also = any(v.remark.also for v in kept) or asks_for_another(question)
    return Event(turn, "said", tuple(kept), label=label, also=also)


def _question(talk: Talk, i: int) -> str:
    before = talk.turns[i - 1] if i else None
    return before.text if before is not None and before.speaker != CALLER else ""


def _put(kind: Kind, talk: Talk, i: int) -> Event | None:
    turn = talk.turns[i]
    if not is_read_back(turn.text):
        return None
    values = tuple(
        v for v in values_in(kind, turn.text, talk_topics(talk, i), talk.on_behalf) if not v.unclear
    )
    values = tuple(v for v in values if not v.remark.dropped)
    if not values:
        return None
    reply = reply_of(kind, talk.turns, i, [v.key for v in values], talk.on_behalf)
    return Event(turn, "put", values, reply.answer, reply.turn, label_of(turn.text))


def talk_topics(talk: Talk, i: int) -> frozenset[str]:
    """What the agent's turn at ``i`` repeats: the topics of the caller's turn before it, or what that answered."""
    for j in range(i - 1, max(i - 4, -1), -1):
        if talk.turns[j].speaker == CALLER:
            return (topics_in(talk.turns[j].text) or talk.asked[j]) | BY_AGENT
    return BY_AGENT


@dataclass(slots=True)
class Standing:
    """Where one value stands after the events so far."""

    state: str = "unheard"
    quotes: list[Turn] = field(default_factory=list)
    other: Event | None = None
    heard: bool = False
    label: str = ""
    said_otherwise: Event | None = None

    def move(self, state: str, *turns: Turn | None) -> None:
        kept = self.quotes if state == "confirmed" and self.state == "said" else []
        self.state, self.quotes = state, [*kept, *(t for t in turns if t is not None)]


def weigh(expected: Hashable, kind: Kind, talk: Talk) -> Verdict:
    """Whether the caller stated ``expected``, by everything said of its kind, the last word counting."""
    standing = Standing()
    for event in events(kind, talk):
        _STEPS[event.act](standing, event, expected, kind)
    return _verdict(standing, kind.what)


def _on_said(standing: Standing, event: Event, expected: Hashable, kind: Kind) -> None:
    match = [v for v in event.values if v.key == expected]
    if match:
        unsure = all(v.unclear or v.remark.hedged for v in match)
        standing.said_otherwise = None
        standing.heard = standing.heard or not unsure
        if standing.state != "confirmed":
            standing.move("unsure" if unsure else "said", event.turn)
            standing.label = event.label
        return
    alike = any(kind.alike(v.key, expected) for v in event.values)
    if _is_further(standing, event):
        return
    standing.other = event
    if standing.state in ("said", "confirmed", "unsure"):
        standing.move("replaced", event.turn)
    standing.said_otherwise = None if alike else event


def _is_further(standing: Standing, event: Event) -> bool:
    """Whether it is one more value beside the standing one, not another in its place."""
    if standing.state not in ("said", "confirmed"):
        return False
    return event.also or bool(event.label and standing.label and event.label != standing.label)


def _on_put(standing: Standing, event: Event, expected: Hashable, kind: Kind) -> None:
    if event.reply is Answer.NO:
        if event.has(expected):
            standing.move("denied", event.turn, event.reply_turn)
        standing.said_otherwise = None
    elif event.reply is Answer.YES and event.has(expected):
        if standing.said_otherwise is not None:
            standing.move("mismatch", standing.said_otherwise.turn, event.turn, event.reply_turn)
            return
        standing.move("confirmed", event.turn, event.reply_turn)
        standing.label = standing.label or event.label
    elif event.reply is Answer.YES:
        standing.other = event
        if standing.state in ("said", "confirmed", "unsure") and not _is_further(standing, event):
            standing.move("replaced", event.turn, event.reply_turn)


def _on_dropped(standing: Standing, event: Event, expected: Hashable, kind: Kind) -> None:
    if standing.state in ("said", "confirmed", "unsure"):
        standing.move("withdrawn", event.turn)


def _on_disowned(standing: Standing, event: Event, expected: Hashable, kind: Kind) -> None:
    if event.has(expected):
        standing.move("disowned", event.turn)


_STEPS = {"said": _on_said, "put": _on_put, "dropped": _on_dropped, "disowned": _on_disowned}
_REASONS = {
    "denied": (0.9, "The caller said no when the agent read the {} back, and never confirmed it later."),
    "replaced": (0.85, "The caller gave another {} afterwards."),
    "withdrawn": (0.8, "The caller took the {} back."),
    "disowned": (0.85, "The caller said that this {} is not, or no longer, the right one."),
}


def _verdict(standing: Standing, what: str) -> Verdict:
    quotes = tuple(dict.fromkeys(quote(turn) for turn in standing.quotes))
    if standing.state == "confirmed":
        heard = "The caller said it, and the" if standing.heard else "The"
        reason = f"{heard} agent read the {what} back and the caller said yes."
        return Verdict(Finding.VERIFIED, 0.97 if standing.heard else 0.92, reason, quotes)
    if standing.state == "said":
        reason = f"The caller said the {what} and did not take it back; it was not read back."
        return Verdict(Finding.VERIFIED, 0.75, reason, quotes)
    if standing.state in _REASONS:
        sure, words = _REASONS[standing.state]
        return Verdict(Finding.CONTRADICTED, sure, words.format(what), quotes)
    return _unsettled(standing, what, quotes)


def _unsettled(standing: Standing, what: str, quotes: tuple[Quote, ...]) -> Verdict:
    if standing.state == "mismatch":
        reason = f"The caller said yes to this {what}, but had said another one."
        return Verdict(Finding.DOUBTFUL, 0.7, reason, quotes)
    if standing.state == "unsure":
        reason = f"The caller was not sure of the {what}, and nobody confirmed it."
        return Verdict(Finding.DOUBTFUL, 0.7, reason, quotes)
    if standing.other is not None:
        done = "said" if standing.other.act == "said" else "confirmed"
        reason = f"The caller {done} another {what}."
        return Verdict(Finding.CONTRADICTED, 0.85, reason, (quote(standing.other.turn),))
    return Verdict(Finding.DOUBTFUL, 0.7, f"The {what} is not found in what the caller said.")


def worst(verdicts: Sequence[Verdict], lead: str = "") -> Verdict:
    """The verdict on a whole from those on its parts: contradicted before doubtful before verified."""
    order = {Finding.CONTRADICTED: 0, Finding.DOUBTFUL: 1, Finding.VERIFIED: 2}
    chosen = min(verdicts, key=lambda v: (order[v.finding], v.confidence))
    same = [v for v in verdicts if v.finding is chosen.finding]
    reasons = " ".join(dict.fromkeys(v.reasoning for v in same))
    quotes = tuple(dict.fromkeys(q for v in same for q in v.quotes))
    return Verdict(chosen.finding, chosen.confidence, f"{lead}{reasons}", quotes)
