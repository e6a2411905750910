r"""Escape sequences within HL7v2 values: ``\F\``, ``\.br\``, ``\X0D\`` and their kind.

https://www.hl7.eu/HL7v2x/v251/std251/ch02.html (2.7, use of escape sequences in text fields). A sequence that
is not known is kept as it stands, so that nothing is lost.
"""

from __future__ import annotations

import re
from functools import lru_cache

from adapters.hl7v2.separators import Separators

_HIGHLIGHT = frozenset(("H", "N"))
_LINES = re.compile(r"\.(br|sp|ce)\s*\+?(\d{0,2})\Z")
_BLANKS = re.compile(r"\.sk\s*\+?(\d{1,2})\Z")
_LAYOUT = re.compile(r"\.(fi|nf|in|ti)\s*[+-]?\d{0,3}\Z")
_HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)\Z")
_SWITCH = re.compile(r"(?:C([0-9A-Fa-f]{4})|M([0-9A-Fa-f]{4}(?:[0-9A-Fa-f]{2})?))\Z")
# Carries the character sets that escapes switch between: ASCII, JIS, GB 2312, KS X 1001, ISO 8859-1 and -7.
_SWITCHED = "iso2022_jp_2"


def unescape(text: str, separators: Separators) -> str:
    """The value that ``text`` stands for. Line breaks are ``\\n``, highlighting goes, the unknown stays."""
    mark = separators.escape
    if not mark or mark not in text:
        return text
    parts: list[str] = []
    at = 0
    while True:
        start = text.find(mark, at)
        end = text.find(mark, start + 1) if start >= 0 else -1
        if end < 0:
            parts.append(text[at:])
            return "".join(parts)
        sequence = text[start + 1 : end]
        meaning = _meaning(sequence, separators)
        if switched := _switched(text, start, end, mark):
            meaning, end = switched
        parts.append(text[at:start])
        # The closing mark of what is no sequence may open the next one.
        parts.append(text[start:end] if meaning is None else meaning)
        at = end if meaning is None else end + 1


def escape(value: str, separators: Separators) -> str:
    """``value`` with what would divide it escaped; ``unescape`` gives it back."""
    if not value or not separators.escape or value.isalnum():  # which no separator is
        return value
    return value.translate(_table(separators))


@lru_cache(maxsize=64)
def _table(separators: Separators) -> dict[int, str]:
    mark = separators.escape
    letters = {
        separators.escape: "E",
        separators.field: "F",
        separators.component: "S",
        separators.subcomponent: "T",
        separators.repetition: "R",
        separators.truncation: "P",
        "\n": ".br",
        "\r": "X0D",
    }
    return {ord(character): f"{mark}{letter}{mark}" for character, letter in letters.items() if character}


def _meaning(sequence: str, separators: Separators) -> str | None:
    separator = _separator(sequence, separators)
    if separator is not None:
        return separator
    if sequence in _HIGHLIGHT or _LAYOUT.match(sequence):
        return ""
    if lines := _LINES.match(sequence):
        return "\n" * (int(lines[2] or 1) if lines[1] == "sp" else 1)
    if blanks := _BLANKS.match(sequence):
        return " " * int(blanks[1])
    if digits := _HEX.match(sequence):
        return _bytes(bytes.fromhex(digits[1]), separators.encoding)
    return None


def _separator(sequence: str, separators: Separators) -> str | None:
    match sequence:
        case "F":
            return separators.field
        case "S":
            return separators.component
        case "T":
            return separators.subcomponent or None
        case "R":
            return separators.repetition or None
        case "E":
            return separators.escape
        case "P":
            return separators.truncation or None
    return None


def _bytes(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        # Senders that mean a code of their former character set are common; ISO 8859-1 takes every byte.
        return content.decode("latin-1")


def _switched(text: str, start: int, end: int, mark: str) -> tuple[str, int] | None:
    r"""What stands from a ``\C…\`` or ``\M…\`` up to the next other escape, and the index of its last character.

    It stays as it is where it cannot be read. None where no such sequence is at ``start``.
    """
    raw = bytearray()
    at, last = start, end
    while (switch := _SWITCH.match(text[at + 1 : end])) is not None:
        following = text.find(mark, end + 1)
        plain = text[end + 1 : following if following >= 0 else len(text)]
        raw += b"\x1b" + bytes.fromhex(switch[1] or switch[2]) + plain.encode("utf-8")
        last = end + len(plain)
        at, end = following, text.find(mark, following + 1) if following >= 0 else -1
        if end < 0:
            break
    if not raw:
        return None
    return _read_switched(bytes(raw)) or text[start : last + 1], last


def _read_switched(raw: bytes) -> str | None:
    try:
        value = raw.decode(_SWITCHED)
    except UnicodeDecodeError:
        return None
    # The codec passes an escape sequence on that it does not know.
    return None if "\x1b" in value else value
