"""What a stretch of talk is about, so that a street number is not taken for a member id."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fhirserver.ports.judge import Turn
from fhirserver.world.spoken.words import fold

_TOPICS = {
    "email": r"e ?-?mails?(?: address)?",
    "member": r"member(?:ship)?(?: i\.? ?d\.?| number| no)?|subscriber(?: i\.? ?d\.?| number)?|policy(?: number| no)?|"
    r"(?:insurance|plan|medicare|medicaid) (?:i\.? ?d\.?|number|card)|"
    r"i\.? ?d\.?(?: number)?|(?:the|my) (?:new )?card(?: number)?|beneficiary (?:number|identifier)|mbi",
    "group": r"group(?: number| no| i\.? ?d\.?| code)?|grp",
    "payer": r"insurance(?: company| carrier| plan)?|insurer|carrier|payer|coverage",
    "fax": r"fax(?: number)?",
    "phone": r"(?:tele)?phones?(?: number)?|cell(?:phone| phone)?(?: number)?|mobile(?: number)?|land ?line|"
    r"(?:contact|callback|call back|home|work|best|alternate) number|reach (?:me|you|him|her)|call (?:me|"
    r"you)(?: back)?|"
    r"text (?:me|you)|area code",
    "birth": r"(?:date of )?birth(?:day| ?date)?|born|d\.?o\.?b\.?|d o b",
    "address": r"(?:home |mailing |street |new |old )?address|zip(?: code)?|postal code|apartment|"
    r"live (?:at|on)|living at|"
    r"moved(?: to)?|house number|street|avenue|lane|boulevard|town|city|suite",
    "npi": r"n\.? ?p\.? ?i\.?(?: number)?|national provider (?:identifier|number|i\.? ?d\.?)|"
    r"provider (?:number|i\.? ?d\.?|"
    r"identifier)",
    "name": r"(?:first|last|full|family|given|middle|maiden|legal|preferred)? ?name|surname|spell(?:ed|ing)?",
    "time": r"appointment|slot|visit|available|opening",
    "other": r"social(?: security)?|ssn|claim (?:number|i\.? ?d\.?)|reference(?: number)?|"
    r"confirmation(?: (?:number|code))?|"
    r"case number|co-?pay|deductible|prescription|rx(?: ?bin| ?pcn| ?group)?|bin|pcn|extension|account(?: number)?|"
    r"credit card|licen[sc]e|invoice|order number|ticket|medical record|mrn|chart number|authorization|referral|"
    r"code (?:we|i) (?:just )?(?:sent|texted)|passcode|pin",
}
_COMPILED = {name: re.compile(rf"(?<![\w'])(?:{pattern})(?![\w'])") for name, pattern in _TOPICS.items()}
_SENTENCE = re.compile(r"[.?!;]+(?=\s|$)")
_TRAILS = re.compile(
    r"[\s,]*(?:(?:is|for|as|that's|was|that is)\s+)?(?:(?:the|my|our|your|a)\s+)?(?:new\s+)?"
)
Topics = frozenset[str]


def _hits(text: str) -> list[tuple[int, int, str]]:
    """(end, −start, topic) of every topic word; the longest wins where several end together."""
    folded = fold(text) if len(fold(text)) == len(text) else text.lower()
    found = [(m.end(), -m.start(), name) for name, p in _COMPILED.items() for m in p.finditer(folded)]
    inside = [f for f in found if not any(_covers(g, f) for g in found)]
    return sorted(inside)


def _covers(outer: tuple[int, int, str], inner: tuple[int, int, str]) -> bool:
    return outer != inner and -outer[1] <= -inner[1] and outer[0] >= inner[0] and outer[:2] != inner[:2]


def topics_in(text: str) -> Topics:
    """Every topic that a text mentions."""
    return frozenset(name for _, _, name in _hits(text))


def topic_of(text: str, start: int, end: int) -> str:
    """The topic under which a value at ``start`` to ``end`` is spoken: that of the last word before it, else of
    a word that follows closely (``4455 for the group``); empty where the text names none."""
    hits = _hits(text)
    before = [name for stop, _, name in hits if stop <= start]
    if before:
        return before[-1]
    close = [
        name
        for _, begin, name in hits
        if end <= -begin <= end + 24 and _TRAILS.fullmatch(text[end:-begin].lower())
    ]
    return close[0] if close else ""


def asked_topics(turns: Sequence[Turn], index: int) -> Topics:
    """The topics of the question that the turn at ``index`` answers.

    An agent who says only ``go on`` or ``sorry?`` still asks what they asked before.
    """
    for turn in reversed(turns[max(0, index - 8) : index]):
        if turn.speaker == "caller":
            continue
        sentences = [s for s in _SENTENCE.split(turn.text) if s.strip()]
        last = topics_in(sentences[-1]) if sentences else frozenset()
        found = last or topics_in(turn.text)
        if found or "else" in turn.text:
            return found
    return frozenset()
