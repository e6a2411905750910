"""Whether what a caller has said so far sounds finished: how long a silence must be to end the turn.

It reads the words as they come, so it never knows what follows; where words leave it open, silence decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from enum import Enum

from fhirserver.world.spoken.addresses import address
from fhirserver.world.spoken.answers import Answer, answer
from fhirserver.world.spoken.characters import Piece, pieces
from fhirserver.world.spoken.dates import MONTH_WORDS, birth_dates, dates
from fhirserver.world.spoken.numbers import TEENS
from fhirserver.world.spoken.times import times
from fhirserver.world.spoken.words import plain


class Said(Enum):
    """How finished an utterance sounds."""

    COMPLETE = "complete"
    OPEN = "open"
    INCOMPLETE = "incomplete"


_HANGING = frozenset(
    re.findall(
        r"\S+",
        """
    a about after am an and are as at because before between but by can could do er erm for from have i i'd i'll
    i'm i've if in into is it's its like maybe my need of on or our so than that's the their then there's these
    they this to uh um want was we we'd we're were when where which while who whose will with would you your
        """,
    )
)
"""Words that lead to something: after them a speaker has not finished."""
_WHOLE_END = re.compile(
    r"\b(?:(?:yes|no|yeah|sure|so|think) (?:it|that|this|he|she|i|we|they|there) "
    r"(?:is|was|am|are|do|will|can|would|have|could)|yes we (?:do|are|can|will)|"
    r"(?:came|come|calling|looking|waiting|asking|what it's|here|checked|moved|go|coming) (?:for|about|in|on|by|from)|"
    r"come in|i (?:do|am|can|will|would|have)|(?:want|like|need|have) to|thank you|see you|to you|"
    r"that's it|i'd like that)$"
)
"""Ends that hang by their last word and are whole all the same."""
_STILL_TO = re.compile(
    r"\b(?:i|we|i'd|we'd|just|really) (?:want|like|need|have) to$|^i (?:do|am|can|will|would|have)$"
)
_LET_ME_SEE = re.compile(
    r"\b(?:let me (?:check|see|think|look|get|find)|hold on|hang on|one (?:moment|second|sec)|just a (?:moment|second|"
    r"sec|minute)|give me a (?:moment|second|sec|minute))(?: please| it| my \w+)?$"
)
_FAREWELL = re.compile(
    r"\b(?:bye|goodbye|that's all|that is all|that'll be all|that's everything)(?: thank you| thanks)?$"
)
_CLEAR = frozenset(
    re.findall(
        r"\S+",
        """
        yes yeah yep yup no nope nah please thanks thank you correct that's that is right it sure absolutely
        definitely exactly of course
        """,
    )
)
"""Words that make an answer of their own, whatever was asked."""
_NUMBER_ASKED = re.compile(r"\b(?:number|phone|cell|mobile|call me (?:at|on)|reach me (?:at|on)|id|code)\b")
_BIRTH = re.compile(r"\b(?:born|birth|birthday|birthdate|dob)\b")
_LATEST = date(2100, 12, 31)
"""Later than any birth date, so that no year said is taken for one that is still to come."""

Judge = Callable[[str, str], "Said | None"]


def completeness(text: str, expects: str = "") -> Said:
    """How finished ``text`` sounds as an answer to what was asked (``Hints.expects``)."""
    said = plain(text)
    if not said:
        return Said.OPEN
    if _hangs(said):
        return Said.INCOMPLETE
    judges = (_address, _birth_date, _spelling, _identifier, _number, _month, _short_answer)
    found = (judge(text, expects) for judge in judges)
    return next((f for f in found if f is not None), Said.OPEN)


def _hangs(said: str) -> bool:
    if _LET_ME_SEE.search(said) or _STILL_TO.search(said):
        return True
    return said.rsplit(" ", 1)[-1] in _HANGING and not _WHOLE_END.search(said)


def _short_answer(text: str, expects: str) -> Said | None:
    said = plain(text).split()
    if _FAREWELL.search(" ".join(said)):
        return Said.COMPLETE
    if expects not in ("", "yes_no", "slot") or len(said) > 5:
        return None
    clear = answer(text) in (Answer.YES, Answer.NO)
    asked = expects in ("yes_no", "slot") and not _dated(text)
    return Said.COMPLETE if clear and (asked or set(said) <= _CLEAR) else None


def _dated(text: str) -> bool:
    """Whether the answer names a day or a time: that may go on ("yes, thursday …")."""
    return bool(dates(text) or times(text)) or any(p.kind == "digits" for p in pieces(text))


def _tail(text: str, kinds: frozenset[str]) -> list[Piece]:
    """The digits or letters one after another at the very end of ``text``."""
    tail: list[Piece] = []
    for piece in reversed(pieces(text)):
        if piece.kind in kinds:
            tail.append(piece)
        elif piece.kind not in ("skip", "joiner"):
            break
    return tail[::-1]


_DIGITS = frozenset({"digits"})
_CHARACTERS = frozenset({"digits", "letters"})


def _length(tail: list[Piece]) -> int:
    return sum(len(p.chars) for p in tail)


def _address(text: str, expects: str) -> Said | None:
    if expects != "address":
        return None
    if address(text).is_whole:
        return Said.COMPLETE
    begun = any(p.kind == "digits" for p in pieces(text))
    return Said.INCOMPLETE if begun else None


def _ends(text: str, end: int) -> bool:
    return not plain(text[end:])


def _birth_date(text: str, expects: str) -> Said | None:
    if expects != "identity" and not _BIRTH.search(plain(text)):
        return None
    whole = [f for f in birth_dates(text, _LATEST) if _ends(text, f.end)]
    if whole:
        return _year_said(plain(text[whole[-1].start :]))
    if any(f.value.year is None and _ends(text, f.end) for f in dates(text)):
        return Said.INCOMPLETE
    return Said.INCOMPLETE if _tail(text, _DIGITS) and not birth_dates(text, _LATEST) else None


def _year_said(said: str) -> Said:
    """``nineteen`` begins a year, ``nineteen eighty`` may be one, ``nineteen eighty two`` is."""
    *_, before, last = ["", *said.split()]
    if last in TEENS or last in ("19", "20", "twenty"):
        century = last in ("nineteen", "twenty", "19", "20") and before not in (
            "nineteen",
            "twenty",
            "19",
            "20",
        )
        return Said.INCOMPLETE if century else Said.COMPLETE
    return Said.OPEN if last.endswith("ty") or last in ("thousand", "hundred") else Said.COMPLETE


def _spelling(text: str, expects: str) -> Said | None:
    tail = _tail(text, _CHARACTERS)
    spelt = len(tail) >= 2 and all(p.kind == "letters" for p in tail)
    return Said.INCOMPLETE if spelt and expects != "insurance" else None


def _identifier(text: str, expects: str) -> Said | None:
    """Member ids have no fixed length: most have nine characters or more."""
    if expects != "insurance" and not re.search(r"\b(?:member|group|policy) (?:id|number)\b", plain(text)):
        return None
    length = _length(_tail(text, _CHARACTERS))
    if length == 0:
        return None
    return Said.INCOMPLETE if length < 9 else Said.OPEN


def _number(text: str, expects: str) -> Said | None:
    tail = _tail(text, _DIGITS)
    if not tail or any(_ends(text, f.end) for f in (*dates(text), *times(text))):
        return None
    digits = "".join(p.chars for p in tail)
    if len(digits) == 10 or (len(digits) == 11 and digits[0] == "1"):
        return Said.COMPLETE
    asked = expects == "phone" or _NUMBER_ASKED.search(plain(text))
    half = len(digits) < 10 and (asked or (len(tail) >= 3 and expects not in ("date", "slot")))
    return Said.INCOMPLETE if half else None


def _month(text: str, expects: str) -> Said | None:
    """A month without its day; ``in january`` is a wish of its own where no birth date is asked for."""
    *before, last = plain(text).split()
    if last not in MONTH_WORDS:
        return None
    led = before[-1] if before else ""
    if last == "may" and led not in ("", "in", "of", "born"):
        return None
    wish = led in ("in", "of", "this", "next", "until", "by") and expects != "identity" and led != "born"
    return None if wish else Said.INCOMPLETE
