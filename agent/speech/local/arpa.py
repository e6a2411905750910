"""A back-off trigram model from counts, in the ARPA format that pocketsphinx reads.

The same model as pocketsphinx's own ``ArpaBoLM`` writes (a fixed discount, half of the mass), made many times as
fast: a turn's model is made while the caller is already speaking, and most of its counts are always the same.
https://cmusphinx.github.io/wiki/arpaformat/
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from copy import copy
from itertools import chain
from math import log10
from typing import TypeAlias, TypeVar

Grams: TypeAlias = tuple[str, ...]
_Key = TypeVar("_Key", bound=Hashable)
_DISCOUNT = 0.5
"""The share of the probability that is left to what was not seen."""
_KEPT = 1.0 - _DISCOUNT


class Arpa:
    """The model of these counts, and of them with a few more.

    Every beginning of a triple must be among the pairs, and every word of a pair among the words.
    """

    def __init__(self, ones: Mapping[str, float], twos: Mapping[Grams, float], threes: Mapping[Grams, float]):
        self._ones, self._twos, self._threes = dict(ones), dict(twos), dict(threes)
        self._after = _by(self._twos, lambda pair: pair[0])
        self._into = _by(self._twos, lambda pair: pair[1])
        self._longer = _by(self._threes, lambda triple: triple[:2])
        self._words_after = {word: sum(ones[b] for _, b in self._after.get(word, ())) for word in ones}
        self._pair_lines = {pair: self._pair(pair) for pair in self._twos}
        self._triple_lines = {triple: self._triple(triple) for triple in self._threes}

    def _pair(self, pair: Grams) -> str:
        first, second = pair
        after = (self._twos.get((second, triple[2]), 0.0) for triple in self._longer.get(pair, ()))
        below = _KEPT * sum(after) / self._ones[second]
        share = _KEPT * self._twos[pair] / self._ones[first]
        return f"{log10(share):.4f} {first} {second} {_left(below):.4f}"

    def _triple(self, triple: Grams) -> str:
        share = _KEPT * self._threes[triple] / self._twos[triple[:2]]
        return f"{log10(share):.4f} {' '.join(triple)}"

    def text(self) -> str:
        """The model as it is written."""
        share = _KEPT / sum(self._ones.values())
        ones = [
            f"{log10(share * count):.4f} {word} {_left(share * self._words_after[word]):.4f}"
            for word, count in self._ones.items()
        ]
        parts = (ones, self._pair_lines.values(), self._triple_lines.values())
        sizes = [f"ngram {n}={len(part)}" for n, part in enumerate(parts, 1)]
        grams = ((f"\\{n}-grams:", *part, "") for n, part in enumerate(parts, 1))
        return "\n".join(("\\data\\", *sizes, "", *chain.from_iterable(grams), "\\end\\", ""))

    def more(
        self, ones: Mapping[str, float], twos: Mapping[Grams, float], threes: Mapping[Grams, float]
    ) -> Arpa:
        """The model with these counts added; this one stays as it is. Only what they change is made again."""
        made = copy(self)
        made._ones, made._twos = _sum(self._ones, ones), _sum(self._twos, twos)
        made._threes = _sum(self._threes, threes)
        pairs = [pair for pair in twos if pair not in self._twos]
        made._after = _joined(self._after, _by(pairs, lambda pair: pair[0]))
        made._into = _joined(self._into, _by(pairs, lambda pair: pair[1]))
        triples = [triple for triple in threes if triple not in self._threes]
        made._longer = _joined(self._longer, _by(triples, lambda triple: triple[:2]))
        made._words_after = made._words_after_with(ones, set(pairs))
        made._pair_lines = self._pair_lines | {pair: made._pair(pair) for pair in made._touched(ones)}
        changed = chain.from_iterable(made._longer.get(pair, ()) for pair in twos)
        made._triple_lines = self._triple_lines | {triple: made._triple(triple) for triple in changed}
        return made

    def _words_after_with(self, ones: Mapping[str, float], pairs: set[Grams]) -> dict[str, float]:
        """How often what may follow each word is said: more by ``ones``, and by the new ``pairs``."""
        after = dict.fromkeys(self._ones, 0.0) | self._words_after
        for word, count in ones.items():
            for pair in self._into.get(word, ()):
                after[pair[0]] += self._ones[word] if pair in pairs else count
        return after

    def _touched(self, words: Mapping[str, float]) -> Iterator[Grams]:
        """Pairs whose line has other numbers once ``words`` are counted more."""
        for word in words:
            yield from self._after.get(word, ())
            yield from (pair for pair in self._into.get(word, ()) if pair in self._longer)


def _left(below: float) -> float:
    """The weight of backing off where ``below`` of the shorter model's mass is not asked."""
    return log10(_DISCOUNT / (1.0 - below))


def _by(grams: Iterable[Grams], key: Callable[[Grams], _Key]) -> dict[_Key, list[Grams]]:
    out: dict[_Key, list[Grams]] = defaultdict(list)
    for gram in grams:
        out[key(gram)].append(gram)
    return dict(out)


def _joined(some: dict[_Key, list[Grams]], more: dict[_Key, list[Grams]]) -> dict[_Key, list[Grams]]:
    return some | {key: [*some.get(key, ()), *grams] for key, grams in more.items()}


def _sum(some: Mapping[_Key, float], more: Mapping[_Key, float]) -> dict[_Key, float]:
    return {**some, **{key: some.get(key, 0.0) + count for key, count in more.items()}}
