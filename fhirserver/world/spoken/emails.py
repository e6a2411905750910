"""E-mail addresses as they are spoken (``m dot alvarez at gmail dot com``) and as they are written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fhirserver.world.spoken.characters import Piece, pieces
from fhirserver.world.spoken.names import distance
from fhirserver.world.spoken.words import Found

FREE = frozenset(
    [
        "gmail",
        "yahoo",
        "hotmail",
        "outlook",
        "icloud",
        "aol",
        "protonmail",
        "proton",
        "msn",
        "live",
        "ymail",
        "comcast",
        "verizon",
        "att",
        "me",
        "mac",
    ]
)
_TLDS = frozenset(
    [
        "com",
        "org",
        "net",
        "edu",
        "gov",
        "us",
        "io",
        "co",
        "info",
        "biz",
        "health",
        "me",
        "ca",
        "uk",
        "mil",
        "mail",
    ]
)
_SIGNS = {
    "dot": ".",
    "point": ".",
    "period": ".",
    "underscore": "_",
    "dash": "-",
    "hyphen": "-",
    "minus": "-",
    "plus": "+",
}
_WRITTEN = {".": ".", "_": "_", "-": "-", "+": "+"}
_STOP = frozenset(
    [
        "is",
        "it's",
        "its",
        "email",
        "mail",
        "e",
        "address",
        "my",
        "the",
        "that's",
        "thats",
        "to",
        "use",
        "at",
        "be",
        "i",
        "i'm",
        "im",
        "yes",
        "yeah",
        "yep",
        "no",
        "so",
        "okay",
        "ok",
        "sure",
        "or",
        "was",
        "send",
        "of",
        "have",
        "got",
        "him",
        "her",
        "not",
        "actually",
        "wait",
        "sorry",
        "uses",
        "would",
        "will",
        "should",
        "i'd",
        "it",
        "here",
        "are",
        "you",
        "your",
        "correct",
        "right",
        "she",
        "he",
        "his",
        "their",
        "this",
        "that",
        "says",
        "said",
        "well",
        "hi",
        "hello",
        "please",
        "confirm",
        "reads",
        "new",
        "old",
        "on",
        "by",
        "with",
        "under",
        "perfect",
        "great",
        "thanks",
        "thank",
        "alright",
        "and",
        "for",
        "spelled",
        "spelt",
        "which",
    ]
)
_FILLERS = frozenset(["uh", "um", "er", "erm", "like", "then", "just", "symbol", "sign"])
_PHRASES = re.compile(
    r"\b(?:all (?:one word|lower ?case|together|in one|small)|one word|lower ?case|no (?:spaces?|dots?|"
    r"caps)|as one word|"
    r"(?:in )?small letters|the (?:word|number|letter|digits?)|numbers?)\b",
    re.I,
)
_NO_LABEL = (_STOP - {"mail"}) | {"@"}
_AGAIN = frozenset(("that's", "thats", "spelled", "spelt"))


def emails(text: str) -> list[Found[str]]:
    """Every e-mail address in ``text``, in lower case."""
    bare = _PHRASES.sub(lambda m: " " * len(m[0]), text)
    parts = pieces(bare)
    out = []
    for i, piece in enumerate(parts):
        if _said(piece, bare) not in ("at", "@"):
            continue
        domain = _domain(parts, i + 1, bare)
        local = _local(parts, i - 1, bare) if domain else None
        if domain and local:
            out.append(Found(f"{local[0]}@{domain[0]}", parts[local[1]].start, parts[domain[1]].end))
    return out


def email_key(value: str) -> str:
    """An address for comparison."""
    return value.strip().lower().removeprefix("mailto:")


def domains(text: str) -> list[str]:
    """The domains named in a text, with or without their ``at``: ``no, yahoo``."""
    words = [w for w in re.findall(r"[a-z]+", text.lower()) if w in FREE - {"me", "live", "mac"}]
    return [f"{w}.com" for w in words]


def _said(piece: Piece, text: str) -> str:
    return text[piece.start : piece.end].lower()


def _domain(parts: Sequence[Piece], i: int, text: str) -> tuple[str, int] | None:
    """The domain that begins at ``i`` and the index of its last piece."""
    labels, begun = [""], i
    last = i - 1
    while i < len(parts) and i - begun < 14:
        said = _said(parts[i], text)
        if _SIGNS.get(said) == "." or (said == "." and _touches(parts, i)):
            labels.append("")
        elif said in ("dash", "hyphen", "-") and labels[-1]:
            labels[-1] += "-"
        elif parts[i].kind in ("word", "letters", "digits") and said not in _NO_LABEL:
            labels[-1] += parts[i].chars.lower()
            last = i
            if len(labels) > 1 and labels[-1] in _TLDS:
                break
        elif said not in _FILLERS:
            break
        i += 1
        if len(labels) == 1 and labels[0] in FREE and not _dot_follows(parts, i, text):
            return f"{labels[0]}.com", last
    if len(labels) < 2 or labels[-1] not in _TLDS or not labels[0]:
        return None
    return ".".join(labels), last


def _dot_follows(parts: Sequence[Piece], i: int, text: str) -> bool:
    while i < len(parts) and _said(parts[i], text) in (*_FILLERS, ","):
        i += 1
    said = _said(parts[i], text) if i < len(parts) else ""
    spelled_on = said in ("mail", "cloud", "look")
    return spelled_on or _SIGNS.get(said) == "." or (said == "." and _touches(parts, i))


def _touches(parts: Sequence[Piece], i: int) -> bool:
    return i + 1 < len(parts) and parts[i].end == parts[i + 1].start


def _local(parts: Sequence[Piece], i: int, text: str) -> tuple[str, int] | None:
    """The part before the ``at`` that ends at ``i``, read backwards to a word that cannot belong to it."""
    taken: list[str] = []
    first = -1
    while i >= 0:
        said = _said(parts[i], text)
        sign = _SIGNS.get(said) or (_WRITTEN.get(said) if _touches(parts, i) else None)
        if sign:
            taken.insert(0, sign)
        elif said in _AGAIN and _spells_again(parts, i, text, taken):
            i = _before_word(parts, i, text)
            continue
        elif parts[i].kind not in ("letters", "digits") and _ends_local(said, parts[i]):
            break
        elif parts[i].kind in ("word", "letters", "digits"):
            taken.insert(0, parts[i].chars.lower())
            first = i
        i -= 1
    while taken and taken[0] in "._-+":
        taken.pop(0)
    return ("".join(_once(taken)), first) if taken and first >= 0 else None


def _ends_local(said: str, piece: Piece) -> bool:
    return (
        said in _STOP
        or said in (".", "?", "!", ":", ";", '"')
        or (piece.kind == "word" and not said.isalnum())
    )


def _spells_again(parts: Sequence[Piece], i: int, text: str, taken: Sequence[str]) -> bool:
    """``alvarez, that's a l v a r e z``: what was taken spells the word before."""
    at = _before_word(parts, i, text) + 1
    return (
        len(taken) >= 3
        and all(len(t) == 1 for t in taken)
        and 0 <= at < i
        and _alike(_said(parts[at], text), "".join(taken))
    )


def _before_word(parts: Sequence[Piece], i: int, text: str) -> int:
    i -= 1
    while i >= 0 and parts[i].kind == "skip":
        i -= 1
    return i - 1


def _alike(word: str, spelt: str) -> bool:
    return len(word) > 2 and word[0] == spelt[0] and distance(word, spelt) <= 2


def _once(taken: Sequence[str]) -> list[str]:
    """Without a word that is spelled right after it was said."""
    out: list[str] = []
    i = 0
    while i < len(taken):
        end = i + 1
        while end < len(taken) and len(taken[end]) == 1 and taken[end].isalpha():
            end += 1
        if len(taken[i]) > 2 and end - i > 3 and _alike(taken[i], "".join(taken[i + 1 : end])):
            i += 1
            continue
        out.append(taken[i])
        i += 1
    return out
