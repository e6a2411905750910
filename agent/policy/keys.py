"""What keys of the telephone mean, by what was asked: as words, so that they are heard like any others."""

from __future__ import annotations

from datetime import date

from fhirserver.world.spoken.say import say_birth_date

_YES_NO = frozenset(
    ("read_back", "will_you_come", "no_appointment", "guardian", "person", "not_coming", "one offer")
)


def as_words(digits: str, asked: str) -> str:
    """``1`` → ``yes`` after a yes-or-no question, ``03031982#`` → a birth date after one for it; else empty.

    ``asked``: the state of the conversation. ``0`` alone is the wish for a person, whatever was asked.
    """
    pressed = digits.strip("#*")
    if pressed == "0":
        return "a person please"
    if asked in _YES_NO:
        return {"1": "yes", "2": "no"}.get(pressed, "")
    if asked == "identity":
        day = _day(pressed)
        return say_birth_date(day) if day else ""
    if asked in ("insurance", "phone", "address", "offer", "choose_appointment") and pressed:
        return " ".join(pressed)
    return ""


def _day(pressed: str) -> date | None:
    """Month, day and year as eight digits (``03031982``)."""
    if len(pressed) != 8 or not pressed.isdigit():
        return None
    try:
        return date(int(pressed[4:]), int(pressed[:2]), int(pressed[2:4]))
    except ValueError:
        return None
