"""What a form asks: questions, the subjects they belong to, and the words for both in each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

LANGUAGES: Final = ("en", "es")
Words = Mapping[str, str]
"""The same words in each of :data:`LANGUAGES`."""

TEXT, LONG, PHONE, EMAIL, ZIP, DATE, CHOICE, YES_NO, PHOTO, MEMBER = (
    "text", "long", "phone", "email", "zip", "date", "choice", "yes-no", "photo", "member",
)  # fmt: skip
"""The kinds of questions."""


def words(en: str, es: str) -> Words:
    return {"en": en, "es": es}


NONE: Final = words("", "")


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be chosen; ``system`` empty: a code of this form alone."""

    code: str
    words: Words
    system: str = ""


@dataclass(frozen=True, slots=True)
class When:
    """The question stands only where another one was answered so: a code, or ``yes`` or ``no``."""

    link_id: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question. ``definition`` is the element that the answer is about, as FHIR names it; ``autocomplete`` is
    HTML's word for what is asked; ``required``: without it its subject is not answered at all."""

    link_id: str
    kind: str
    words: Words
    hint: Words = field(default_factory=lambda: NONE)
    required: bool = False
    options: tuple[Option, ...] = ()
    when: When | None = None
    definition: str = ""
    autocomplete: str = "off"
    longest: int = 120

    def option(self, code: str) -> Option | None:
        return next((one for one in self.options if one.code == code), None)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about one thing that is missing; ``section`` is the page it stands on."""

    key: str
    section: str
    words: Words
    questions: tuple[Question, ...]


SECTIONS: Final[Mapping[str, Words]] = {
    "you": words("About you", "Sobre usted"),
    "people": words("People to reach", "Personas de contacto"),
    "insurance": words("Your insurance", "Su seguro"),
    "health": words("Your health", "Su salud"),
    "permission": words("How we may reach you", "Cómo podemos comunicarnos"),
}
"""The pages of a form, in their order."""
