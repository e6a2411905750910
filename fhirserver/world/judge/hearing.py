"""Whose words count: the caller's, and those of somebody else only once they speak for the caller."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from zoneinfo import ZoneInfo

from fhirserver.ports.judge import Claim, Evidence, Quote, Turn
from fhirserver.world.judge.topics import asked_topics
from fhirserver.world.spoken.words import fold

CALLER, AGENT = "caller", "agent"
_CALLERS = frozenset(("caller", "patient", "user", "customer", "human", "member", "client"))
_AGENTS = frozenset(
    ("agent", "assistant", "operator", "bot", "system", "staff", "receptionist", "ai", "clinic", "ivr")
)
KIN = (
    r"(?:mother|father|mom|mum|mama|dad|daddy|papa|son|daughter|husband|wife|child|kid|partner|brother|sister|"
    r"grandmother|grandfather|grandma|grandpa|grandson|granddaughter|aunt|uncle|friend|neighbou?r|boyfriend|"
    r"girlfriend|fiancee?|spouse|cousin|niece|nephew|roommate|parents?|boss|coworker|(?:little )?(?:boy|girl)|"
    r"baby|(?:mother|father|son|daughter|sister|brother) in law|caregiver|carer|nurse|aide)"
)
_HANDED_OVER = re.compile(
    rf"\b(?:here(?:'s| is| comes)|(?:i'll|let me|gonna|going to|can i|i can|i will) (?:just )?"
    rf"(?:put|get|hand|pass|give|let)|putting|handing|passing) (?:you |the phone |it )?(?:over |on )?(?:to )?"
    rf"(?:my {KIN}|him|her|them)\b|"
    r"\b(?:he|she|they)(?:'ll| will| can) (?:tell|give|read|answer|say|explain)\b|"
    rf"\b(?:ask|talk to|speak (?:to|with)|go ahead) (?:my {KIN}|him|her|them|honey|dear|sweetie)\b"
)
_SPEAKS_FOR = re.compile(
    r"\b(?:on (?:his|her|their|my \w+'s) behalf|on behalf of|(?:speaking|calling|answering|talking) for (?:him|her|"
    r"them|my|the patient)|"
    r"power of attorney|(?:legal )?guardian|i(?:'m| am) (?:his|her|their|the) (?:caregiver|carer|mother|"
    r"father|mom|mum|dad|parent|interpreter)|i(?:'m| am) the (?:patient|one with the appointment)|"
    r"this is the patient|i (?:handle|take care of|manage) (?:his|her|their|all)|(?:he|she) asked me to)\b"
)
_ON_BEHALF = re.compile(
    rf"\b(?:for|about|regarding|behalf of) (?:my|our) (?:\w+ )?{KIN}\b|"
    rf"\b(?:my|our) (?:\w+ )?{KIN}(?:'s)? (?:needs?|has an? appointment|appointment|visit|checkup|check up|"
    rf"is (?:a|the) "
    rf"patient)|"
    rf"\bi(?:'m| am) (?:his|her|their) {KIN}\b|\bthe patient is my\b|\bon (?:his|her|their) behalf\b"
)
_NOISE = re.compile(r"\[[^\]]*\]|<[^>]*>|\*[^*]*\*|\((?:[^)\d]*)\)")
"""What a recogniser or a typist notes beside the words: ``[background: 0143]``, ``(laughs)``."""


@dataclass(frozen=True, slots=True)
class Talk:
    """The turns that count for one claim, the day of the call, and whether it is made for somebody else.

    ``asked`` has for each turn the topics of the question that it answers.
    """

    turns: tuple[Turn, ...]
    today: date
    on_behalf: bool
    asked: tuple[frozenset[str], ...]
    zone: ZoneInfo


def _side(speaker: str) -> str:
    folded = fold(speaker).strip()
    return CALLER if folded in _CALLERS else AGENT if folded in _AGENTS else folded


def _quiet(text: str) -> str:
    """The text with noted noise blanked, every place kept."""
    return _NOISE.sub(lambda m: " " * len(m[0]), text)


def counted(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """The agent's and the caller's turns; somebody else's from where the caller handed over, or where they
    say that they speak for the patient."""
    kept: list[Turn] = []
    trusted: set[str] = set()
    handed = False
    for turn in turns:
        side, text = _side(turn.speaker), _quiet(turn.text)
        if side == CALLER:
            handed = handed or _HANDED_OVER.search(fold(text)) is not None
        elif side != AGENT:
            if handed or _SPEAKS_FOR.search(fold(text)):
                trusted.add(side)
            if side not in trusted:
                continue
            side = CALLER
        kept.append(replace(turn, speaker=side, text=text))
    return tuple(kept)


def talk(claim: Claim, evidence: Evidence) -> Talk:
    """What is to be looked at for a claim.

    It begins just before the first turn that the claim names as evidence: later words count, earlier
    matters do not.
    """
    turns = counted(evidence.turns)
    behalf = any(t.speaker == CALLER and _ON_BEHALF.search(fold(t.text)) for t in turns)
    if claim.turns:
        first = min(claim.turns) - 1
        turns = tuple(t for t in turns if t.number >= first) or turns
    zone = ZoneInfo(evidence.zone)
    today = turns[0].at.astimezone(zone).date() if turns else date.max
    asked = tuple(asked_topics(turns, i) if t.speaker == CALLER else frozenset() for i, t in enumerate(turns))
    return Talk(turns, today, behalf, asked, zone)


def as_spoken(quotes: Sequence[Quote], evidence: Evidence) -> tuple[Quote, ...]:
    """The quotes with the speakers and words of the transcript itself."""
    original = {turn.number: turn for turn in evidence.turns}
    found = [original[q.turn] for q in quotes if q.turn in original]
    return tuple(dict.fromkeys(Quote(t.number, t.speaker, t.text) for t in found))
