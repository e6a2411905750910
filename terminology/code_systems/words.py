"""Finding concepts by what they are called: without regard to case and accents, best first."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from fhirserver.kernel.effort import watch
from terminology.code_systems.rows import Rows
from terminology.positions import Positions

_BEFORE_WORD = frozenset(" -/([,.'\"")


class Words:
    """What each concept is called, folded. Made at the first search: most systems are never searched."""

    def __init__(self, rows: Rows):
        self._names = [
            tuple(
                fold(name)
                for name in (rows.codes[number], rows.displays[number], *_designations(rows, number))
            )
            for number in watch(range(len(rows)))
        ]

    def search(self, text: str, among: Positions | None = None) -> Iterator[int]:
        """Those whose code, display or designation holds the text, or has words beginning with all of its words."""
        wanted = fold(text)
        words = wanted.split()
        ranked: list[list[int]] = [[], [], [], []]
        for number in watch(range(len(self._names)) if among is None else among):
            names = self._names[number]
            rank = min(rank_of(name, wanted, words) for name in names)
            if rank < len(ranked):
                ranked[rank].append(number)
        for numbers in ranked:
            yield from numbers


def _designations(rows: Rows, number: int) -> Iterable[str]:
    return (str(one.get("value", "")) for one in rows.rest(number).get("designation", ()))


def rank_of(name: str, wanted: str, words: Iterable[str]) -> int:
    """0: is the text; 1: begins with it; 2: a word does, or words begin with all of its words; 3: holds it; 4: not."""
    if wanted in name:
        at = name.find(wanted)
        if at == 0:
            return 0 if len(name) == len(wanted) else 1
        return 2 if name[at - 1] in _BEFORE_WORD else 3
    if words and all(_begins(name, word) for word in words):
        return 2
    return 4


def _begins(name: str, word: str) -> bool:
    """Whether a word of the name begins so."""
    at = name.find(word)
    while at > 0 and name[at - 1] not in _BEFORE_WORD:
        at = name.find(word, at + 1)
    return at >= 0


def fold(text: str) -> str:
    """Without regard to case and accents."""
    folded = text.casefold().strip()
    if folded.isascii():
        return folded
    return "".join(one for one in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(one))
