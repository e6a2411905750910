"""What a message tells the EHR: who is meant, what is known of them, what is booked.

Fields are kept as texts with the usual separators, so that what somebody sent comes back as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from adapters.hl7v2.acknowledgement import Verdict
from adapters.hl7v2.convert.times import instant as read_instant
from adapters.hl7v2.escapes import escape, unescape
from adapters.hl7v2.message import NULL, Message, Repetition, Segment
from adapters.hl7v2.separators import Separators

USUAL = Separators()
LISTS = ("NK1", "AL1", "GT1", "IN1")
_OF_INSURANCE = ("IN1", "IN2", "IN3")
_NUMBERING = frozenset((1, 2, 3, 4, 18))
_PID_FIELDS = 39
LONGEST_MINUTES = 24 * 60
_SCHEDULED = (6, 7, 8)
_RESOURCES = ("AIS", "AIL", "AIP", "AIG")


class Refused(Exception):
    """A message is not done; ``verdict`` is what is answered."""

    def __init__(self, error: str, place: str, text: str, own: str = "", code: str = "AE"):
        super().__init__(text)
        self.verdict = Verdict(code, error, place, text, own=own)


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a patient (CX). ``written`` is the whole repetition."""

    number: str
    authority: str
    written: str


@dataclass(frozen=True, slots=True)
class Person:
    """What is said of a patient: fields of PID by number, and lists of other segments, each as it is now."""

    numbers: Sequence[Number]
    fields: Mapping[str, str]
    lists: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Booking:
    """What is said of an appointment; empty where nothing is. Times are instants in UTC.

    ``placer`` is the number with its namespace, ``placer_written`` the whole field. ``fields`` are kept and sent back,
    by place; ``resources`` are the third fields of AIS, AIL, AIP and AIG: what, where, who.
    """

    placer: str = ""
    placer_written: str = ""
    filler: str = ""
    start: str = ""
    ends: str = ""
    status: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Sequence[str]] = field(default_factory=dict)


def person(message: Message) -> Person:
    """Raises :class:`Refused` where the message names no patient by a number."""
    pid = message.first("PID")
    if pid is None:
        raise Refused("100", "PID", "a PID segment is needed")
    kept = (number for number in range(5, _PID_FIELDS + 1) if number not in _NUMBERING)
    fields = {str(number): text for number in kept if (text := plain_field(pid, number))}
    return Person(numbers(pid, 3), fields, _lists(message))


def numbers(segment: Segment, number: int) -> Sequence[Number]:
    """The numbers in a field of type CX. Raises :class:`Refused` where there is none."""
    found = [
        Number(value, authority(one), _plain(one))
        for one in segment.repetitions(number)
        if (value := one.value(1)) and value != NULL
    ]
    if not found:
        raise Refused("101", f"{segment.name}-{number}", "a number is needed")
    return found


def authority(repetition: Repetition) -> str:
    """CX-4: its namespace, else its universal id, else empty."""
    return repetition.value(4) or repetition.value(4, 2) or ""


def booking(message: Message, zone: str) -> Booking:
    """Raises :class:`Refused` where SCH is missing, or a time is none."""
    sch = message.first("SCH")
    if sch is None:
        raise Refused("100", "SCH", "the segment is needed")
    kept = {f"SCH-{number}": plain_field(sch, number) for number in _SCHEDULED}
    number, namespace = sch.value(1) or "", sch.value(1, component=2) or ""
    start, ends = _when(message, sch, zone)
    return Booking(
        f"{number}^{namespace}" if number else "",
        plain_field(sch, 1),
        sch.value(2) or "",
        start,
        ends,
        sch.value(25) or "",
        {place: text for place, text in kept.items() if text},
        _resources(message),
    )


def _resources(message: Message) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for segment in message.segments:
        if segment.name in _RESOURCES and (text := plain_field(segment, 3)):
            found.setdefault(segment.name, []).append(text)
    return found


def _when(message: Message, sch: Segment, zone: str) -> tuple[str, str]:
    """When it begins and ends; empty where nothing is said. SCH-11, else TQ1, else the service, else a resource."""
    places = (("SCH", 11, 4), ("TQ1", 7, 1), ("AIS", 4, 1), ("AIP", 6, 1), ("AIL", 6, 1))
    start = _first_time(message, places, zone)
    ends = _first_time(message, (("SCH", 11, 5), ("TQ1", 8, 1)), zone)
    if ends or not start:
        return start, ends
    ais = message.first("AIS")
    lasting = sch.value(9) or (ais.value(7) if ais else None) or ""
    if not (lasting.isascii() and lasting.isdigit()):
        return start, ""
    minutes = min(int(lasting[:5]), LONGEST_MINUTES)
    return start, in_utc(datetime.fromisoformat(start) + timedelta(minutes=minutes))


def _first_time(message: Message, places: Sequence[tuple[str, int, int]], zone: str) -> str:
    for name, number, component in places:
        segment = message.first(name)
        text = segment.value(number, component=component) if segment else None
        if text and text != NULL:
            return _instant(text, zone, f"{name}-{number}")
    return ""


def _instant(text: str, zone: str, place: str) -> str:
    read = read_instant(text, zone)
    if read is None or len(text) < len("YYYYMMDDHHMM"):
        raise Refused("102", place, "a date with a time is needed")
    return in_utc(datetime.fromisoformat(read))


def in_utc(moment: datetime) -> str:
    """An instant in UTC to the second, such as ``2026-11-30T14:30:00Z``."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def _lists(message: Message) -> dict[str, list[str]]:
    """The segments of each kind that is there, in their order; IN2 and IN3 go with their IN1."""
    found: dict[str, list[str]] = {}
    for segment in message.segments:
        kind = "IN1" if segment.name in _OF_INSURANCE else segment.name
        if kind in LISTS:
            found.setdefault(kind, []).append(plain_segment(segment))
    return found


def plain_segment(segment: Segment) -> str:
    """The segment with the usual separators."""
    return "|".join(
        [segment.name, *(plain_field(segment, number) for number in range(1, len(segment) + 1))]
    ).rstrip("|")


def plain_field(segment: Segment, number: int) -> str:
    """A field's text with the usual separators."""
    return "~".join(_plain(one) for one in segment.repetitions(number))


def _plain(repetition: Repetition) -> str:
    theirs = repetition.separators
    components = (
        "&".join(escape(unescape(part, theirs), USUAL) for part in repetition.subcomponents(number))
        for number in range(1, len(repetition.components) + 1)
    )
    return "^".join(components)
