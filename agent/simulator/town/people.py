"""Who has which number, and what they do when somebody calls or writes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

TEXTS = ("yes", "reschedule", "stop", "silent", "wrong", "undelivered")
"""What may come of a message: a yes, the wish for another time, an opt-out, nothing, "wrong number", not delivered."""
CALLS = ("person", "no-answer", "busy", "failed", "machine", "hang-up", "opt-out", "wrong", "later")
"""What may come of a call; ``later`` is not answered and called back. The rest of a person's calls: see ``wish``."""
WISHES = ("yes", "reschedule", "cancel")


class NobodyLikeThat(ValueError):
    """The town's file is wrong; the message says where."""


@dataclass(frozen=True, slots=True)
class Townsman:
    """One number. ``born``: as it is spoken; ``answers_after``: seconds of the day until a message is answered."""

    number: str
    name: str = ""
    born: str = ""
    text: str = "silent"
    call: str = "no-answer"
    wish: str = "yes"
    answers_after: float = 300.0
    says: str = ""
    """What is written first to a message, in place of what ``text`` stands for."""

    def __post_init__(self) -> None:
        for name, given, known in (
            ("text", self.text, TEXTS),
            ("call", self.call, CALLS),
            ("wish", self.wish, WISHES),
        ):
            if given not in known:
                raise NobodyLikeThat(f"'{name}' of {self.number} is one of {', '.join(known)}")


def townsman(told: Mapping[str, Any]) -> Townsman:
    """From JSON. Raises :class:`NobodyLikeThat`."""
    names = {one.name for one in fields(Townsman)}
    if "number" not in told or set(told) - names:
        raise NobodyLikeThat(f"a number has {', '.join(sorted(names))}, and the number itself at least")
    return Townsman(**told)


_FIRST = {"yes": "YES", "reschedule": "I need another time please", "stop": "STOP", "wrong": "Wrong number"}
_ENDS = re.compile(
    r"\b(goodbye|good-bye|bye|have a (good|nice) day|all set|see you|noted that you|you will not|no more messages|"
    r"won't (text|message|contact)|thank you for letting)\b", re.I,
)  # fmt: skip
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.I), answer)
    for pattern, answer in (
        (r"full name and (your )?date of birth|name and the date of birth|who i'm speaking with", "{name}, {born}"),
        (r"spell the last name", "{spelled}, {born}"),
        (r"(full|first and last) name", "{name}"),
        (r"date of birth|the month, the day and the year", "{born}"),
        (r"move it to another time, or cancel", "{resolved}"),
        (r"anything else|what else can i do|what can i do for you", "No, that's all. Thank you."),
        (r"will you be there|can you make it|still (works?|good)|do you still|confirm|reply yes", "{wish}"),
        (r"which (would|one|of)|one of these|does that work|would that suit|works? for you", "The first one"),
        (r"what day|which (other )?day|another (day|time)|what time", "Any morning next week"),
        (r"reason for cancelling|what is the reason", "I am travelling"),
        (r"shall i|is that right|would you like|do you want|correct\?|go ahead|\?\s*$", "Yes"),
    )
)  # fmt: skip
_WISHED = {
    "yes": "Yes, I will be there",
    "reschedule": "No, I need to move it to another day",
    "cancel": "Please cancel it",
}


class Mind:
    """What one person says in one conversation, by text or on a call."""

    def __init__(self, who: Townsman, wish: str = ""):
        self._who, self._wish, self._turns = who, wish or who.wish, 0
        self._meant = self._wish

    def answer(self, said: str) -> str:
        """What is said to these words; empty for nothing more."""
        self._turns += 1
        if self._turns > _MOST_TURNS or (_ENDS.search(said) and "?" not in said):
            return ""
        for pattern, answer in _RULES:
            if pattern.search(said):
                return self._worded(answer)
        return ""

    def _worded(self, answer: str) -> str:
        who = self._who
        spelled = " ".join(who.name.rpartition(" ")[2].upper())
        wished, self._wish = (_WISHED[self._wish], "yes") if answer == "{wish}" else ("", self._wish)
        resolved = "Cancel it, please" if self._meant == "cancel" else "Move it to another time, please"
        return answer.format(name=who.name, born=who.born, spelled=spelled, wish=wished, resolved=resolved)


_MOST_TURNS = 12
FIRST_WORDS = {
    "opt-out": "Please stop calling me. Do not call me again.",
    "wrong": "You have the wrong number.",
}
"""What is said on a call whatever the agent says."""


def first_answer(who: Townsman) -> str:
    """What is written first to a message; empty for nothing."""
    return who.says or _FIRST.get(who.text, "")
