"""Where one sentence ends and the next begins, for speech: short pieces that can be said by themselves."""

from __future__ import annotations

import re

_ABBREVIATED = frozenset(
    {"dr", "mr", "mrs", "ms", "st", "jr", "sr", "no", "vs", "prof", "apt", "ave", "blvd", "rd"}
)
_END = re.compile(r"[.!?]+[\"')\]]*(?=\s|$)")


def sentences(text: str) -> list[str]:
    """The sentences of ``text``, in order, none of them empty; nothing but white space is lost between them."""
    whole, rest = complete(text)
    return [*whole, rest] if rest else whole


def complete(text: str) -> tuple[list[str], str]:
    """The sentences that have ended and what has begun and not ended: for text that is still being written."""
    out: list[str] = []
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end()].strip()
        if piece and not _goes_on(piece, text[match.end() :]):
            out.append(piece)
            start = match.end()
    return out, text[start:].strip()


def _goes_on(piece: str, after: str) -> bool:
    """The dot belongs to an abbreviation or an initial, or a digit follows."""
    if not piece.endswith("."):
        return False
    word = re.split(r"[\s(]", piece[:-1])[-1].lower()
    if word in _ABBREVIATED or (len(word) == 1 and word.isalpha() and word != "i"):
        return True
    return word in ("a.m", "p.m") and bool(after.strip()) and not after.lstrip()[0].isupper()
