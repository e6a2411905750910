"""Words spelled letter by letter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from fhirserver.world.spoken.characters import Piece, pieces
from fhirserver.world.spoken.words import Found

_CONNECTORS = {"hyphen": "-", "dash": "-", "apostrophe": "'", "minus": "-"}


def _kind(piece: Piece, text: str) -> str:
    said = text[piece.start : piece.end].lower()
    if said in _CONNECTORS:
        return "connector"
    if piece.kind == "skip" and said in (".", "…", "/"):
        return "letters-end" if said == "…" else "skip"
    return piece.kind


def _words(group: list[Piece], text: str) -> list[list[Piece]]:
    """Where only some letters are parted by commas, a comma parts words: ``E V E, B R A D T K E``."""
    commas = ["," in text[a.end : b.start] for a, b in pairwise(group)]
    if all(commas) or not any(commas) or " in " in text or " for " in text:
        return [group]
    words = [[group[0]]]
    for piece, parted in zip(group[1:], commas, strict=True):
        if parted:
            words.append([])
        words[-1].append(piece)
    return words if all(len(w) > 1 for w in words) else [group]


def _groups(text: str) -> list[list[Piece]]:
    groups: list[list[Piece]] = [[]]
    for piece in pieces(text):
        kind = _kind(piece, text)
        if kind in ("letters", "connector"):
            groups[-1].append(piece)
        elif kind != "skip" and groups[-1]:
            groups.append([])
    return [part for g in groups if g for part in _words(g, text)]


def _trimmed(group: Sequence[Piece], text: str) -> list[Piece]:
    kept = list(group)
    while kept and text[kept[0].start : kept[0].end].lower() in _CONNECTORS:
        kept.pop(0)
    while kept and text[kept[-1].start : kept[-1].end].lower() in _CONNECTORS:
        kept.pop()
    return kept


def _spelt(piece: Piece, text: str) -> str:
    return _CONNECTORS.get(text[piece.start : piece.end].lower(), piece.chars)


def dressed(letters: str) -> str:
    """``O'BRIEN-SMITH`` → ``O'Brien-Smith``."""
    return letters.lower().title()


def spelled(text: str, least: int = 3) -> list[Found[str]]:
    """Every word spelled with at least ``least`` letters, capitalised (``S as in Sam, M, I, T, H``)."""
    out = []
    for group in (_trimmed(g, text) for g in _groups(text)):
        word = "".join(_spelt(p, text) for p in group)
        if sum(c.isalpha() for c in word) >= least:
            out.append(Found(dressed(word), group[0].start, group[-1].end))
    return out
