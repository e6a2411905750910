"""Language models for what may be said now: counts of the domain text, more of what was asked for, and the hints.

Discounted back-off trigrams from counts; those of the fixed part are taken once.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from agent.hints import Hints
from agent.speech.local.arpa import Arpa, Grams
from agent.speech.local.said import payers, sentences

_OWN, _OTHER, _PHRASES = 6.0, 0.25, 30.0
"""How often the text of the kind that was asked for, all other text, and each phrase of the hints are counted."""
_LESS = {"phone": 0.1}
"""Of all other text, where hardly anything but digits is said: "five" is "find" elsewhere."""
_LEAST = {2: 0.5, 3: 1.0}
"""Pairs and triples counted less are left to back-off, as drawn once by chance for another kind of answer: half the
size, and it is made and read in half the time."""
_FRAMES = {
    "identity": ("", "my name is", "it's", "this is", "i'm"),
    "insurance": ("", "it's", "i have", "my insurance is"),
}
"""What is said before the phrases of the hints, by the kind of answer: a name seldom stands alone."""
_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")


def spoken_words(text: str) -> list[str]:
    """The words of a phrase as a recogniser knows them; written digits are left out."""
    return _WORD.findall(text.lower().replace("’", "'").replace(".", " "))


@cache
def _counts(part: str) -> Counter[Grams]:
    return _counted(s.split() for s in sentences().get(part, []))


def _counted(lines: Iterable[list[str]]) -> Counter[Grams]:
    grams: Counter[Grams] = Counter()
    for line in lines:
        words = ["<s>", *line, "</s>"]
        for n in (1, 2, 3):
            grams.update(tuple(words[i : i + n]) for i in range(len(words) - n + 1))
    return grams


def _phrases(hints: Hints) -> list[list[str]]:
    """The words of each phrase, as often as there are ways to begin with it."""
    said = [words for words in map(spoken_words, hints.phrases) if words]
    frames = [spoken_words(frame) for frame in _FRAMES.get(hints.expects, ("",))]
    return [[*frame, *words] for words in said for frame in frames]


def vocabulary(hints: Hints) -> set[str]:
    """Words of the hints."""
    return {word for phrase in _phrases(hints) for word in phrase}


def fixed_vocabulary() -> set[str]:
    """Words of the domain text."""
    return {word for lines in sentences().values() for line in lines for word in line.split()}


@cache
def _fixed(own: str) -> Arpa:
    """The model of the domain text, more of what is ``own``."""
    total: dict[Grams, float] = defaultdict(float)
    for part in sentences():
        weight = _OWN if part == own else _LESS.get(own, _OTHER)
        for gram, count in _counts(part).items():
            total[gram] += weight * count
    return Arpa(*_by_length({gram: c for gram, c in total.items() if c >= _LEAST.get(len(gram), 0.0)}))


def _by_length(
    counts: Mapping[Grams, float], weight: float = 1.0
) -> tuple[dict[str, float], dict[Grams, float], dict[Grams, float]]:
    ones = {gram[0]: weight * count for gram, count in counts.items() if len(gram) == 1}
    twos, threes = ({g: weight * c for g, c in counts.items() if len(g) == n} for n in (2, 3))
    return ones, twos, threes


def write_model(hints: Hints, known: set[str], path: Path) -> None:
    """An ARPA model for ``hints`` to ``path``; phrases with words not in ``known`` lose those words."""
    own = hints.expects if hints.expects in sentences() else "open"
    phrases = ([w for w in phrase if w in known] for phrase in _phrases(hints))
    more = _by_length(_counted(p for p in phrases if p), _PHRASES)
    path.write_text(_fixed(own).more(*more).text())


def cased(words: Iterable[str], hints: Hints) -> list[str]:
    """Words as they are written where the hints or the list of payers say how."""
    written = {w.lower(): w for phrase in hints.phrases for w in re.findall(r"[A-Za-z'-]+", phrase)}
    text = " ".join("I" if w == "i" else written.get(w, w) for w in words)
    for said, name in payers().items():
        text = re.sub(rf"\b{re.escape(said)}\b", name, text)
    return text.split()
