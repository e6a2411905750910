"""What an EHR does differently from others, without anything being broken: clocks, paging, history, refusals."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhirserver.kernel.json import InvalidJson, JsonObject, loads


class InvalidHabits(ValueError):
    """The settings of the habits are wrong; the message names the field."""


@dataclass(frozen=True, slots=True)
class Habits:
    """The habits in force, all of which can be changed at run time. Times are seconds.

    ``whole_seconds``: lastUpdated is cut to seconds. ``clock_ahead``: its clock is before the true one (after it
    where negative). ``date_header``: answers say when they were made.
    ``most_on_a_page`` caps ``_count``; 0 does not. ``sort`` is ``kept``, ``ignored`` (an order of its
    own) or ``refused``.
    ``last_updated``: searches by ``_lastUpdated`` are ``searched``, ``refused`` or ``ignored``.
    ``history`` is offered by ``type``, for the ``system`` alone, or ``none``. ``versions`` are ``checked`` by
    If-Match, ``unchecked``, or there are ``none``. ``visible_after``: a write shows in searches so much later.
    ``xml``: it answers in XML whatever is asked for. ``refusals`` are an ``outcome``, an ``html`` page, ``empty``, or a
    ``success`` with an OperationOutcome. ``duplicates``: a Patient with the name and birth date of another is
    refused with 422.
    ``export`` is offered for ``none``, ``system``, ``patient`` or ``group``; a job takes ``export_seconds``, its files
    have ``export_lines`` lines, ``export_cuts`` downloads to come are cut in the middle, and
    ``export_errors`` adds a file of errors. ``export_token``: the files need the access token.
    ``subscriptions`` are ``none``, by ``criteria`` or by ``topic``; ``notification_loss`` is the
    share of notifications that are lost on the way. ``token_seconds``: how long an access token holds.
    """

    whole_seconds: bool = False
    clock_ahead: float = 0.0
    date_header: bool = True
    most_on_a_page: int = 0
    sort: str = "kept"
    last_updated: str = "searched"
    history: str = "type"
    versions: str = "checked"
    visible_after: float = 0.0
    xml: bool = False
    refusals: str = "outcome"
    duplicates: bool = False
    export: str = "none"
    export_seconds: float = 0.0
    export_lines: int = 1000
    export_cuts: int = 0
    export_errors: bool = False
    export_token: bool = True
    subscriptions: str = "none"
    notification_loss: float = 0.0
    token_seconds: float = 300.0


_CHOICES = {
    "sort": ("kept", "ignored", "refused"),
    "last_updated": ("searched", "refused", "ignored"),
    "history": ("type", "system", "none"),
    "versions": ("checked", "unchecked", "none"),
    "refusals": ("outcome", "html", "empty", "success"),
    "export": ("none", "system", "patient", "group"),
    "subscriptions": ("none", "criteria", "topic"),
}
_FIELDS = {field.name: field for field in dataclasses.fields(Habits)}


class HabitBook:
    """The habits in force; ``now`` is read for every request."""

    def __init__(self, habits: Habits | None = None):
        self.now = habits or Habits()

    def change(self, settings: Mapping[str, Any]) -> None:
        """Set the named fields; ``reset`` true clears all first. Raises :class:`InvalidHabits`, changing nothing."""
        start = Habits() if settings.get("reset") else self.now
        wanted = {name: _checked(name, value) for name, value in settings.items() if name != "reset"}
        self.now = dataclasses.replace(start, **wanted)

    def as_json(self) -> JsonObject:
        return dataclasses.asdict(self.now)


def read_habits(texts: list[str]) -> Habits:
    """Habits from texts like ``export=system`` and ``whole_seconds=true``. Raises :class:`InvalidHabits`."""
    book = HabitBook()
    book.change({name: _value(value) for name, _, value in (text.partition("=") for text in texts)})
    return book.now


def _value(text: str) -> Any:
    try:
        return loads(text)
    except InvalidJson:
        return text


def _checked(name: str, value: Any) -> Any:
    if name not in _FIELDS:
        raise InvalidHabits(f"unknown habit {name}")
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise InvalidHabits(f"{name} is one of {', '.join(_CHOICES[name])}")
        return value
    default = _FIELDS[name].default
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise InvalidHabits(f"{name} is true or false")
        return value
    if isinstance(value, bool) or not _is_number(value):
        raise InvalidHabits(f"{name} must be a number")
    return int(value) if isinstance(default, int) else float(value)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
