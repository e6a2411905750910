"""What is written to patients about forms, in each language."""

from __future__ import annotations

from agent.forms.questions import words

_LINK = words(
    "{practice} has a few questions for you. Please answer here {time}: {link}",
    "{practice} tiene algunas preguntas para usted. Responda aquí {time}: {link}",
)
_DAYS = words("within {days} days", "en un plazo de {days} días")
_DAY = words("within a day", "en un plazo de un día")
_SOMEBODY = words("Your care team", "Su equipo médico")


def of_link(language: str, practice: str, link: str, hours: int) -> str:
    """The text message that brings a link. It says nothing of why, and no name."""
    who = practice or _SOMEBODY[language]
    days = hours // 24
    time = _DAYS[language].format(days=days) if days > 1 else _DAY[language]
    return _LINK[language].format(practice=who, time=time, link=link)
