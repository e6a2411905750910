"""Which of the caller's appointments is meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from agent.hearing import Heard
from agent.memory import Memory
from agent.records import AppointmentRecord, SlotRecord
from agent.scheduling import Wish, wish
from fhirserver.world.spoken.answers import versions
from fhirserver.world.spoken.dates import MONTHS
from fhirserver.world.spoken.days import WEEKDAYS, day_wishes, days_named
from fhirserver.world.spoken.names import mentions
from fhirserver.world.spoken.say import say_date, say_list, say_moment, say_time
from fhirserver.world.spoken.times import bare_hours, time_wishes
from fhirserver.world.spoken.words import plain
from fhirserver.world.spoken.write import write_day, write_moment, write_time

_PLACES = (("first", 0), ("earlier", 0), ("earliest", 0), ("second", 1), ("third", 2))
_NUMBERS = (("one", 0), ("two", 1), ("three", 2))
_LAST = ("last", "latest", "later", "final")
_MORE_THAN_WEEKDAY = re.compile(
    rf"\b(?:{'|'.join(MONTHS)}|this|next|week|first|second|third|last|\w+(?:th|nd|rd|st)|"
    r"from|before|after|until)\b"
)
_INSTEAD = re.compile(r"\b(?:to|for|until|instead|into|on)\b")


def _moment(memory: Memory, at: datetime) -> str:
    return (write_moment if memory.read else say_moment)(memory.local(at), memory.today)


def _day(memory: Memory, day: date) -> str:
    """With what comes between it and a time."""
    return f"{write_day(day, memory.today)}, " if memory.read else f"{say_date(day, memory.today)} at "


def spoken_appointment(memory: Memory, appointment: AppointmentRecord) -> str:
    """``Thursday, December third at ten AM with Doctor Ada Lane``, or as that is written to who reads it."""
    said = _moment(memory, appointment.start)
    return f"{said} with {appointment.practitioner_name}" if appointment.practitioner_name else said


def spoken_slot(memory: Memory, slot: SlotRecord, with_name: bool = True) -> str:
    """A slot as it is said."""
    said = _moment(memory, slot.start)
    return f"{said} with {slot.practitioner_name}" if with_name and slot.practitioner_name else said


def spoken_slots(memory: Memory, slots: Sequence[SlotRecord]) -> str:
    """Slots as a list, each day said once; the practitioner is named once where there is only one."""
    names = {s.practitioner_name for s in slots}
    if len(names) > 1 or len(slots) == 1:
        return say_list([spoken_slot(memory, s) for s in slots])
    days: dict[date, list[str]] = {}
    for slot in slots:
        start = memory.local(slot.start)
        at = start.timetz().replace(tzinfo=None)
        days.setdefault(start.date(), []).append(write_time(at) if memory.read else say_time(at))
    listed = [f"{_day(memory, day)}{say_list(times)}" for day, times in days.items()]
    joined = say_list(listed) if all(len(t) == 1 for t in days.values()) else ", or ".join(listed)
    name = names.pop()
    return f"{joined}, with {name}" if name else joined


def by_place(text: str, count: int) -> int | None:
    """``the second one``, ``the last``: an index, or None."""
    said = plain(text)
    for word in _LAST:
        if re.search(rf"\bthe {word}\b(?! week)|^{word}(?: one| please)?$", said):
            return count - 1
    for word, index in _PLACES:
        pattern = rf"\b(?:the|option|number) {word}\b|^{word}(?: one| please)?$|^{word} (?:works|is|sounds)"
        if re.search(pattern, said) and index < count:
            return index
    for word, index in _NUMBERS:
        if re.search(rf"\b(?:option|number) {word}\b|^{word}(?: please)?$", said) and index < count:
            return index
    return None


def _starts_at(start: datetime, wanted: Wish) -> bool:
    return wanted.says_something and not wanted.anything and wanted.holds(start)


def pick(memory: Memory, heard: Heard, starts: Sequence[datetime]) -> list[int]:
    """The indexes of ``starts`` that an utterance points at by day, time or place; empty when by none."""
    for version in versions(heard.text):
        wanted = wish(version.text, memory.today)
        if wanted.days or wanted.times:
            local = [memory.local(s) for s in starts]
            hits = [i for i, start in enumerate(local) if _starts_at(start, wanted)]
            return _on_weekday(version.text, local, wanted) or hits or _looser(local, wanted)
        place = by_place(version.text, len(starts))
        hits = _by_hour(memory, version.text, starts) if place is None else [place]
        if hits:
            return hits
    place = by_place(heard.text, len(starts))
    return [] if place is None else [place]


def _on_weekday(text: str, starts: Sequence[datetime], wanted: Wish) -> list[int]:
    """Those on the weekday that was said, where no more was said of the day: among those named it need not be the
    next one, and where two share it neither is meant more than the other."""
    said = [i for i, name in enumerate(WEEKDAYS) if re.search(rf"\b{name}\b", plain(text))]
    if len(said) != 1 or _MORE_THAN_WEEKDAY.search(plain(text)):
        return []
    timed = replace(wanted, days=())
    return [i for i, start in enumerate(starts) if start.weekday() == said[0] and timed.holds(start)]


def _by_hour(memory: Memory, text: str, starts: Sequence[datetime]) -> list[int]:
    """A bare number among the times offered: ``ten works``."""
    said = {(t.hour % 12, t.minute) for t in bare_hours(text)}
    local = [memory.local(s) for s in starts]
    return [i for i, s in enumerate(local) if (s.hour % 12, s.minute) in said]


def _looser(starts: Sequence[datetime], wanted: Wish) -> list[int]:
    """``ten`` may have been heard as ten in the morning where it was offered at night, and so on."""
    exact = [t.exact for t in wanted.times if t.exact]
    if wanted.days or not exact:
        return []
    return [
        i
        for i, s in enumerate(starts)
        if any((s.hour % 12, s.minute) == (t.hour % 12, t.minute) for t in exact)
    ]


def pick_appointment(
    memory: Memory, heard: Heard, those: Sequence[AppointmentRecord]
) -> list[AppointmentRecord]:
    """The appointments an utterance points at, by day, time, place or practitioner."""
    hits = [those[i] for i in pick(memory, heard, [a.start for a in those])]
    named = [a for a in those if a.practitioner_name and mentions(heard.text, a.practitioner_name)]
    if hits and named:
        both = [a for a in hits if a in named]
        return both or hits
    return hits or named


def split_move(
    memory: Memory, heard: Heard, those: Sequence[AppointmentRecord]
) -> tuple[list[AppointmentRecord], Wish]:
    """``move my Thursday appointment to next week in the morning`` → the Thursday one, and the wish.

    The first day that is an appointment's is the old one when more days follow it or nothing says ``to``.
    """
    text = heard.text
    days = days_named(text, memory.today)
    old = []
    cut = 0
    if days:
        first = days[0]
        lead = text[: first.start].lower()
        old = [a for a in those if first.value.is_one_day and first.value.holds(memory.local(a.start).date())]
        towards = re.search(r"\b(?:to|for|until|instead)\s+(?:\w+\s+)?$", lead) is not None
        if old and (len(days) > 1 or not towards):
            cut = first.end
        else:
            old = []
    rest = text[cut:]
    if cut and not (day_wishes(rest, memory.today) or time_wishes(rest)):
        return old, Wish()
    if cut:
        match = _INSTEAD.search(rest)
        rest = rest[match.start() :] if match else rest
    return old, wish(rest, memory.today)
