"""HL7v2 messages taken apart for people: segments, fields, where it failed, and where each element comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from adapters.hl7v2.batch import is_batch
from adapters.hl7v2.charset import decode
from adapters.hl7v2.convert.conversion import Conversion
from adapters.hl7v2.convert.explaining import explain, rows
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.message import NULL, MalformedMessage, Message, Segment, parse
from adapters.hl7v2.places import Place, read_place
from fhirserver.ports.messages import Anatomy, Explained, ShownField, ShownSegment

_LINE = re.compile(r"line (\d+)\Z")
_NOTHING = "(null: stated to be nothing)"


def anatomy(raw: bytes, encoding: str, site: Site, place: str = "") -> Anatomy:
    """The message in ``raw``. ``place`` is where it failed, as the record has it; empty where it did not."""
    try:
        decoded = decode(raw, encoding)
    except MalformedMessage as error:
        return _unread(raw.decode("latin-1"), error)
    if is_batch(raw):
        return Anatomy(lines(decoded.text), problem="a batch", line=_line(place, decoded.text))
    try:
        message = parse(decoded.text, decoded.encoding)
    except MalformedMessage as error:
        return _unread(decoded.text, error)
    made = explain(message, site)
    return Anatomy(lines(message.text), list(_segments(message, made, read_place(place))), _explained(made))


def lines(text: str) -> str:
    """A message with its segments in lines of their own."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def _unread(text: str, error: MalformedMessage) -> Anatomy:
    return Anatomy(lines(text), problem=str(error), line=_line(error.place, text))


def _line(place: str, text: str) -> int:
    """The line that a place is in: that of its number, or of the first segment of its name."""
    if found := _LINE.match(place):
        return int(found[1])
    names = [line[:3] for line in lines(text).split("\n")]
    return names.index(place[:3]) + 1 if place[:3] in names else 0


def _segments(message: Message, made: Conversion, wrong: Place | None) -> Iterator[ShownSegment]:
    several = {one.name for one in message.segments if one.occurrence > 1}
    for segment in message.segments:
        name = segment.place if segment.name in several else segment.name
        here = wrong if wrong and (wrong.segment, wrong.occurrence) == _named(segment) else None
        fields = list(_fields(segment, name, here))
        yield ShownSegment(name, fields, segment.place not in made.unmapped, here is not None)


def _named(segment: Segment) -> tuple[str, str]:
    return segment.name, str(segment.occurrence)


def _fields(segment: Segment, name: str, wrong: Place | None) -> Iterator[ShownField]:
    field = int(wrong.field) if wrong and wrong.field else 0
    for number in range(1, max(len(segment), field) + 1):
        repetitions = segment.repetitions(number)
        for at, repetition in enumerate(repetitions, 1):
            place = f"{name}-{number}" + (f"[{at}]" if len(repetitions) > 1 else "")
            values = [(n, repetition.value(n)) for n in range(1, len(repetition.components) + 1)]
            shown = [(n, _NOTHING if value == NULL else value) for n, value in values if value is not None]
            yield ShownField(place, shown, number == field and _is_meant(wrong, at))
        if number == field and not repetitions:
            yield ShownField(f"{name}-{number}", (), True)


def _is_meant(wrong: Place | None, repetition: int) -> bool:
    return wrong is not None and wrong.repetition in ("", str(repetition))


def _explained(made: Conversion) -> Sequence[Explained]:
    return [Explained(one.local, one.element, one.place, one.source) for one in rows(made)]
