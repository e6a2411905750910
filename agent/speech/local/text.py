"""Text as it is to be read aloud: abbreviations in full, ids letter by letter, addresses with their marks named.

What the agent says is in words already; this is for what slips through (``Dr. Lee``, ``ABC-987``, an e-mail). Each
character of the result knows the character it came from, so that places in the sound are places in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_TITLES = {
    "dr": "Doctor", "mr": "Mister", "mrs": "Missus", "ms": "Miz", "prof": "Professor", "jr": "Junior",
    "sr": "Senior", "ave": "Avenue", "blvd": "Boulevard", "apt": "Apartment", "ste": "Suite", "rd": "Road",
    "appt": "appointment", "no": "number", "vs": "versus", "etc": "et cetera",
}  # fmt: skip
_MARKS = {"@": " at ", ".": " dot ", "-": " dash ", "_": " underscore ", "+": " plus ", "/": " slash "}
_AS_WORDS = frozenset({"AM", "PM", "OK", "COVID", "WIC", "CHIP"})


def _email(match: re.Match[str]) -> str:
    return "".join(_MARKS.get(c, c) for c in match[0])


def _title(match: re.Match[str]) -> str:
    return _TITLES[match[1].lower()]


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    return ", ".join(" ".join(g) for g in groups)


def _apart(match: re.Match[str]) -> str:
    """Letters and digits one by one, a breath between runs of either."""
    runs = re.findall(r"[A-Za-z]+|\d+", match[0])
    return ", ".join(" ".join(run.upper()) for run in runs)


def _initials(match: re.Match[str]) -> str:
    return match[0] if match[0] in _AS_WORDS else " ".join(match[0])


_Change = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
_CHANGES: tuple[_Change, ...] = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), _email),
    (re.compile(rf"(?<![\w.])({'|'.join(t for t in _TITLES if t != 'no')})\.(?=\s+\w)", re.I), _title),
    (re.compile(r"(?<![\w.])(no)\.(?=\s+\d)", re.I), _title),
    (re.compile(r"(?<!\w)\+?(?:1[\s.-])?\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4}(?!\w)"), _phone),
    (re.compile(r"\b(?=[A-Za-z-]*\d)(?=[\d-]*[A-Za-z])(?!\d+(?:st|nd|rd|th|am|pm)\b)[A-Za-z\d]+(?:-[A-Za-z\d]+)*\b"),
     _apart),
    (re.compile(r"\b\d{5,}\b"), _apart),
    (re.compile(r"\b[A-Z]{2,5}\b"), _initials),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Readable:
    """What is read aloud, and for each of its characters the character of the text it stands for."""

    text: str
    origin: tuple[int, ...]


def readable(text: str) -> Readable:
    """The text made readable."""
    said, origin = text, list(range(len(text)))
    for pattern, change in _CHANGES:
        said, origin = _changed(said, origin, pattern, change)
    return Readable(said, tuple(origin))


def _changed(
    text: str, origin: list[int], pattern: re.Pattern[str], change: Callable[[re.Match[str]], str]
) -> tuple[str, list[int]]:
    said: list[str] = []
    places: list[int] = []
    at = 0
    for match in pattern.finditer(text):
        said.append(text[at : match.start()])
        places += origin[at : match.start()]
        put = change(match)
        said.append(put)
        places += [origin[match.start()]] * len(put)
        at = match.end()
    return "".join((*said, text[at:])), places + origin[at:]
