"""A rule set in plain sentences, for whoever has to know what it does and did not write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fhirserver.world.configured.parts import WEEKDAYS, Hours, Scope
from fhirserver.world.configured.scheduling_rules import SchedulingRules

_DAYS = dict(zip(WEEKDAYS, ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), strict=True))


@dataclass(frozen=True, slots=True)
class Sentence:
    """One part of one rule. ``rule`` is its name in the document."""

    rule: str
    text: str


def sentences(rules: SchedulingRules) -> list[Sentence]:
    """Everything a set says, in the order in which rules are explained."""
    told: tuple[tuple[str, Callable[[SchedulingRules], Iterator[str]]], ...] = (
        ("lead", _lead),
        ("rolling_days", _rolling),
        ("open_hours", _hours),
        ("concurrent_start_block", _concurrent),
        ("block_overlap", _overlap),
        ("session_grid", _grid),
        ("release", _release),
        ("patient_limit", _limit),
        ("durations", _durations),
        ("patient_kinds", _kinds),
    )
    return [Sentence(name, text) for name, say in told for text in say(rules)]


def _lead(rules: SchedulingRules) -> Iterator[str]:
    yield (
        f"Nothing that begins in less than {_minutes(rules.lead)}."
        if rules.lead
        else "Nothing that has begun."
    )


def _rolling(rules: SchedulingRules) -> Iterator[str]:
    for one in rules.rolling_days:
        yield f"Nothing later than {one.days} days from today, today included{_of(one)}."
    if not rules.reach:
        yield f"Where no day is named, the next {rules.search_days} days are looked at."


def _hours(rules: SchedulingRules) -> Iterator[str]:
    for one in rules.open_hours.weekly:
        yield f"Open {_when(one)}{_of(one)}."
    for day in rules.open_hours.exceptions:
        span = f"{day.date} to {day.until}" if day.until else day.date
        state = "closed" if day.closed else f"open {day.begins} to {day.ends} only"
        yield f"{day.name} ({span}): {state}{_of(day)}."


def _concurrent(rules: SchedulingRules) -> Iterator[str]:
    for one in rules.concurrent_start_block:
        near = f" within {one.within_minutes} minutes" if one.within_minutes else " at the same time"
        per = {
            "practitioner": "for a practitioner",
            "location": "at a location",
            "practice": "in the practice",
        }
        begin = "begins" if one.most == 1 else "begin"
        yield f"At most {one.most} visit{_s(one.most)} {per[one.per]} {begin}{near}{_of(one)}."


def _overlap(rules: SchedulingRules) -> Iterator[str]:
    for one in rules.block_overlap:
        buffer = f", with {one.buffer_minutes} minutes between" if one.buffer_minutes else ""
        yield f"No two visits at once of the same {' or '.join(one.by)}{buffer}{_of(one)}."


def _grid(rules: SchedulingRules) -> Iterator[str]:
    for one in rules.session_grid:
        yield f"{_when(one).capitalize()}: visits begin every {one.minutes} minutes from {one.begins}{_of(one)}."


def _release(rules: SchedulingRules) -> Iterator[str]:
    for one in rules.release:
        yield f"Held back until {one.hours_before} hours before: {_when(one)}{_of(one)}."


def _limit(rules: SchedulingRules) -> Iterator[str]:
    for one in rules.patient_limit:
        yield f"A patient has at most {one.most} visit{_s(one.most)} within {one.within_days} days{_of(one)}."


def _durations(rules: SchedulingRules) -> Iterator[str]:
    for one in rules.durations:
        yield f"A visit of the kind {one.service} takes {one.minutes} minutes."


def _kinds(rules: SchedulingRules) -> Iterator[str]:
    for one in rules.patient_kinds:
        yield f"For {one.patients} patients only: {_when(one)}{_of(one)}."


def _when(hours: Hours) -> str:
    """``Mon to Thu, 09:00 to 17:00``."""
    days = "every day" if len(set(hours.days)) == len(WEEKDAYS) else _days(hours.days)
    whole = (hours.begins, hours.ends) == ("00:00", "24:00")
    return f"{days}, all day" if whole else f"{days}, {hours.begins} to {hours.ends}"


def _days(days: Sequence[str]) -> str:
    at = sorted({WEEKDAYS.index(day) for day in days if day in _DAYS})
    if len(at) > 2 and at[-1] - at[0] == len(at) - 1:
        return f"{_DAYS[WEEKDAYS[at[0]]]} to {_DAYS[WEEKDAYS[at[-1]]]}"
    return ", ".join(_DAYS[WEEKDAYS[one]] for one in at)


def _of(scope: Scope) -> str:
    """Whom and what it is about, where that is not everybody."""
    named = [*scope.practitioners, *scope.locations, *scope.services]
    return f" ({', '.join(named)})" if named else ""


def _minutes(minutes: int) -> str:
    if minutes % (24 * 60) == 0:
        return f"{minutes // (24 * 60)} day{_s(minutes // (24 * 60))}"
    return f"{minutes // 60} hour{_s(minutes // 60)}" if minutes % 60 == 0 else f"{minutes} minutes"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
