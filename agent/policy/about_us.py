"""What callers ask of the practice itself: when it is open, where it is, its number. It is told to anybody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from agent.hearing import Heard
from agent.memory import Memory
from agent.policy.desk import Desk
from agent.records import Opening, Place
from fhirserver.world.configured.parts import WEEKDAYS as SHORT
from fhirserver.world.configured.parts import clock, minutes, of_day
from fhirserver.world.spoken.days import WEEKDAYS, days_named
from fhirserver.world.spoken.say import say_date, say_list, say_phone, say_time

HOURS, ADDRESS, PHONE = "hours", "address", "phone"
_WE = r"(?:you|you guys|you all|y'all|they|the (?:office|clinic|practice|doctor's office))"
_OURS = r"(?:your|the|your guys'?) (?:office|clinic|practice)"
_TOPICS = {
    HOURS: re.compile(
        r"\b(?:opening|office|business|operating|your|clinic) (?:hours|times)\b|\bhours of operation\b"
        rf"|\b(?:what|which) (?:hours|days|times?) (?:do|are|does|is) {_WE} (?:open|opening|close|closing|closed)\b"
        rf"|\b(?:when|how (?:late|early|long)) (?:do|are|does|is) {_WE} (?:open|opening|close|closing|closed)\b"
        rf"|\b(?:are|is) {_WE} (?:still |already |usually )?(?:open|closed)\b(?! to (?!day|morrow|night))"
        rf"|\bdo {_WE} (?:open|close) (?:on|at|early|late|today|tomorrow)\b|\bwhat are the hours\b"
    ),
    ADDRESS: re.compile(
        rf"\bwhere (?:are|is) {_WE}(?: located| at| based| now)*$|\bwhere (?:are|is) {_WE} (?:located|based)\b"
        rf"|\bwhere(?:'s| is| are) {_OURS}\b|\b(?:what|where)(?:'s| is) your (?:office )?(?:address|location)\b"
        rf"|\b(?:address|location) (?:of|for) (?:{_OURS}|you guys)\b|\byour (?:office |street )?address\b"
        rf"|\bhow (?:do|can|would) i (?:get|come|find)(?: to)? (?:{_WE}|{_OURS}|there)\b|\bdirections\b"
    ),
    PHONE: re.compile(
        r"\byour (?:phone|telephone|office|direct|main|call ?back)(?: phone)? number\b|\bwhat(?:'s| is) your number\b"
        r"|\b(?:what|which) number (?:can|do|should|could) i (?:call|reach|dial)\b"
        rf"|\b(?:phone|telephone) number (?:of|for) (?:{_OURS}|you guys)\b"
    ),
}
MOST = 3
"""Places that are told one after the other; of more a person tells."""


def topics(heard: Heard) -> list[str]:
    """What of the practice is asked for, in no particular order."""
    return [name for name, pattern in _TOPICS.items() if pattern.search(heard.plain)]


def tell(desk: Desk, asked: Sequence[str], heard: Heard) -> bool:
    """Say what is known of it; whether all was."""
    told = [_TELLS[topic](desk, heard) for topic in asked]
    return all(told)


def _hours(desk: Desk, heard: Heard) -> bool:
    memory = desk.memory
    known = {place: place.openings for place in _places(memory) if place.openings}
    known = known or {Place(""): openings for openings in [_by_rules(memory)] if openings}
    one = len(set(known.values())) == 1
    if not known or len(known) > MOST:
        return False
    day = _day_asked(memory, heard)
    if day is not None and one:
        now = re.search(r"\b(?:now|still)\b", heard.plain) is not None
        _that_day(desk, next(iter(known.values())), day, now)
        return True
    for place, openings in known.items():
        line, named = ("tell_hours", {}) if one else ("tell_hours_of", {"place": place.name})
        desk.say(line, hours=_week(openings), **named)
        if one:
            break
    return True


def _places(memory: Memory) -> Sequence[Place]:
    return memory.places or ()


def _by_rules(memory: Memory) -> tuple[Opening, ...]:
    """The hours of the scheduling rules that hold for the whole practice."""
    weekly = [one for one in memory.setting.rules.open_hours.weekly if not one.narrowness]
    return tuple(
        sorted(
            Opening(SHORT.index(day), minutes(one.begins), minutes(one.ends))
            for one in weekly
            for day in one.days
        )
    )


def _day_asked(memory: Memory, heard: Heard) -> date | None:
    days = [found.value for found in days_named(heard.text, memory.today) if found.value.is_one_day]
    if len(days) == 1:
        return days[0].first
    return memory.today if re.search(r"\b(?:today|now|still open|tonight)\b", heard.plain) else None


def _that_day(desk: Desk, openings: Sequence[Opening], day: date, now: bool) -> None:
    """Whether it is open on a day, by the week and by what is exceptional; ``now``: at this moment of it."""
    spans = [(one.begins, one.ends) for one in openings if one.day == day.weekday()]
    rules, why = desk.memory.setting.rules.open_hours.exceptions, ""
    for one in rules:
        if one.falls_on(day.isoformat()) and not one.narrowness:
            why = f": {one.name}"
            spans = [] if one.closed else [(minutes(one.begins), minutes(one.ends))]
    named = say_date(day, desk.memory.today)
    minute = of_day(desk.memory.local_now)
    if spans and now and not any(begins <= minute < ends for begins, ends in spans):
        desk.say("closed_now", day=named, hours=_spans(spans))
    elif spans:
        desk.say("open_then", day=named, hours=_spans(spans))
    else:
        desk.say("closed_then", day=named, why=why)


def _week(openings: Sequence[Opening]) -> str:
    """``Monday to Friday from eight AM to five PM, and Saturday from nine AM to noon``."""
    by_day = {
        day: _spans([(o.begins, o.ends) for o in openings if o.day == day])
        for day in {o.day for o in openings}
    }
    runs = [f"{days} {hours}" for days, hours in _runs(by_day)]
    return runs[0] if len(runs) == 1 else f"{', '.join(runs[:-1])}, and {runs[-1]}"


def _runs(by_day: dict[int, str]) -> Iterator[tuple[str, str]]:
    """Days one after the other that have the same hours, joined."""
    days = sorted(by_day)
    while days:
        last = days[0]
        while last + 1 in by_day and by_day[last + 1] == by_day[days[0]]:
            last += 1
        first = WEEKDAYS[days[0]].title()
        joined = " to " if last > days[0] + 1 else " and "
        yield (first if last == days[0] else f"{first}{joined}{WEEKDAYS[last].title()}"), by_day[days[0]]
        days = [day for day in days if day > last]


def _spans(spans: Sequence[tuple[int, int]]) -> str:
    told = [
        "all day"
        if (begins, ends) == (0, 24 * 60)
        else f"from {say_time(clock(begins))} to {say_time(clock(ends))}"
        for begins, ends in sorted(spans)
    ]
    return say_list(told, "and")


def _address(desk: Desk, heard: Heard) -> bool:
    known = [(place.name, place.address) for place in _places(desk.memory) if place.address]
    return _tell_each(desk, "address", known)


def _phone(desk: Desk, heard: Heard) -> bool:
    spoken = desk.memory.medium != "written"
    known = [
        (place.name, say_phone(place.phone) if spoken else place.phone)
        for place in _places(desk.memory)
        if place.phone
    ]
    return _tell_each(desk, "number", known)


def _tell_each(desk: Desk, what: str, known: Sequence[tuple[str, str]]) -> bool:
    line = {"address": "tell_address", "number": "tell_phone"}[what]
    values = dict.fromkeys(value for _, value in known)
    if not values or len(values) > MOST:
        return False
    if len(values) == 1:
        desk.say(line, **{what: next(iter(values))})
        return True
    for name, value in known:
        desk.say(f"{line}_of", place=name, **{what: value})
    return True


_TELLS = {HOURS: _hours, ADDRESS: _address, PHONE: _phone}
