"""What the templates show of a form: steps and fields, with what was answered, or is on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from agent.forms.answers import stands
from agent.forms.catalogue import CATALOGUE, NO, YES
from agent.forms.filling import OpenForm
from agent.forms.page.texts import TEXTS
from agent.forms.questionnaire import PREFILLED
from agent.forms.questions import CHOICE, DATE, PHOTO, SECTIONS, YES_NO, Question, Words
from fhirserver.kernel.json import JsonObject
from fhirserver.model.fhirpath import compile_path

CHECK = "check"
_RADIOS = 4
"""So many choices stand there side by side; more are a list."""


@dataclass(frozen=True, slots=True)
class Choice:
    code: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Field:
    """One question as it is shown. ``parts`` are month, day and year of a date; ``when`` the condition in the page;
    ``of_record``: its value is what is on record, and becomes an answer when the step is left."""

    link_id: str
    kind: str
    label: str
    hint: str
    value: str
    error: str
    required: bool
    autocomplete: str
    longest: int
    choices: Sequence[Choice] = ()
    parts: tuple[str, str, str] = ("", "", "")
    when: str = ""
    shown: bool = True
    of_record: bool = False

    @property
    def is_group(self) -> bool:
        """Whether several inputs answer it."""
        return self.kind in (YES_NO, DATE) or (self.kind == CHOICE and len(self.choices) <= _RADIOS)


@dataclass(frozen=True, slots=True)
class Group:
    """The fields of one subject."""

    title: str
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True)
class Line:
    """One answer as it is shown before the form is sent."""

    label: str
    value: str
    step: str


@dataclass(frozen=True, slots=True)
class Shown:
    """Who looks: their language, and whether they have shown that the form is theirs (then what is on record may stand
    in the fields)."""

    language: str
    identified: bool

    def text(self, words: Words) -> str:
        return words[self.language]


def steps(form: OpenForm) -> list[str]:
    """The steps of a form: its sections, then the check."""
    here = {CATALOGUE[key].section for key in form.subjects}
    return [*(section for section in SECTIONS if section in here), CHECK]


def groups(
    form: OpenForm, step: str, shown: Shown, errors: Mapping[str, Words], typed: Mapping[str, str]
) -> list[Group]:
    """What is asked in one step; ``typed`` is what could not be taken, as it was typed."""
    return [
        Group(
            shown.text(CATALOGUE[key].words),
            [_field(one, form, shown, errors, typed) for one in CATALOGUE[key].questions],
        )
        for key in CATALOGUE
        if key in form.subjects and CATALOGUE[key].section == step
    ]


def _field(
    question: Question,
    form: OpenForm,
    shown: Shown,
    errors: Mapping[str, Words],
    typed: Mapping[str, str],
) -> Field:
    link = question.link_id
    answered = typed.get(link) or form.answers.get(link) or ""
    value = answered or _on_record(question, form, shown)
    year, month, day = value.split("-") if question.kind == DATE and value.count("-") == 2 else ("", "", "")
    return Field(
        link,
        question.kind,
        shown.text(question.words),
        shown.text(question.hint),
        value,
        shown.text(errors[link]) if link in errors else "",
        question.required,
        question.autocomplete,
        question.longest,
        _choices(question, value, shown),
        (month.lstrip("0"), day.lstrip("0"), year),
        f"{question.when.link_id}={question.when.answer}" if question.when else "",
        stands(question, form.answers),
        bool(value) and not answered,
    )


def _choices(question: Question, value: str, shown: Shown) -> list[Choice]:
    if question.kind == YES_NO:
        texts = TEXTS[shown.language]
        return [Choice(code, texts[code], value == code) for code in (YES, NO)]
    return [Choice(one.code, shown.text(one.words), value == one.code) for one in question.options]


def _on_record(question: Question, form: OpenForm, shown: Shown) -> str:
    """What is known, for confirmation: only for who has shown that the form is theirs."""
    if not shown.identified or question.link_id not in PREFILLED:
        return ""
    return prefilled(question, form.patient)


def prefilled(question: Question, patient: JsonObject) -> str:
    """What a question begins with, by the record."""
    found = compile_path(PREFILLED[question.link_id], context="Patient")(patient)
    text = str(found[0].value) if found else ""
    return text if question.kind != CHOICE or question.option(text) else ""


def lines(form: OpenForm, shown: Shown) -> list[Line]:
    """Every question that stands, with its answer in words."""
    return [
        Line(
            shown.text(one.words),
            _in_words(one, form.answers.get(one.link_id, ""), shown),
            CATALOGUE[key].section,
        )
        for key in CATALOGUE
        if key in form.subjects
        for one in CATALOGUE[key].questions
        if stands(one, form.answers)
    ]


def _in_words(question: Question, value: str, shown: Shown) -> str:
    texts = TEXTS[shown.language]
    if not value:
        return ""
    option = question.option(value)
    if option is not None:
        return shown.text(option.words)
    if question.kind == YES_NO:
        return texts[value]
    if question.kind == DATE:
        return day_in_words(value, shown.language)
    return texts["photo_there"] if question.kind == PHOTO else value


def day_in_words(value: str, language: str) -> str:
    """``March 3, 1982``, or ``3 de marzo de 1982``."""
    day = date.fromisoformat(value)
    month = TEXTS[language]["months"].split()[day.month - 1]
    return f"{day.day} de {month} de {day.year}" if language == "es" else f"{month} {day.day}, {day.year}"
