"""Numbers as they are said: cardinals, ordinals, years."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.world.spoken.words import Token

UNITS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "niner": 9, "fife": 5,
}  # fmt: skip
ZERO = {"zero": 0, "oh": 0, "o": 0, "nought": 0, "naught": 0}
TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90,
}  # fmt: skip
ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14,
    "fifteenth": 15, "sixteenth": 16, "seventeenth": 17, "eighteenth": 18, "nineteenth": 19,
    "twentieth": 20, "thirtieth": 30,
}  # fmt: skip
_SUFFIXES = ("st", "nd", "rd", "th")

Read = tuple[int, int]
"""A value and the index of the token after it."""


def _after_hyphen(tokens: Sequence[Token], i: int) -> int:
    return i + 1 if i < len(tokens) and tokens[i].raw == "-" else i


def _word(tokens: Sequence[Token], i: int) -> str:
    return tokens[i].text if i < len(tokens) else ""


def small(tokens: Sequence[Token], i: int) -> Read | None:
    """A number in words from 1 to 99 (``forty two``, ``forty-two``, ``nineteen``)."""
    word = _word(tokens, i)
    if word in UNITS:
        return UNITS[word], i + 1
    if word in TEENS:
        return TEENS[word], i + 1
    if word not in TENS:
        return None
    unit = _after_hyphen(tokens, i + 1)
    if _word(tokens, unit) in UNITS:
        return TENS[word] + UNITS[_word(tokens, unit)], unit + 1
    return TENS[word], i + 1


def _tail(tokens: Sequence[Token], i: int) -> Read:
    start = i + 1 if _word(tokens, i) == "and" else i
    below = small(tokens, start)
    return below if below else (0, i)


def _hundreds(tokens: Sequence[Token], i: int) -> Read | None:
    head = (1, i + 1) if _word(tokens, i) == "a" and _word(tokens, i + 1) == "hundred" else small(tokens, i)
    if head is None:
        return None
    value, after = head
    if _word(tokens, after) != "hundred":
        return head
    rest, end = _tail(tokens, after + 1)
    return value * 100 + rest, end


def cardinal(tokens: Sequence[Token], i: int) -> Read | None:
    """A number from 0 to 99,999 in words or written digits."""
    if i < len(tokens) and tokens[i].is_number:
        return int(tokens[i].text), i + 1
    if _word(tokens, i) in ZERO:
        return 0, i + 1
    head = _hundreds(tokens, i)
    if head is None or _word(tokens, head[1]) != "thousand":
        return head
    below = _hundreds(tokens, head[1] + 1)
    rest, end = below if below else _tail(tokens, head[1] + 1)
    return head[0] * 1000 + rest, end


def ordinal(tokens: Sequence[Token], i: int) -> Read | None:
    """``third``, ``twenty-third``, ``3rd``: 1 to 99."""
    word = _word(tokens, i)
    if word in ORDINALS:
        return ORDINALS[word], i + 1
    if word in TENS:
        unit = _after_hyphen(tokens, i + 1)
        value = ORDINALS.get(_word(tokens, unit), 0)
        return (TENS[word] + value, unit + 1) if 0 < value < 10 else None
    written = i + 1 < len(tokens) and tokens[i].is_number and tokens[i + 1].text in _SUFFIXES
    return (int(tokens[i].text), i + 2) if written else None


def _century(tokens: Sequence[Token], i: int) -> Read | None:
    head = small(tokens, i)
    if head is None or not 10 <= head[0] <= 20:
        return None
    if _word(tokens, head[1]) == "hundred":
        rest, end = _tail(tokens, head[1] + 1)
        return head[0] * 100 + rest, end
    if _word(tokens, head[1]) in ZERO and _word(tokens, head[1] + 1) in UNITS:
        return head[0] * 100 + UNITS[_word(tokens, head[1] + 1)], head[1] + 2
    below = small(tokens, head[1])
    return (head[0] * 100 + below[0], below[1]) if below and below[0] >= 10 else None


def _spoken_digits(tokens: Sequence[Token], i: int, count: int) -> Read | None:
    value, at = 0, i
    for _ in range(count):
        word = _word(tokens, at)
        if word not in UNITS and word not in ZERO:
            return None
        value, at = value * 10 + {**UNITS, **ZERO}[word], at + 1
    return value, at


def year(tokens: Sequence[Token], i: int) -> Read | None:
    """A year as said: four digits, or two (0 to 99), which the caller of this resolves.

    ``nineteen eighty two``, ``two thousand four``, ``twenty oh five``, ``'82``, ``oh five``, ``82``,
    ``one nine eight two``.
    """
    if i < len(tokens) and tokens[i].raw in ("'", "’", "‘"):
        i += 1
    if i < len(tokens) and tokens[i].is_number:
        return (int(tokens[i].text), i + 1) if len(tokens[i].text) in (2, 4) else None
    for read in (_century(tokens, i), _spoken_digits(tokens, i, 4), _two_thousand(tokens, i)):
        if read is not None and 1800 <= read[0] <= 2199:
            return read
    if _word(tokens, i) in ZERO:
        return _spoken_digits(tokens, i, 2)
    below = small(tokens, i)
    return below if below and below[0] >= 10 else None


def _two_thousand(tokens: Sequence[Token], i: int) -> Read | None:
    return cardinal(tokens, i) if _word(tokens, i + 1) == "thousand" else None
