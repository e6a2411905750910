"""Corrections of a part: ``no, the last digit is three``, ``… oh one four three, sorry, two``."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from datetime import date

from fhirserver.world.spoken.characters import pieces
from fhirserver.world.spoken.dates import MONTH_WORDS, calendar_day
from fhirserver.world.spoken.numbers import ordinal, small, year
from fhirserver.world.spoken.words import Token, fold, tokens

_COUNT = r"(?:one|two|three|four|five|six|\d)"
_PART = (
    rf"(?:\s+{_COUNT})?(?:\s+(?:digits?|numbers?|letters?|characters?|parts?|ones?|bit))?"
    r"(?:\s+(?:is|are|should be|were|was|has to be|needs to be))?"
)
_TAIL = re.compile(
    rf"\b(?:(?:the )?(?:last|final){_PART}|(?:it )?(?:ends?|ending|finish(?:es)?) (?:in|with)|at the end)"
)
_HEAD = re.compile(rf"\b(?:(?:the )?first{_PART}|area code(?: is)?|(?:starts?|begins?|starting) with)")
_NEGATED = re.compile(r"\b(?:not|isn't|instead of|rather than)\s+(?:an? |the )?\w+(?:\s+as in \w+)?")
_ARTICLE = re.compile(r"\ban? (?=[a-z0-9])")


def characters_in(text: str, letters: bool) -> str:
    """The digits (and letters) that a stretch of speech holds, joined; words between them do not matter."""
    out = []
    for piece in pieces(text):
        said = text[piece.start : piece.end].lower()
        if piece.kind == "digits" or (letters and piece.kind == "letters" and said not in ("a", "i")):
            out.append(piece.chars)
    return "".join(out).replace("O", "0") if letters else "".join(out)


def tail_mender(length: int, letters: bool) -> Callable[[Hashable, str], Hashable | None]:
    """Mends strings of characters: what is said anew takes the place of the last ones, or of the first where
    the caller says so. ``length`` is how long a whole value is."""

    def mend(before: Hashable, text: str) -> Hashable | None:
        said = _ARTICLE.sub("", _NEGATED.sub(" ", fold(text)))
        head, tail = _HEAD.search(said), _TAIL.search(said)
        fragment = characters_in(_TAIL.sub(" ", _HEAD.sub(" ", said)), letters)
        whole = str(before)
        if not fragment or len(fragment) > length:
            return None
        if head and not tail:
            return fragment + whole[len(fragment) :] if len(whole) >= length else None
        kept = max(length, len(whole)) - len(fragment)
        return whole[:kept] + fragment if kept <= len(whole) else None

    return mend


def partial_reader(letters: bool) -> Callable[[str], Hashable | None]:
    """Reads the beginning of a value that is broken off."""
    return lambda text: characters_in(text, letters) or None


def date_parts(text: str) -> dict[str, int]:
    """``month``, ``day`` and ``year`` as far as a text names them."""
    ts, found, i = tokens(text), dict[str, int](), 0
    while i < len(ts):
        if ts[i].text in MONTH_WORDS and "month" not in found:
            found["month"] = MONTH_WORDS[ts[i].text]
            i += 1
            continue
        read = _day_or_year(ts, i, found)
        i = read if read else i + 1
    return found


def _day_or_year(ts: list[Token], i: int, found: dict[str, int]) -> int | None:
    nth = ordinal(ts, i)
    if nth and 1 <= nth[0] <= 31 and "day" not in found:
        found["day"] = nth[0]
        return nth[1]
    said_year = year(ts, i)
    if said_year and (said_year[0] > 31 or "day" in found) and "year" not in found:
        found["year"] = said_year[0]
        return said_year[1]
    day = (int(ts[i].text), i + 1) if ts[i].is_number else small(ts, i)
    if day and 1 <= day[0] <= 31 and "day" not in found and "month" in found:
        found["day"] = day[0]
        return day[1]
    return None


def mend_date(today: date) -> Callable[[Hashable, str], Hashable | None]:
    """Mends a birth date by the month, day or year said anew."""

    def mend(before: Hashable, text: str) -> Hashable | None:
        parts = date_parts(_NEGATED.sub(" ", fold(text)))
        if not parts:
            return None
        if isinstance(before, date):
            parts = {"year": before.year, "month": before.month, "day": before.day, **parts}
        elif isinstance(before, tuple):
            parts = dict(before) | parts
        if not {"year", "month", "day"} <= parts.keys():
            return None
        year = parts["year"] if parts["year"] > 99 else _full(parts["year"], today)
        return calendar_day(year, parts["month"], parts["day"])

    return mend


def partial_date(text: str) -> Hashable | None:
    """The month, day or year at the beginning of a date that is broken off, as a tuple of pairs."""
    return tuple(date_parts(text).items()) or None


def _full(two: int, today: date) -> int:
    century = today.year // 100 * 100
    return century + two if century + two <= today.year else century - 100 + two
