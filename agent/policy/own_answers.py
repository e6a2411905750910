"""Answers to questions of a document's own: what an utterance says by the kind of answer that is expected."""

from __future__ import annotations

import re
from datetime import date

from agent.hearing import Heard
from fhirserver.kernel.json import Json
from fhirserver.world.configured.agent import State
from fhirserver.world.spoken.answers import versions
from fhirserver.world.spoken.dates import birth_dates
from fhirserver.world.spoken.days import days_named
from fhirserver.world.spoken.identifiers import phones
from fhirserver.world.spoken.numbers import cardinal
from fhirserver.world.spoken.say import say_date, say_phone
from fhirserver.world.spoken.words import plain, tokens

LONGEST = 200
_NOT_TOLD = re.compile(
    r"^(?:(?:sorry|well|um|uh|oh) )?(?:i (?:don't|do not) (?:know|have (?:one|any)|remember|want to say)|no idea|"
    r"(?:i'm )?not sure|none|nothing|neither|(?:i'd )?rather not(?: say)?|skip(?: (?:it|that|this))?|pass|no|nope)"
    r"(?: (?:right now|at the moment|thanks|thank you|sorry))*$"
)
_LEAD = re.compile(
    r"^(?:(?:well|um|uh|oh|so|yes|yeah),? )*(?:(?:it's|it is|that's|that would be|that is|it would be|i use|we use)"
    r"(?: the one)? )?",
    re.I,
)
_QUESTION = re.compile(
    r"^(?:what|why|how|which|who|where|when|do you|can you|could you|are you|is that|is it)\b"
)


def read_answer(stated: State, heard: Heard, today: date) -> str | None:
    """The answer in a form of its own (``yes``, ``2020-03-03``); empty where the caller has none, None where the
    utterance is no answer."""
    if stated.expects == "yes_no":
        return "yes" if heard.yes else "no" if heard.no else None
    for version in versions(heard.text):
        found = _read(stated, version.text, today)
        if found:
            return found
    return "" if heard.never_mind or _NOT_TOLD.match(heard.plain) else None


def _read(stated: State, text: str, today: date) -> str:
    said = plain(text)
    if stated.expects == "number":
        return _number(text)
    if stated.expects == "date":
        return _date(text, today)
    if stated.expects == "phone":
        found = phones(text)
        return found[-1].value if found else ""
    if stated.expects == "choice":
        hits = [value for value, ways in stated.choices.items() if any(_says(said, way) for way in ways)]
        return hits[0] if len(hits) == 1 else ""
    if _NOT_TOLD.match(said) or _QUESTION.match(said) or text.rstrip().endswith("?"):
        return ""
    kept = " ".join(_LEAD.sub("", text.strip(), count=1).split()).strip(" .,;")
    return kept[:LONGEST] if len(plain(kept)) > 1 else ""


def _says(said: str, way: str) -> bool:
    return f" {plain(way)} " in f" {said} "


def _number(text: str) -> str:
    marks = tokens(text)
    found = [read[0] for i in range(len(marks)) if (read := cardinal(marks, i))]
    return str(found[0]) if found else ""


def _date(text: str, today: date) -> str:
    born = {found.value for found in birth_dates(text, today)}
    if len(born) == 1:
        return born.pop().isoformat()
    days = [found.value for found in days_named(text, today) if found.value.is_one_day]
    return days[0].first.isoformat() if len(days) == 1 else ""


def spoken(stated: State, value: str, today: date) -> str:
    """An answer as it is read back and told."""
    if stated.expects == "phone":
        return say_phone(value)
    if stated.expects == "date":
        return say_date(date.fromisoformat(value), today)
    if stated.expects == "choice":
        return stated.choices[value][0]
    return value


def as_fhir(stated: State, value: str) -> dict[str, Json]:
    """An answer as the ``value[x]`` of an extension."""
    if stated.expects == "yes_no":
        return {"valueBoolean": value == "yes"}
    if stated.expects == "number":
        return {"valueInteger": int(value)}
    if stated.expects == "date":
        return {"valueDate": value}
    if stated.expects == "choice":
        return {"valueCode": value}
    return {"valueString": value}
