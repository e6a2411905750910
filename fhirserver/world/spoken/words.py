"""Words of an utterance with their places, so that every value found can be quoted."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\w\s]|_")
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "´": "'"})


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a run of written digits or one mark; ``text`` is folded, ``raw`` as it stands."""

    text: str
    raw: str
    start: int
    end: int

    @property
    def is_number(self) -> bool:
        return self.raw.isdigit() and self.raw.isascii()

    @property
    def is_word(self) -> bool:
        return self.raw[0].isalpha()

    @property
    def is_mark(self) -> bool:
        return not self.raw[0].isalnum()


@dataclass(frozen=True, slots=True)
class Found(Generic[T_co]):
    """A value and the half-open character range of the text it was read from."""

    value: T_co
    start: int
    end: int

    def quote(self, text: str) -> str:
        """The very words the value was read from."""
        return text[self.start : self.end]


def fold(text: str) -> str:
    """Lower case without accents, typographic apostrophes made plain."""
    plain = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))
    return "".join(c for c in plain if not unicodedata.combining(c)).lower()


def tokens(text: str) -> list[Token]:
    """The tokens of ``text`` in order."""
    return [Token(fold(m[0]), m[0], m.start(), m.end()) for m in _TOKEN.finditer(text)]


def words(text: str) -> list[str]:
    """Only the folded words and numbers."""
    return [t.text for t in tokens(text) if not t.is_mark]


def plain(text: str) -> str:
    """The folded words and numbers joined by single spaces: what intent rules match on."""
    return " ".join(words(text))


def touching(left: Token, right: Token) -> bool:
    """Whether no space stands between two tokens."""
    return left.end == right.start
