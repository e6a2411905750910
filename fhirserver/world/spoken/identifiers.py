"""Digit strings, phone numbers, postal codes and alphanumeric ids in what was said, and their shapes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fhirserver.world.spoken.characters import Piece, runs
from fhirserver.world.spoken.words import Found, fold, tokens

_DIGITS = frozenset({"digits"})
_BOTH = frozenset({"digits", "letters"})
_NANP = re.compile(r"(?:\+?1)?([2-9]\d{2}[2-9]\d{6})\Z")
_TEN = re.compile(r"(?:\+?1)?([2-9]\d{9})\Z")
_MEMBER_ID = re.compile(r"[A-Z0-9]{5,20}\Z")
_POSTAL = re.compile(r"\d{5}(?:-?\d{4})?\Z")
_ARTICLE_BEFORE = {"is", "it's", "its", "have", "got", "with", "be", "was", "take", "want", "need", "like"}


def _joined(run: Sequence[Piece]) -> Found[str]:
    return Found("".join(p.chars for p in run), run[0].start, run[-1].end)


def digit_strings(text: str, least: int = 1) -> list[Found[str]]:
    """Every run of digits of at least ``least`` (``nine oh two`` → ``902``)."""
    return [found for found in map(_joined, runs(text, _DIGITS)) if len(found.value) >= least]


def _without_article(run: list[Piece], text: str) -> list[Piece]:
    """``it's a 987`` holds no letter A, and ``I`` before a number is the speaker."""
    before = [t.text for t in tokens(text[: run[0].start])]
    lone = len(run) > 1 and run[1].kind == "digits" and text[run[0].start : run[0].end]
    if (lone == "a" and before and before[-1] in _ARTICLE_BEFORE) or (
        lone in ("I", "i") and len(before) == 0
    ):
        return run[1:]
    return run


def _is_date(run: Sequence[Piece], text: str) -> bool:
    said = [text[p.start : p.end].lower() for p in run if p.kind == "letters"]
    return said == ["november"]


def identifiers(text: str, least: int = 5) -> list[Found[str]]:
    """Alphanumeric ids without separators, upper case, of at least ``least`` characters with a digit."""
    found = [_joined(_without_article(run, text)) for run in runs(text, _BOTH) if not _is_date(run, text)]
    return [f for f in found if len(f.value) >= least and any(c.isdigit() for c in f.value)]


def phones(text: str) -> list[Found[str]]:
    """Ten-digit North American numbers as ``+1…``."""
    found = []
    for run in digit_strings(text, 10):
        match = _TEN.match(run.value)
        if match:
            found.append(Found("+1" + match[1], run.start, run.end))
    return found


def postal_codes(text: str) -> list[Found[str]]:
    """Runs of exactly five or nine digits, the last first: a postal code ends an address."""
    hits = [f for f in digit_strings(text, 5) if len(f.value) in (5, 9)]
    dressed = [
        Found(f.value if len(f.value) == 5 else f"{f.value[:5]}-{f.value[5:]}", f.start, f.end) for f in hits
    ]
    return dressed[::-1]


def phone_key(number: str) -> str:
    """The digits of a phone number without country code 1: two spellings of one number are equal."""
    digits = re.sub(r"\D", "", number)
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits


def identifier_key(value: str) -> str:
    """An id for comparison: upper case, no separators, letter O taken for the digit (``oh`` is both)."""
    return re.sub(r"[^A-Z0-9]", "", fold(value).upper()).replace("O", "0")


def is_nanp(number: str) -> bool:
    """Whether ``number`` is shaped as the North American Numbering Plan says."""
    return _NANP.match(re.sub(r"[^\d+]", "", number)) is not None


def is_member_id(value: str) -> bool:
    """Whether ``value`` looks like a member id: 5 to 20 letters and digits with at least two digits."""
    plain = re.sub(r"[\s\-]", "", value.upper())
    return _MEMBER_ID.match(plain) is not None and sum(c.isdigit() for c in plain) >= 2


def is_postal_code(value: str) -> bool:
    """Whether ``value`` is a US ZIP or ZIP+4."""
    return _POSTAL.match(value) is not None


def is_npi(value: str) -> bool:
    """The Luhn check of a National Provider Identifier, with its prefix 80840."""
    if not re.match(r"[12]\d{9}\Z", value):
        return False
    total = 24
    for place, char in enumerate(reversed(value)):
        digit = int(char) * (2 if place % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0
