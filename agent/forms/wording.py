"""What is written to patients about forms, in each language."""

from __future__ import annotations

from agent.forms.questions import words

_LINK = words(
    "{practice} has a few questions for you. Please answer here, within {days} days: {link}",
    "{practice} tiene algunas preguntas para usted. Responda aquí, en un plazo de {days} días: {link}",
)
_SOMEBODY = words("Your care team", "Su equipo médico")


def of_link(language: str, practice: str, link: str, hours: int) -> str:
    """The text message that brings a link. It says nothing of why, and no name."""
    who = practice or _SOMEBODY[language]
    return _LINK[language].format(practice=who, days=max(1, hours // 24), link=link)
