"""Reasons for a cancellation: whether the caller gave this one, in these or in other words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fhirserver.ports.judge import Finding, Turn, Verdict
from fhirserver.world.judge.hearing import AGENT, CALLER, Talk
from fhirserver.world.judge.reading import quote
from fhirserver.world.judge.replies import is_read_back
from fhirserver.world.spoken.answers import Answer, answer
from fhirserver.world.spoken.words import fold, words

_MATTERS = {
    "better": r"(?:feel\w*|doing|getting|much|all) (?:\w+ ){0,3}better|recovered|symptoms? (?:are |"
    r"is )?(?:gone|resolved|cleared)|"
    r"went away|no longer (?:sick|hurts?|need\w*)|healed|improved|cleared up",
    "illness": r"sick|ill(?:ness)?|not (?:feeling )?well|under the weather|flu|a cold|fever|covid|vomit\w*|"
    r"stomach bug|throw\w* up|"
    r"cough\w*|infection|contagious|strep|migraine|unwell",
    "work": r"work(?:ing)?(?! for me)|shift|job|boss|meeting|business|office|overtime|employer|called in|conference",
    "transport": r"car|ride|transport\w*|driv\w+|bus|vehicle|taxi|flat tire|broke down|can't get there|"
    r"no way to get|license|truck|"
    r"mechanic|uber|train",
    "childcare": r"babysit\w*|child ?care|day ?care|sitter|watch (?:the|my) (?:kids?|children|son|daughter|"
    r"baby)|kids?(?:'s)?",
    "weather": r"weather|snow\w*|storm\w*|icy|ice|hurricane|flood\w*|blizzard|rain\w*|roads?",
    "travel": r"travel\w*|out of (?:town|state|the country)|vacation|trip|flight|holiday|flying|(?:be|going|go) away",
    "money": r"afford|cost\w*|expens\w*|money|copay|co pay|deductible|price|financ\w*|bill\w*|pay(?:ing)? for",
    "insurance": r"insurance|coverage|not covered|uninsured|out of network",
    "elsewhere": r"(?:another|different|new|other|somebody else|someone else) (?:\w+ )?(?:doctor|provider|"
    r"clinic|practice|dentist|"
    r"specialist|place)|second opinion|closer to (?:home|me)|elsewhere|somewhere else|urgent care|"
    r"went to the (?:er|hospital)",
    "moved": r"mov(?:ed|ing) (?:away|to|out|house|across|houses|in)|relocat\w*",
    "bereavement": r"funeral|passed away|died|death|bereave\w*|memorial|wake",
    "family": r"family (?:\w+ )?(?:emergency|matter|issue|thing)|(?:my|our) (?:\w+ )?(?:mother|father|mom|"
    r"dad|wife|husband|son|daughter|"
    r"brother|sister|grand\w+)(?:'s)? (?:\w+ ){0,3}(?:hospital|sick|ill|surgery|emergency|wedding)",
    "conflict": r"conflict|another appointment|double booked|overlap\w*|schedul\w+ (?:conflict|problem|"
    r"issue|change)|something (?:else )?came "
    r"up|can't make|busy|clash\w*|not available|other plans",
    "court": r"court|jury",
    "school": r"school|exam|class|final|college|graduation",
    "fear": r"afraid|scared|nervous|anxious|anxiety|fear",
}  # fmt: skip
_COMPILED = {name: re.compile(rf"(?<![\w'])(?:{pattern})(?![\w'])") for name, pattern in _MATTERS.items()}
_NOT = re.compile(
    r"\b(?:(?:it's|it is|that's|this is|it was) not|isn't|not because(?: of)?|nothing to do with|not (?:a |"
    r"the |about |due to )|"
    r"no (?:problem|trouble|issue)s? with|without)\b[^.,;!?]*"
)
_EMPTY = frozenset(
    [
        "a",
        "an",
        "the",
        "i",
        "i'm",
        "im",
        "me",
        "my",
        "mine",
        "is",
        "am",
        "are",
        "was",
        "be",
        "been",
        "of",
        "for",
        "to",
        "in",
        "on",
        "at",
        "it",
        "it's",
        "its",
        "and",
        "or",
        "so",
        "that",
        "this",
        "there",
        "with",
        "by",
        "due",
        "because",
        "cannot",
        "can't",
        "can",
        "not",
        "no",
        "do",
        "don't",
        "have",
        "has",
        "had",
        "got",
        "need",
        "needs",
        "patient",
        "caller",
        "he",
        "she",
        "they",
        "his",
        "her",
        "their",
        "we",
        "our",
        "will",
        "would",
        "just",
        "really",
        "very",
        "day",
        "time",
        "that's",
        "says",
        "said",
        "states",
        "stated",
        "appointment",
        "visit",
        "cancel",
        "cancelled",
        "canceled",
        "cancelling",
        "wants",
        "want",
        "as",
        "from",
        "reason",
        "reasons",
        "problem",
        "problems",
        "issue",
        "issues",
        "unable",
        "anymore",
        "any",
        "more",
        "since",
    ]
)
_DROPPED = re.compile(
    r"\b(?:actually|no wait|well no|to be honest|the real reason|the truth is|sorry no|scratch that|i mean)\b"
)


def assess_reason(text: str, talk: Talk) -> Verdict:
    """Whether the caller gave this reason, in their own words or by a yes to it."""
    said = [t for t in talk.turns if t.speaker == CALLER]
    literal = [t for t in said if fold(text) in fold(_affirmed(t.text))]
    turns = literal or _meaning(text, said)
    if turns and not _changed_later(text, turns[-1], said):
        reason = (
            "The reason is in the caller's own words."
            if literal
            else "The caller gave this reason in other words."
        )
        return Verdict(Finding.VERIFIED, 0.9 if literal else 0.75, reason, (quote(turns[-1]),))
    if turns:
        return Verdict(
            Finding.CONTRADICTED, 0.7, "The caller gave another reason afterwards.", (quote(turns[-1]),)
        )
    put = _confirmed(text, talk.turns)
    if put:
        reason = "The agent named this reason and the caller said yes."
        return Verdict(Finding.VERIFIED, 0.8, reason, tuple(quote(t) for t in put))
    return Verdict(Finding.DOUBTFUL, 0.7, "The reason is not found in what the caller said.")


def _affirmed(text: str) -> str:
    """The text without what it denies, and after a change of mind only what follows it."""
    after = _DROPPED.split(_NOT.sub(" ", fold(text)))
    return after[-1] if _matters(after[-1]) or len(after) == 1 else " ".join(after)


def _meaning(text: str, said: Sequence[Turn]) -> list[Turn]:
    matters = _matters(fold(text))
    return [t for t in said if _says(text, matters, t.text)]


def _says(text: str, matters: set[str], said: str) -> bool:
    affirmed = _affirmed(said)
    if matters and matters <= _matters(affirmed):
        return True
    wanted, heard = _stems(text), _stems(affirmed)
    return (
        len(wanted) >= 1 and len(wanted & heard) * 3 > len(wanted) * 2 and not (matters - _matters(affirmed))
    )


def _matters(folded: str) -> set[str]:
    plain = " ".join(words(folded))
    found = {name for name, pattern in _COMPILED.items() if pattern.search(plain)}
    if "better" in found and re.search(r"\b(?:not|isn't|no) (?:\w+ )?better\b", plain):
        found.discard("better")
    if {"illness", "family"} <= found:
        found.discard("illness")
    return found


def _stems(text: str) -> set[str]:
    return {_stem(w) for w in words(text) if w not in _EMPTY}


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s", "'s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _changed_later(text: str, given: Turn, said: Sequence[Turn]) -> bool:
    matters = _matters(fold(text))
    for turn in said:
        if turn.number > given.number and re.search(
            r"\b(?:real reason|truth is|actually|to be honest)\b", fold(turn.text)
        ):
            other = _matters(_affirmed(turn.text))
            if other and not matters & other:
                return True
    return False


def _confirmed(text: str, turns: Sequence[Turn]) -> tuple[Turn, ...]:
    matters = _matters(fold(text))
    for i, turn in enumerate(turns):
        if turn.speaker != AGENT or not is_read_back(turn.text) or not _says(text, matters, turn.text):
            continue
        reply = turns[i + 1] if i + 1 < len(turns) else None
        if reply is not None and reply.speaker == CALLER and answer(reply.text) is Answer.YES:
            return (turn, reply)
    return ()
