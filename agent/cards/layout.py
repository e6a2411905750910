"""Words to lines: what stands beside what, and what stands below it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agent.cards.words import Word

_LEAST = 0.2
"""Confidence below which a word is dirt."""
_PIECES = re.compile(r"Rx(?:BIN|Bin|PCN|Pcn|GRP|Grp|Group)(?=[^:#\s])|[^:#]+[:#]*|[:#]+")


@dataclass(frozen=True, slots=True)
class Line:
    """Words at one height, from left to right."""

    words: tuple[Word, ...]

    @property
    def top(self) -> float:
        return min(word.top for word in self.words)

    @property
    def height(self) -> float:
        """Of its letters: the middle one of its words."""
        return sorted(word.height for word in self.words)[len(self.words) // 2]

    @property
    def middle(self) -> float:
        return sorted(word.middle for word in self.words)[len(self.words) // 2]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


def lines(words: Sequence[Word]) -> list[Line]:
    """From top to bottom."""
    kept = [piece for word in words if word.confidence >= _LEAST for piece in _pieces(word)]
    rows: list[list[Word]] = []
    for word in sorted(kept, key=lambda one: one.middle):
        row = next((row for row in reversed(rows[-3:]) if _level(row, word)), None)
        if row is None:
            rows.append([word])
        else:
            row.append(word)
    return [Line(tuple(sorted(row, key=lambda one: one.left))) for row in rows]


def _level(row: Sequence[Word], word: Word) -> bool:
    """Whether the word stands on the row: by the neighbour that is nearest, as rows may slope a little."""
    near = min(row, key=lambda one: abs(one.left - word.left))
    return abs(near.middle - word.middle) < 0.55 * min(near.height, word.height)


def _pieces(word: Word) -> Iterator[Word]:
    """A word apart at its colons and number signs: ``ID#:XJ12`` is a label and what it is of."""
    for one in _PIECES.finditer(word.text):
        if not any(map(str.isalnum, one[0])) and one[0] not in (":", "#"):
            continue  # lines and dirt that were taken for letters
        share = word.width / len(word.text)
        yield replace(
            word, text=one[0], left=word.left + share * one.start(), width=share * (one.end() - one.start())
        )
