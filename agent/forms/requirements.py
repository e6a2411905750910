"""Requirement sets: what a practice wants to know of a patient, as data.

A set is a configuration of the kind ``form`` (:mod:`fhirserver.world.configuration`), whose document is::

    {"practice": "Lakeside Clinic", "identify": "birth-date", "most_questions": 12, "most_forms_per_month": 3,
     "require": [{"subject": "phone", "least": 0.5, "older_than_days": 365, "cool_down_days": 30}, …]}

Those of :data:`SHIPPED` are there without any configuration; one of the same id takes their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from fhirserver.kernel.json import Json, JsonObject

SUBJECTS: Final = (
    "birth-date", "phone", "email", "address", "language", "emergency-contact", "guardian", "coverage", "reason",
    "pharmacy", "allergies", "medications", "consent-texts", "consent-calls",
)  # fmt: skip
"""What can be asked for, in the order in which it is asked."""
BIRTH_DATE, NOTHING = "birth-date", "none"
_MEMBERS = {"title", "practice", "identify", "most_questions", "most_forms_per_month", "require"}
_OF_REQUIREMENT = {"subject", "least", "older_than_days", "cool_down_days", "required"}
_LONGEST = 120


class InvalidRequirements(ValueError):
    """A document is no requirement set. ``pointer`` is a JSON Pointer to the place; the message says what is right."""

    def __init__(self, pointer: str, words: str):
        self.pointer = pointer
        super().__init__(f"{pointer or '/'}: {words}")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One subject that is to be known. ``least``: the confidence below which it counts as unverified;
    ``older_than_days``: how old a word of it may be (0: as old as it likes); ``cool_down_days``: how long it is not
    asked for again; ``required``: whether the form cannot be sent without it."""

    subject: str
    least: Decimal = Decimal("0.5")
    older_than_days: int = 0
    cool_down_days: int = 30
    required: bool = False


@dataclass(frozen=True, slots=True)
class RequirementSet:
    """See the module. ``identify``: what the holder of a link proves before anything personal is shown."""

    id: str
    title: str
    require: tuple[Requirement, ...]
    practice: str = ""
    identify: str = BIRTH_DATE
    most_questions: int = 20
    most_forms_per_month: int = 4


def parse_requirements(id: str, document: Json) -> RequirementSet:
    """Read a document. Raises :class:`InvalidRequirements`."""
    if not isinstance(document, dict):
        raise InvalidRequirements("", "a requirement set is a JSON object")
    _only(document, _MEMBERS, "")
    require = document.get("require")
    if not isinstance(require, list) or not 0 < len(require) <= len(SUBJECTS):
        raise InvalidRequirements("/require", f"a list of 1 to {len(SUBJECTS)} requirements")
    found = tuple(_requirement(one, f"/require/{i}") for i, one in enumerate(require))
    if len({one.subject for one in found}) < len(found):
        raise InvalidRequirements("/require", "each subject stands there once")
    identify = document.get("identify", BIRTH_DATE)
    if identify not in (BIRTH_DATE, NOTHING):
        raise InvalidRequirements("/identify", f"'{BIRTH_DATE}' or '{NOTHING}'")
    return RequirementSet(
        id,
        _text(document, "title") or id,
        found,
        _text(document, "practice"),
        identify,
        _whole(document, "most_questions", "", 20, 1, 60),
        _whole(document, "most_forms_per_month", "", 4, 1, 60),
    )


def _requirement(said: Json, place: str) -> Requirement:
    if not isinstance(said, dict):
        raise InvalidRequirements(place, "a requirement is a JSON object with a subject")
    _only(said, _OF_REQUIREMENT, place)
    if said.get("subject") not in SUBJECTS:
        raise InvalidRequirements(f"{place}/subject", f"one of {', '.join(SUBJECTS)}")
    least = said.get("least", Decimal("0.5"))
    if isinstance(least, bool) or not isinstance(least, int | float | Decimal) or not 0 <= least <= 1:
        raise InvalidRequirements(f"{place}/least", "a confidence from 0 to 1")
    required = said.get("required", False)
    if not isinstance(required, bool):
        raise InvalidRequirements(f"{place}/required", "true or false")
    return Requirement(
        said["subject"],
        Decimal(str(least)),
        _whole(said, "older_than_days", place, 0, 0, 36500),
        _whole(said, "cool_down_days", place, 30, 0, 3650),
        required,
    )


def _only(said: Mapping[str, Any], known: set[str], place: str) -> None:
    for name in said:
        if name not in known:
            raise InvalidRequirements(
                f"{place}/{name}"[:_LONGEST], f"not known; there are {', '.join(sorted(known))}"
            )


def _text(said: Mapping[str, Any], name: str) -> str:
    text = said.get(name, "")
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise InvalidRequirements(f"/{name}", f"a text of at most {_LONGEST} characters")
    return text.strip()


def _whole(said: Mapping[str, Any], name: str, place: str, default: int, least: int, most: int) -> int:
    number = said.get(name, default)
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise InvalidRequirements(f"{place}/{name}", f"a whole number from {least} to {most}")
    return number


def document_of(stated: RequirementSet) -> JsonObject:
    """The document that :func:`parse_requirements` reads."""
    require = [
        {
            "subject": one.subject,
            "least": one.least,
            "older_than_days": one.older_than_days,
            "cool_down_days": one.cool_down_days,
            "required": one.required,
        }
        for one in stated.require
    ]
    return {
        "title": stated.title,
        "practice": stated.practice,
        "identify": stated.identify,
        "most_questions": stated.most_questions,
        "most_forms_per_month": stated.most_forms_per_month,
        "require": require,
    }


def _need(
    subject: str, least: str = "0.5", old: int = 0, pause: int = 30, required: bool = False
) -> Requirement:
    return Requirement(subject, Decimal(least), old, pause, required)


SHIPPED: Final[Mapping[str, RequirementSet]] = {
    one.id: one
    for one in (
        RequirementSet(
            "before-appointment",
            "Before an appointment",
            (
                _need("birth-date"),
                _need("phone", "0.5", 730),
                _need("address", "0.5", 730),
                _need("language", pause=180),
                _need("emergency-contact", pause=180),
                _need("guardian"),
                _need("coverage", "0.7", pause=14),
                _need("reason", pause=7),
                _need("pharmacy", pause=180),
                _need("allergies", "0.5", 365, 90),
                _need("medications", "0.5", 365, 90),
                _need("consent-texts", pause=180),
                _need("consent-calls", pause=180),
            ),
            most_questions=40,
        ),
        RequirementSet(
            "after-call",
            "After a call",
            (
                _need("phone"),
                _need("address"),
                _need("coverage", "0.5", pause=14),
                _need("emergency-contact", pause=180),
            ),
            most_questions=20,
        ),
        RequirementSet(
            "missing-data",
            "Missing data",
            (
                _need("birth-date"),
                _need("phone"),
                _need("email", pause=180),
                _need("address"),
                _need("coverage", pause=14),
                _need("emergency-contact", pause=180),
            ),
            most_questions=30,
        ),
    )
}
