"""Answers as people type them, and as QuestionnaireResponse.item has them.

Inside, an answer is a text: what was typed, a code, ``yes`` or ``no``, a day (``2026-11-30``), or the reference of a
DocumentReference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

from agent.forms.catalogue import CATALOGUE, NO, QUESTIONS, YES, asked_in
from agent.forms.questions import (
    CHOICE,
    DATE,
    EMAIL,
    MEMBER,
    PHONE,
    PHOTO,
    SECTIONS,
    YES_NO,
    ZIP,
    Question,
    Words,
    words,
)
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.world.spoken.identifiers import is_member_id, is_nanp, is_postal_code

Answers = Mapping[str, str]
"""By link id."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)*\.[A-Za-z]{2,}\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_EARLIEST = 1890
_SAID = {
    PHONE: words(
        "That does not look like a US phone number. Please enter ten digits, area code first.",
        "No parece un teléfono de EE. UU. Escriba diez dígitos, con el código de área.",
    ),
    EMAIL: words(
        "That does not look like an e-mail address. It has an @, such as name@example.com.",
        "No parece un correo electrónico. Lleva una @, por ejemplo nombre@ejemplo.com.",
    ),
    ZIP: words("A ZIP code has five digits.", "Un código postal tiene cinco dígitos."),
    DATE: words(
        "That is not a day of the calendar. Please check month, day and year.",
        "Esa fecha no existe. Revise el mes, el día y el año.",
    ),
    CHOICE: words("Please choose one of the answers.", "Elija una de las respuestas."),
    MEMBER: words(
        "A member ID has letters and digits, at least five of them. Please look at your card.",
        "Un número de miembro tiene al menos cinco letras o números. Mire su tarjeta.",
    ),
}
_FUTURE = words("That day has not come yet.", "Ese día todavía no ha llegado.")
_LONG = words("That is too long. Please shorten it.", "Es demasiado largo. Acórtelo, por favor.")
_NEEDED = words("Please answer this question.", "Responda esta pregunta, por favor.")


class Unreadable(ValueError):
    """An answer cannot be taken. ``words`` say to the patient what would be right; they hold nothing of it."""

    def __init__(self, said: Words):
        self.words = said
        super().__init__(said["en"])


def read(question: Question, raw: Json, today: date) -> str:
    """What was typed as an answer, empty for none. Raises :class:`Unreadable`."""
    text = _day(raw) if question.kind == DATE else raw
    if not isinstance(text, str):
        raise Unreadable(_SAID.get(question.kind, _NEEDED))
    text = _CONTROL.sub(" ", text.replace("\r\n", "\n")).strip()
    if not text:
        return ""
    if len(text) > question.longest:
        raise Unreadable(_LONG)
    _check(question, text, today)
    return text


def _day(raw: Json) -> Json:
    """Month, day and year as an ISO date; empty where all are empty."""
    if not isinstance(raw, dict):
        return raw
    parts = [str(raw.get(name, "")).strip() for name in ("y", "m", "d")]
    if not any(parts):
        return ""
    if not all(part.isdecimal() and len(part) <= 4 for part in parts):
        raise Unreadable(_SAID[DATE])
    year, month, day = map(int, parts)
    return f"{year:04}-{month:02}-{day:02}"


_RIGHT: dict[str, Callable[[str], object]] = {
    PHONE: is_nanp,
    EMAIL: _EMAIL.match,
    ZIP: is_postal_code,
    MEMBER: is_member_id,
}


def _check(question: Question, text: str, today: date) -> None:
    kind = question.kind
    right = _RIGHT.get(kind)
    if right is not None and not right(text):
        raise Unreadable(_SAID[kind])
    if kind == CHOICE and question.option(text) is None:
        raise Unreadable(_SAID[CHOICE])
    if kind == YES_NO and text not in (YES, NO):
        raise Unreadable(_SAID[CHOICE])
    if kind == DATE:
        _check_day(text, today)


def _check_day(text: str, today: date) -> None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Unreadable(_SAID[DATE]) from None
    if day.isoformat() != text:  # "20200103" and "2020-W48-1" are days to Python, and none to FHIR
        raise Unreadable(_SAID[DATE])
    if day > today:
        raise Unreadable(_FUTURE)
    if day.year < _EARLIEST:
        raise Unreadable(_SAID[DATE])


def stands(question: Question, answers: Answers) -> bool:
    """Whether a question is asked, by what was answered before."""
    return question.when is None or answers.get(question.when.link_id) == question.when.answer


def lacking(subjects: Collection[str], required: Collection[str], answers: Answers) -> dict[str, Words]:
    """What still has to be answered before the form can be sent: all that is required of a subject that is required,
    or that was begun."""
    missing: dict[str, Words] = {}
    for key in subjects:
        questions = [one for one in CATALOGUE[key].questions if stands(one, answers)]
        begun = key in required or any(answers.get(one.link_id) for one in questions)
        for one in questions if begun else ():
            if one.required and not answers.get(one.link_id):
                missing[one.link_id] = _NEEDED
    return missing


def answered(key: str, answers: Answers) -> bool:
    """Whether all that is required of a subject was answered."""
    return not lacking((key,), (key,), answers)


# QuestionnaireResponse.item


def to_items(subjects: Collection[str], answers: Answers) -> list[JsonObject]:
    """The items of a QuestionnaireResponse, in groups as the Questionnaire has them; what is not asked is left out."""
    groups: list[JsonObject] = []
    for section, title in SECTIONS.items():
        items = [
            _item(one, answers[one.link_id])
            for one in asked_in(set(subjects))
            if _section(one) == section and answers.get(one.link_id) and stands(one, answers)
        ]
        if items:
            groups.append({"linkId": section, "text": title["en"], "item": items})
    return groups


def _section(question: Question) -> str:
    return next(one.section for one in CATALOGUE.values() if question in one.questions)


def _item(question: Question, answer: str) -> JsonObject:
    item: JsonObject = {"linkId": question.link_id, "text": question.words["en"]}
    if question.definition:
        item["definition"] = question.definition
    return item | {"answer": [_value(question, answer)]}


def _value(question: Question, answer: str) -> JsonObject:
    option = question.option(answer)
    if option is not None:
        coding = {"code": option.code, "display": option.words["en"]}
        return {"valueCoding": {"system": option.system} | coding if option.system else coding}
    if question.kind == YES_NO:
        return {"valueBoolean": answer == YES}
    if question.kind == DATE:
        return {"valueDate": answer}
    if question.kind == PHOTO:
        return {"valueAttachment": {"url": answer, "title": question.words["en"]}}
    return {"valueString": answer}


def from_items(items: Json) -> dict[str, str]:
    """The answers of a QuestionnaireResponse to questions that we know."""
    found: dict[str, str] = {}
    for item in items if isinstance(items, list) else ():
        found |= from_items(item.get("item"))
        question = QUESTIONS.get(str(item.get("linkId", "")))
        given = item.get("answer") or ()
        if question is not None and given:
            found[question.link_id] = _text(given[0])
    return found


def _text(answer: Mapping[str, Any]) -> str:
    if "valueBoolean" in answer:
        return YES if answer["valueBoolean"] else NO
    if "valueCoding" in answer:
        return str(answer["valueCoding"].get("code", ""))
    if "valueAttachment" in answer:
        return str(answer["valueAttachment"].get("url", ""))
    return str(answer.get("valueDate") or answer.get("valueString") or "")
