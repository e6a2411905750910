"""How alike two words are: by their letters and by their sound. All functions are symmetric."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

CLOSE: Final = 0.9
"""The Jaro–Winkler similarity from which two words are taken for spellings of one."""

_SOUNDING: Final = 0.7
"""The similarity from which two words that sound the same are taken for spellings of one."""


@lru_cache(maxsize=65536)
def jaro_winkler(one: str, other: str) -> float:
    """From 0.0, nothing in common, to 1.0, the same. Winkler (1990), prefix weight 0.1 for at most 4 letters."""
    if one == other:
        return 1.0
    if other < one:  # the greedy matching may depend on the order
        one, other = other, one
    jaro = _jaro(one, other)
    prefix = 0
    for mine, theirs in zip(one[:4], other[:4], strict=False):
        if mine != theirs:
            break
        prefix += 1
    return jaro + prefix * 0.1 * (1 - jaro)


def _jaro(one: str, other: str) -> float:
    mine, theirs = _matching(one, other)
    if not mine:
        return 0.0
    crossed = sum(a != b for a, b in zip(mine, theirs, strict=True)) / 2
    common = len(mine)
    return (common / len(one) + common / len(other) + (common - crossed) / common) / 3


def _matching(one: str, other: str) -> tuple[list[str], list[str]]:
    """The letters that both have near the same place, in the order of each."""
    window = max(max(len(one), len(other)) // 2 - 1, 0)
    used = [False] * len(other)
    mine: list[str] = []
    for at, letter in enumerate(one):
        for place in range(max(0, at - window), min(len(other), at + window + 1)):
            if not used[place] and other[place] == letter:
                used[place] = True
                mine.append(letter)
                break
    return mine, [letter for letter, taken in zip(other, used, strict=True) if taken]


def one_slip(one: str, other: str) -> bool:
    """Whether the two differ by one slip of the hand: a letter wrong, missing, too many, or two changed about."""
    if one == other:
        return False
    if len(one) > len(other):
        one, other = other, one
    if len(other) - len(one) > 1:
        return False
    at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    if len(one) < len(other):
        return one[at:] == other[at + 1 :]
    if one[at + 1 :] == other[at + 1 :]:
        return True
    return one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]


def is_spelling(one: str, other: str) -> bool:
    """Whether two words are likely the same one, written or heard differently."""
    if min(len(one), len(other)) < 3:
        return False
    alike = jaro_winkler(one, other)
    return alike >= CLOSE or one_slip(one, other) or (alike >= _SOUNDING and sound(one) == sound(other))


# In this order: each says what a group of letters sounds like in an English name.
_SOUNDS: Final = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"^(?:kn|gn|pn)", "n"),
        (r"^wr", "r"),
        (r"^ps", "s"),
        (r"^x", "s"),
        (r"^mac(?=[^aeiouy])", "mk"),
        (r"^mc", "mk"),
        (r"sch(?=[lmnrwt])", "X"),
        (r"tch|sch|sh|ch(?![rl])", "X"),
        (r"ch", "k"),
        (r"ph|v", "f"),
        (r"gh(?=t)|(?<=[aeiou])gh", ""),
        (r"gh", "g"),
        (r"th", "0"),
        (r"dge|dg(?=[iy])|g(?=[eiy])", "j"),
        (r"c(?=[eiy])|z", "s"),
        (r"ck|c|q", "k"),
        (r"x", "ks"),
        (r"d(?=t)|t(?=d)", ""),
        (r"wh", "w"),
        (r"(?<=.)h", ""),
        (r"(?<=.)y(?=[aeiou])", ""),
        (r"w(?![aeiouy])", ""),
        (r"(.)\1+", r"\1"),
    )
)
_VOWELS: Final = re.compile(r"(?<=.)[aeiouy]+")


@lru_cache(maxsize=65536)
def sound(word: str) -> str:
    """A key for how a name sounds in English: consonants by their sound, vowels only where they begin it."""
    for pattern, said in _SOUNDS:
        word = pattern.sub(said, word)
    word = _VOWELS.sub("", word)
    word = re.sub(r"(.)\1+", r"\1", word)
    return re.sub(r"^[aeiouy]", "a", word)
