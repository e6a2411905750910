"""Values that a caller gives over several turns, the agent saying ``go on`` between them."""

from __future__ import annotations

from datetime import date

from fhirserver.ports.judge import Finding, Turn, Verdict
from fhirserver.world.judge.fragments import characters_in, date_parts
from fhirserver.world.judge.hearing import CALLER, Talk
from fhirserver.world.judge.kinds import Kind
from fhirserver.world.judge.reading import quote
from fhirserver.world.judge.remarks import is_hedged
from fhirserver.world.judge.topics import topics_in

MOST = 6
"""Turns over which one value is spread, at most."""


def in_pieces(verdict: Verdict, expected: str, talk: Talk, kind: Kind, letters: bool) -> Verdict:
    """The verdict, or a better one where the caller's characters one after another are the value."""
    if not _not_found(verdict):
        return verdict
    turns = [(t, talk.asked[i]) for i, t in enumerate(talk.turns) if t.speaker == CALLER]
    for i in range(len(turns)):
        joined, used = "", list[Turn]()
        for turn, asked in turns[i : i + MOST]:
            said = characters_in(turn.text, letters)
            named = topics_in(turn.text)
            if (
                (asked and not asked & kind.topics)
                or (named and not named & kind.topics)
                or is_hedged(turn.text)
            ):
                break
            if not said:
                continue
            joined += said
            used.append(turn)
            if joined == expected and len(used) > 1:
                return _pieced(kind.what, used)
            if not expected.startswith(joined):
                break
    return verdict


def date_in_pieces(verdict: Verdict, expected: date, talk: Talk, kind: Kind) -> Verdict:
    """As :func:`in_pieces`, for month, day and year."""
    if not _not_found(verdict):
        return verdict
    turns = [
        t
        for i, t in enumerate(talk.turns)
        if t.speaker == CALLER and (not talk.asked[i] or talk.asked[i] & kind.topics)
    ]
    for i in range(len(turns)):
        parts, used = dict[str, int](), list[Turn]()
        for turn in turns[i : i + 3]:
            if is_hedged(turn.text):
                break
            parts |= date_parts(turn.text)
            used.append(turn)
            whole = {"month", "day", "year"} <= parts.keys()
            if (
                whole
                and (parts["month"], parts["day"]) == (expected.month, expected.day)
                and _is_year(parts["year"], expected)
            ):
                return _pieced(kind.what, used)
    return verdict


def _is_year(said: int, expected: date) -> bool:
    return said == expected.year if said > 99 else said == expected.year % 100


def _not_found(verdict: Verdict) -> bool:
    return verdict.finding is Finding.DOUBTFUL and "is not found" in verdict.reasoning


def _pieced(what: str, used: list[Turn]) -> Verdict:
    reason = f"The caller said the {what} in pieces; it was not confirmed as a whole."
    return Verdict(Finding.VERIFIED, 0.72, reason, tuple(quote(t) for t in used))
