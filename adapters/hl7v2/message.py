"""An HL7v2 message: segments, fields, repetitions, components. Read lazily, as most fields are never asked for.

Fields are numbered as in the standard, from 1; MSH-1 is the field separator itself. What is absent is None,
and the explicit null ``""`` is :data:`NULL`. Delivery over MLLP, batches and acknowledgements live elsewhere.

https://www.hl7.eu/HL7v2x/v251/std251/ch02.html (2.5, message construction rules).
"""

from __future__ import annotations

import re
from functools import cached_property

from adapters.hl7v2.escapes import unescape
from adapters.hl7v2.malformed import MalformedMessage
from adapters.hl7v2.separators import HEADERS, Separators, read_separators
from adapters.hl7v2.structures import structure_of
from fhirserver.kernel.frozen import frozen

__all__ = ["NULL", "MalformedMessage", "Message", "Repetition", "Segment", "parse"]

NULL = '""'
"""Explicit null: the sender states that there is no value."""

MOST_SEGMENTS = 100_000
MOST_FIELDS = 2_000_000
_BOM = "\ufeff"
_UNDIVIDED = Separators("", "", "", "", "")
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}\Z")


@frozen
class Repetition:
    """One repetition of a field. ``text`` is as it stood in the message, escapes and all."""

    text: str
    separators: Separators

    @property
    def components(self) -> tuple[str, ...]:
        """The texts of the components, as they stood in the message."""
        return _split(self.text, self.separators.component)

    def subcomponents(self, component: int = 1) -> tuple[str, ...]:
        """The texts of the subcomponents of one component, as they stood in the message."""
        return _split(_nth(self.text, self.separators.component, component), self.separators.subcomponent)

    def value(self, component: int = 1, subcomponent: int = 1) -> str | None:
        """The unescaped value; None where there is none, :data:`NULL` where it is stated to be none."""
        return _part(self.text, self.separators, component, subcomponent)


class Segment:
    """One segment. ``index`` counts the segments of the message, ``occurrence`` those of this name; both from 1."""

    __slots__ = ("_fields", "index", "name", "occurrence", "separators", "text")

    def __init__(self, text: str, index: int, occurrence: int, separators: Separators):
        self.name = text[:3]
        self.text = text
        self.index = index
        self.occurrence = occurrence
        self.separators = separators
        self._fields: list[str] | None = None

    def __repr__(self) -> str:
        return f"Segment({self.place})"

    def __len__(self) -> int:
        """The number of the last field."""
        return len(self._split()) - 1

    @property
    def place(self) -> str:
        """``PID[1]``: the name and which of that name it is."""
        return f"{self.name}[{self.occurrence}]"

    @property
    def fields(self) -> list[str]:
        """The texts of the fields by number, as they stood in the message; the first is the segment's name."""
        return self._fields or self._split()

    def field(self, number: int) -> str:
        """A field's whole text as it stood in the message; empty where it is absent."""
        fields = self._fields or self._split()
        return fields[number] if 0 < number < len(fields) else ""

    def value(self, field: int, repetition: int = 1, component: int = 1, subcomponent: int = 1) -> str | None:
        """The unescaped value; None where it is absent, :data:`NULL` where it is stated to be none."""
        text = self.field(field)
        if not text:
            return None
        if self._is_declaration(field):
            return text if repetition == component == subcomponent == 1 else None
        separator = self.separators.repetition
        if repetition != 1 or (separator and separator in text):
            text = _nth(text, separator, repetition)
        return _part(text, self.separators, component, subcomponent)

    def repetitions(self, field: int) -> tuple[Repetition, ...]:
        """All repetitions of a field in their order; none where the field is absent."""
        text = self.field(field)
        if not text:
            return ()
        if self._is_declaration(field):
            return (Repetition(text, _UNDIVIDED),)
        return tuple(Repetition(one, self.separators) for one in _split(text, self.separators.repetition))

    def _is_declaration(self, field: int) -> bool:
        return field <= 2 and self.name in HEADERS

    def _split(self) -> list[str]:
        if self._fields is None:
            fields = self.text.split(self.separators.field)
            if self.name in HEADERS:
                fields.insert(1, self.separators.field)
            self._fields = fields
        return self._fields


class Message:
    """One message. ``notes`` say what was tolerated when it was read, without values."""

    def __init__(self, segments: tuple[Segment, ...], separators: Separators, notes: tuple[str, ...] = ()):
        self.segments = segments
        self.separators = separators
        self.notes = notes
        self.header = segments[0]

    def __repr__(self) -> str:
        return f"Message({self.structure}, {len(self.segments)} segments)"

    @property
    def text(self) -> str:
        """The message in the form of the standard: every segment ends with a carriage return."""
        return "".join(f"{segment.text}\r" for segment in self.segments)

    def first(self, name: str) -> Segment | None:
        for segment in self.segments:  # a generator costs more than most messages have to be asked
            if segment.name == name:
                return segment
        return None

    def all(self, name: str) -> tuple[Segment, ...]:
        return tuple(segment for segment in self.segments if segment.name == name)

    def value(
        self, segment: str, field: int, repetition: int = 1, component: int = 1, subcomponent: int = 1
    ) -> str | None:
        """A value of the first segment of that name; None where there is no such segment."""
        found = self.first(segment)
        return found.value(field, repetition, component, subcomponent) if found else None

    @cached_property
    def control_id(self) -> str:
        """MSH-10, or empty."""
        return self.header.value(10) or ""

    @cached_property
    def type(self) -> str:
        """MSH-9.1 such as ``ADT``, or empty."""
        return self.header.value(9) or ""

    @cached_property
    def event(self) -> str:
        """MSH-9.2 such as ``A01``, or empty."""
        return self.header.value(9, component=2) or ""

    @cached_property
    def structure(self) -> str:
        """MSH-9.3 such as ``ADT_A01``; where it is absent, what HL7 table 0354 says of type and event."""
        return self.header.value(9, component=3) or structure_of(self.type, self.event)

    @cached_property
    def version(self) -> str:
        """MSH-12 such as ``2.5.1``, or empty."""
        return self.header.value(12) or ""

    @cached_property
    def sender(self) -> tuple[str, str]:
        """The sending application and facility (MSH-3, MSH-4): namespace, else universal id, else empty."""
        return _designator(self.header, 3), _designator(self.header, 4)

    @cached_property
    def receiver(self) -> tuple[str, str]:
        """The receiving application and facility (MSH-5, MSH-6), as ``sender``."""
        return _designator(self.header, 5), _designator(self.header, 6)


def parse(text: str, encoding: str = "utf-8") -> Message:
    """Read one message. Segments end with CR; LF and CRLF are tolerated with a note.

    ``encoding`` is the codec that the text was decoded by. Raises :class:`MalformedMessage`, and nothing else.
    """
    notes: list[str] = []
    if text[:1] == _BOM:
        notes.append("a byte order mark stood before the message")
        text = text[1:]
    text = text.lstrip("\r\n")
    separators = read_separators(text, encoding)
    if text[:3] != "MSH":
        raise MalformedMessage("a batch, where a message was expected", text[:3])
    lines = _lines(text, separators, notes)
    if len(lines) > MOST_SEGMENTS or text.count(separators.field) > MOST_FIELDS:
        raise MalformedMessage(f"more than {MOST_SEGMENTS} segments or {MOST_FIELDS} fields")
    return Message(_segments(lines, separators), separators, tuple(notes))


def _lines(text: str, separators: Separators, notes: list[str]) -> list[str]:
    if "\n" not in text:
        lines = text.split("\r")
    elif "\r" not in text:
        notes.append("segments end with LF")
        lines = text.split("\n")
    else:
        notes.append("segments end with CRLF, or with LF in places")
        # A line feed inside a value is no end of a segment.
        field = re.escape(separators.field)
        lines = re.split(rf"\r\n|\r|\n(?=[A-Z][A-Z0-9]{{2}}(?:{field}|[\r\n]|\Z)|\s*\Z)", text)
    return [line for line in lines if line]


def _segments(lines: list[str], separators: Separators) -> tuple[Segment, ...]:
    counts: dict[str, int] = {}
    segments: list[Segment] = []
    for index, line in enumerate(lines, 1):
        name = line[:3]
        if not _NAME.match(name) or (len(line) > 3 and line[3] != separators.field):
            raise MalformedMessage("no segment begins here", f"line {index}")
        if index > 1 and name in HEADERS:
            raise MalformedMessage("a second header within one message", f"line {index}")
        counts[name] = counts.get(name, 0) + 1
        segments.append(Segment(line, index, counts[name], separators))
    return tuple(segments)


def _designator(segment: Segment, field: int) -> str:
    return segment.value(field) or segment.value(field, component=2) or ""


def _split(text: str, separator: str) -> tuple[str, ...]:
    return tuple(text.split(separator)) if separator else (text,)


def _part(text: str, separators: Separators, component: int, subcomponent: int) -> str | None:
    if component != 1 or separators.component in text:
        text = _nth(text, separators.component, component)
    if subcomponent != 1 or (separators.subcomponent and separators.subcomponent in text):
        text = _nth(text, separators.subcomponent, subcomponent)
    return unescape(text, separators) or None


def _nth(text: str, separator: str, number: int) -> str:
    """The part of that number, counted from 1; empty where there are not so many."""
    if not separator:
        return text if number == 1 else ""
    if number == 1:
        return text.partition(separator)[0]
    parts = text.split(separator, number)
    return parts[number - 1] if 0 < number <= len(parts) else ""
