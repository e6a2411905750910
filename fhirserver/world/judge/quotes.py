"""Whether the quotes of a judge bear out its verdict: they must stand in the transcript and speak of the value."""

from __future__ import annotations

import re
from dataclasses import replace

from fhirserver.kernel.json import Json
from fhirserver.ports.judge import Claim, Evidence, Finding, Quote, Verdict
from fhirserver.world.judge.fragments import characters_in
from fhirserver.world.judge.hearing import AGENT, CALLER, counted
from fhirserver.world.spoken.answers import Answer, answer
from fhirserver.world.spoken.dates import MONTHS
from fhirserver.world.spoken.days import WEEKDAYS
from fhirserver.world.spoken.words import fold, plain, words

_TO_THE_MACHINE = re.compile(
    r"\b(?:verified|verify (?:this|that|it|all|everything)|(?:ignore|disregard) (?:all |any |your |the |"
    r"previous )*(?:instructions?|rules)|"
    r"system (?:message|prompt|note)|as an ai|language model|the judge|all claims|prompt|json|approved?|"
    r"mark (?:this|it|that|all))\b"
)
_NAMED = frozenset((*MONTHS, *WEEKDAYS, "today", "tomorrow", "noon", "am", "pm"))


def grounded(verdict: Verdict, claim: Claim, evidence: Evidence) -> Verdict:
    """The verdict, or a doubtful one where its quotes are not in the transcript, or are no testimony for the value."""
    if any(not _stands(quote, evidence) for quote in verdict.quotes):
        return _doubtful(verdict, "Its quotes are not found in the transcript.")
    if verdict.finding is Finding.VERIFIED and not _testifies(verdict.quotes, claim, evidence):
        return _doubtful(verdict, "Its quotes do not show the caller stating the value.")
    return verdict


def _doubtful(verdict: Verdict, why: str) -> Verdict:
    return replace(
        verdict, finding=Finding.DOUBTFUL, reasoning=f"{why} It said: {verdict.reasoning}", quotes=()
    )


def _stands(quote: Quote, evidence: Evidence) -> bool:
    said = plain(quote.text)
    return bool(said) and any(
        t.number == quote.turn and f" {said} " in f" {plain(t.text)} " for t in evidence.turns
    )


def _testifies(quotes: tuple[Quote, ...], claim: Claim, evidence: Evidence) -> bool:
    """The caller names (a part of) the value, or says yes to the agent who does."""
    sides = {turn.number: turn.speaker for turn in counted(evidence.turns)}
    own = [q for q in quotes if sides.get(q.turn) == CALLER and not _TO_THE_MACHINE.search(fold(q.text))]
    if not own:
        return False
    if any(speaks_of(q.text, claim) for q in own):
        return True
    put = any(sides.get(q.turn) == AGENT and speaks_of(q.text, claim) for q in quotes)
    return put and any(answer(q.text) is Answer.YES for q in own)


def speaks_of(text: str, claim: Claim) -> bool:
    """Whether a text holds a trace of the claimed value: a word of it, two of its characters in a row, a time."""
    heard, spoken = set(words(text)), characters_in(text, letters=True)
    for leaf in _leaves(claim.value):
        if {w for w in words(leaf) if len(w) > 2 and w.isalpha()} & heard:
            return True
        digits = re.sub(r"\D", "", leaf)
        if any(digits[i : i + 2] in spoken for i in range(len(digits) - 1)):
            return True
    timed = claim.type in ("Appointment", "Slot") or claim.unit.startswith("birthDate")
    return timed and bool(spoken or heard & _NAMED)


def _leaves(value: Json) -> list[str]:
    if isinstance(value, dict):
        return [
            leaf
            for name, inner in value.items()
            if name not in ("system", "use", "reference")
            for leaf in _leaves(inner)
        ]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [str(value)] if value is not None else []
