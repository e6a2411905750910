"""The same question again, in whatever wording."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from fhirserver.world.spoken.words import plain

_SENTENCE = re.compile(r"[^.!?]*\?")
_SMALL = frozenset(
    plain("a an and are can could do i i'm is it me of or please so the to what would you your").split()
)
_ALIKE = 0.6
"""Which part of their words two questions share at least that are the same."""


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two questions, as their words that matter, are the same."""
    return bool(one) and len(one & other) >= _ALIKE * len(one | other)


def questions(text: str, speaker: str) -> list[frozenset[str]]:
    """The questions of a turn as their words that matter; a caller's turn of some words counts as one."""
    found = _SENTENCE.findall(text) or ([text] if speaker != "agent" else [])
    words = [frozenset(re.findall(r"[a-z0-9']+", plain(one))) - _SMALL for one in found]
    return [one for one in words if len(one) >= (1 if speaker == "agent" else 3)]


@dataclass
class Loops:
    """Counts, for each speaker, how often a question was asked before."""

    limit: int = 3
    _asked: dict[str, list[frozenset[str]]] = field(default_factory=dict)

    def hear(self, speaker: str, text: str) -> bool:
        """Take a turn; whether a question in it has now been asked ``limit`` times or more."""
        asked = self._asked.setdefault(speaker, [])
        again = False
        for question in questions(text, speaker):
            again = again or 1 + sum(alike(question, other) for other in asked) >= self.limit
            asked.append(question)
        return again


def count(turns: Sequence[tuple[str, str]], limit: int = 3) -> int:
    """In how many of some turns (speaker, text) a question was asked that had been asked too often."""
    loops = Loops(limit)
    return sum(loops.hear(speaker, text) for speaker, text in turns)
