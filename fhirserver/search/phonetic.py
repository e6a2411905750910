"""How words sound, for parameters with phonetic usage: American Soundex.

https://www.archives.gov/research/census/soundex
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_DIGITS: Final = {
    letter: digit
    for letters, digit in (("bfpv", "1"), ("cgjkqsxz", "2"), ("dt", "3"), ("l", "4"), ("mn", "5"), ("r", "6"))
    for letter in letters
}


def sounds(folded: str) -> list[str]:
    """One code such as ``r163`` for each word of a folded text; words without Latin letters as they are."""
    return [_soundex(word) for word in folded.split()]


@lru_cache(maxsize=4096)
def _soundex(word: str) -> str:
    letters = [c for c in word if "a" <= c <= "z"]
    if not letters:
        return word
    code, last = letters[0], _DIGITS.get(letters[0], "")
    for letter in letters[1:]:
        digit = _DIGITS.get(letter, "")
        if digit and digit != last:
            code += digit
        if letter not in "hw":
            last = digit
    return code[:4].ljust(4, "0")
