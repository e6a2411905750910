"""Learning how much each agreement tells, by expectation maximisation, from pairs nobody has labelled.

Fellegi and Sunter (1969) weigh an agreement by how often two records of one person agree so (``m``) against how often
records of two people do (``u``). Two people are either strangers or of one household, which shares family name,
address and phone, so that there are three kinds of pairs. How they agree, and how many pairs are of each kind, is
learned on pairs that blocking found (Winkler 1988). Strangers that blocking found have something in common by chance,
so how strangers agree in general is counted on pairs taken by chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

Levels: TypeAlias = Mapping[str, str]
"""Of one pair: field → level; a field that one of the two does not state is not there."""
Chances: TypeAlias = dict[str, dict[str, float]]
"""Field → level → how often."""

_SMOOTHING = 0.5
"""Added to every count: what was not seen is rare, not impossible."""


def counted(pairs: Iterable[Levels], levels: Mapping[str, Sequence[str]]) -> Chances:
    """How often each level occurs among pairs."""
    return _estimated(((pair, 1.0) for pair in pairs), levels)


def learned(
    pairs: Sequence[Levels],
    kinds: Mapping[str, Chances],
    levels: Mapping[str, Sequence[str]],
    rounds: int = 40,
) -> tuple[dict[str, Chances], dict[str, float]]:
    """The chances of each kind of pair, and the share of each; ``kinds`` has a first guess of the chances."""
    patterns = Counter(tuple(sorted(pair.items())) for pair in pairs)
    found, shares = dict(kinds), dict.fromkeys(kinds, 1 / len(kinds))
    for _ in range(rounds):
        weighed = [(dict(p), _weighed(dict(p), n, found, shares)) for p, n in patterns.items()]
        for kind in kinds:
            own = [(pair, of[kind]) for pair, of in weighed]
            shares[kind] = sum(weight for _, weight in own) / len(pairs)
            found[kind] = _estimated(own, levels)
    return found, shares


def _weighed(
    pair: Levels, count: int, kinds: Mapping[str, Chances], shares: Mapping[str, float]
) -> dict[str, float]:
    """How many of ``count`` such pairs are of each kind."""
    chances = dict(shares)
    for kind, of in kinds.items():
        for field, level in pair.items():
            chances[kind] *= of[field][level]
    total = sum(chances.values()) or 1.0
    return {kind: count * chance / total for kind, chance in chances.items()}


def _estimated(weighed: Iterable[tuple[Levels, float]], levels: Mapping[str, Sequence[str]]) -> Chances:
    sums = {field: dict.fromkeys(of, _SMOOTHING) for field, of in levels.items()}
    for pair, weight in weighed:
        for field, level in pair.items():
            sums[field][level] += weight
    totals = {field: sum(of.values()) for field, of in sums.items()}
    return {field: {level: n / totals[field] for level, n in of.items()} for field, of in sums.items()}
