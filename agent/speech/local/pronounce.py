"""How words are pronounced: the dictionary that comes with pocketsphinx, and rules for names it does not know."""

from __future__ import annotations

import re
from pathlib import Path

_RULES: tuple[tuple[str, str], ...] = (
    ("tch", "CH"), ("sch", "SH"), ("eigh", "EY"), ("augh", "AO"), ("ough", "AO"), ("tion", "SH AH N"),
    ("dtk", "T K"), ("dt", "T"), ("ch", "CH"), ("sh", "SH"), ("th", "TH"), ("ph", "F"), ("wh", "W"), ("ck", "K"),
    ("gh", "G"), ("kn", "N"), ("wr", "R"), ("qu", "K W"), ("ng", "NG"), ("cz", "CH"), ("sz", "SH"), ("zh", "ZH"),
    ("ee", "IY"), ("ea", "IY"), ("oo", "UW"), ("ou", "AW"), ("ow", "OW"), ("oi", "OY"), ("oy", "OY"), ("ai", "EY"),
    ("ay", "EY"), ("au", "AO"), ("aw", "AO"), ("ei", "AY"), ("ey", "IY"), ("ie", "IY"), ("ue", "UW"), ("ui", "UW"),
    ("oa", "OW"), ("oe", "OW"), ("ar", "AA R"), ("er", "ER"), ("ir", "ER"), ("or", "AO R"), ("ur", "ER"),
    ("bb", "B"), ("dd", "D"), ("ff", "F"), ("gg", "G"), ("ll", "L"), ("mm", "M"), ("nn", "N"), ("pp", "P"),
    ("rr", "R"), ("ss", "S"), ("tt", "T"), ("zz", "Z"), ("cc", "K"),
    ("ce", "S EH"), ("ci", "S IH"), ("cy", "S IY"), ("ge", "JH EH"),
    ("a", "AE"), ("b", "B"), ("c", "K"), ("d", "D"), ("e", "EH"), ("f", "F"), ("g", "G"), ("h", "HH"), ("i", "IH"),
    ("j", "JH"), ("k", "K"), ("l", "L"), ("m", "M"), ("n", "N"), ("o", "OW"), ("p", "P"), ("q", "K"), ("r", "R"),
    ("s", "S"), ("t", "T"), ("u", "AH"), ("v", "V"), ("w", "W"), ("x", "K S"), ("y", "IY"), ("z", "Z"),
)  # fmt: skip
_BY_LETTERS = dict(_RULES)
_ALSO = {
    "aetna": ["EY T N AH", "AA EH T N AH", "EH T N AH", "IY T N AH"],
    "humana": ["HH Y UW M AA N AH", "HH Y UW M AE N AH"],
}
"""What the dictionary lacks of names that many say."""
_UNSTRESSED = re.compile(r"\bER (?=(?:AA|AE|AH|AO|AW|AY|EH|EY|IH|IY|OW|OY|UH|UW)\b)")
"""A vowel and an r in one sound before a vowel: many say them apart (Maria, Mariana)."""
_SILENT_END = re.compile(r"(?<=[aeiouy][bcdfghjklmnpqrstvwxz])e$")
_LATE = {"a": "AH", "e": "IY", "ke": "K IY", "i": "IY", "o": "OW", "y": "IY"}
"""Letters at the end of a word of several syllables."""


def guessed(word: str) -> list[str]:
    """The ways a name unknown to the dictionary may be said, in ARPAbet."""
    letters = re.sub(r"[^a-z]", "", word.lower())
    if not letters:
        return []
    ways = [_by_rules(_SILENT_END.sub("", letters))]
    if letters[-1] == "e":
        ways += [_by_rules(letters[:-1] + "i"), _by_rules(letters[:-1] + "a")]
    return list(dict.fromkeys(ways))


def _by_rules(letters: str) -> str:
    sounds: list[str] = []
    at = 0
    while at < len(letters):
        size = next(n for n in (4, 3, 2, 1) if letters[at : at + n] in _BY_LETTERS)
        piece = letters[at : at + size]
        last = at + size >= len(letters) and at > 0
        sounds.append(_LATE.get(piece, _BY_LETTERS[piece]) if last else _BY_LETTERS[piece])
        at += size
    return " ".join(sounds)


class Dictionary:
    """The pronunciations of a CMU dictionary file."""

    def __init__(self, path: Path):
        self._said: dict[str, list[str]] = {}
        with path.open(encoding="utf-8") as file:
            for line in file:
                word, sounds = line.split(None, 1)
                self._said.setdefault(word.partition("(")[0], []).append(sounds.strip())

    def ways(self, word: str) -> list[str]:
        """Every known way to say ``word``, else guesses; empty for what is no word."""
        known = [*self._said.get(word, []), *_ALSO.get(word, [])] or guessed(word)
        apart = [_UNSTRESSED.sub("AH R ", sounds) for sounds in known]
        return list(dict.fromkeys([*known, *apart]))
