"""How a value went through a conversation: said, read back, confirmed, denied, changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from fhirserver.ports.judge import Finding, Quote, Turn, Verdict
from fhirserver.world.spoken.answers import Answer, answer, versions

Finder = Callable[[Turn], Sequence[Hashable]]
"""The values of one kind that a turn's text holds, as comparable keys, in order."""
_ELSE = re.compile(r"\b(?:any|some)thing else\b", re.I)
"""A question about other business: its answer says nothing of what was named before it."""
CALLER, AGENT = "caller", "agent"


@dataclass(frozen=True, slots=True)
class Mention:
    """A turn that names values; ``reply`` is the caller's answer where the turn is the agent's."""

    turn: Turn
    values: tuple[Hashable, ...]
    reply: Answer | None = None
    reply_turn: Turn | None = None

    @property
    def by_caller(self) -> bool:
        return self.turn.speaker == CALLER


def quote(turn: Turn) -> Quote:
    """A turn as a quote."""
    return Quote(turn.number, turn.speaker, turn.text)


def reply_to(turns: Sequence[Turn], index: int) -> tuple[Answer | None, Turn | None]:
    """What the caller answered to the agent's turn at ``index``, before the agent spoke again."""
    if _ELSE.search(turns[index].text):
        return None, None
    for turn in turns[index + 1 :]:
        if turn.speaker != CALLER:
            break
        said = answer(turn.text)
        if said is not None:
            return said, turn
    return None, None


def corrected(text_finder: Callable[[str], Sequence[Hashable]], text: str) -> tuple[Hashable, ...]:
    """The values in the version of an utterance that holds: the last that says any."""
    for version in versions(text):
        values = tuple(text_finder(version.text))
        if values:
            return values
    return tuple(text_finder(text))


def mentions_of(turns: Sequence[Turn], finder: Callable[[str], Sequence[Hashable]]) -> list[Mention]:
    """Every turn that names values of a kind, in order."""
    out = []
    for i, turn in enumerate(turns):
        if turn.speaker == CALLER:
            values = corrected(finder, turn.text)
            if values:
                out.append(Mention(turn, values))
        else:
            values = tuple(finder(turn.text))
            if values:
                out.append(Mention(turn, values, *reply_to(turns, i)))
    return out


def weigh(expected: Hashable, found: Sequence[Mention], what: str) -> Verdict:
    """Compare what is claimed with the mentions of its kind, the last word first."""
    confirmed = [m for m in found if not m.by_caller and m.reply is Answer.YES]
    denied = [m for m in found if not m.by_caller and m.reply is Answer.NO and expected in m.values]
    said = [m for m in found if m.by_caller]
    right = [m for m in confirmed if expected in m.values]
    last_said = said[-1] if said else None
    if right:
        return _after_read_back(expected, right[-1], last_said, what)
    if denied and not (
        last_said and expected in last_said.values and last_said.turn.number > denied[-1].turn.number
    ):
        reason = f"The caller said no when the agent read the {what} back, and never confirmed it later."
        return Verdict(Finding.CONTRADICTED, 0.9, reason, _quotes(denied[-1]))
    return _without_read_back(expected, said, confirmed, what)


def _after_read_back(expected: Hashable, right: Mention, last_said: Mention | None, what: str) -> Verdict:
    changed = (
        last_said is not None
        and last_said.turn.number > (right.reply_turn or right.turn).number
        and expected not in last_said.values
    )
    if changed and last_said is not None:
        reason = f"The caller confirmed the {what} and gave another one afterwards."
        return Verdict(Finding.CONTRADICTED, 0.8, reason, (*_quotes(right), quote(last_said.turn)))
    before = (quote(last_said.turn),) if last_said and expected in last_said.values else ()
    heard = "The caller said it, and " if before else ""
    reason = f"{heard}the agent read the {what} back and the caller said yes.".capitalize()
    return Verdict(Finding.VERIFIED, 0.97 if before else 0.92, reason, (*before, *_quotes(right)))


def _without_read_back(
    expected: Hashable, said: Sequence[Mention], confirmed: Sequence[Mention], what: str
) -> Verdict:
    last = said[-1] if said else None
    if last is not None and expected in last.values:
        reason = f"The caller said the {what} and did not take it back; it was not read back."
        return Verdict(Finding.VERIFIED, 0.75, reason, (quote(last.turn),))
    if confirmed:
        reason = f"The caller confirmed another {what}."
        return Verdict(Finding.CONTRADICTED, 0.9, reason, _quotes(confirmed[-1]))
    if last is not None:
        earlier = any(expected in m.values for m in said[:-1])
        reason = f"The caller changed the {what} later." if earlier else f"The caller said another {what}."
        return Verdict(Finding.CONTRADICTED, 0.85, reason, (quote(last.turn),))
    return Verdict(Finding.DOUBTFUL, 0.7, f"The {what} is not found in what the caller said.")


def _quotes(mention: Mention) -> tuple[Quote, ...]:
    own = (quote(mention.turn),)
    return (*own, quote(mention.reply_turn)) if mention.reply_turn else own


def worst(verdicts: Sequence[Verdict], lead: str = "") -> Verdict:
    """The verdict on a whole from those on its parts: contradicted before doubtful before verified."""
    order = {Finding.CONTRADICTED: 0, Finding.DOUBTFUL: 1, Finding.VERIFIED: 2}
    chosen = min(verdicts, key=lambda v: (order[v.finding], v.confidence))
    same = [v for v in verdicts if v.finding is chosen.finding]
    reasons = " ".join(dict.fromkeys(v.reasoning for v in same))
    quotes = tuple(dict.fromkeys(q for v in same for q in v.quotes))
    return Verdict(chosen.finding, chosen.confidence, f"{lead}{reasons}", quotes)
