"""``credence hl7 explain``: what a file of messages would become, segment by segment, without sending it anywhere."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters.hl7v2.acknowledgement import wants
from adapters.hl7v2.batch import read_batch
from adapters.hl7v2.charset import decode
from adapters.hl7v2.convert.conversion import Conversion, Explained
from adapters.hl7v2.convert.explaining import explain as conversion
from adapters.hl7v2.convert.explaining import report_beside, rows
from adapters.hl7v2.convert.site import Site
from adapters.hl7v2.convert.site_file import SiteError, load_site
from adapters.hl7v2.message import NULL, MalformedMessage, Message, Segment, parse
from adapters.hl7v2.places import read_place


def explain(arguments: Sequence[str]) -> int:
    """Explain files. Exit 1 where one holds what is no message, 2 where the site's file is wrong."""
    options = argparse.ArgumentParser(
        prog="credence hl7 explain",
        description="Show what each segment becomes, by which rows of the maps, and what it does not.",
    )
    options.add_argument("files", nargs="+", type=Path, metavar="FILE")
    options.add_argument("--fields", action="store_true", help="every field with its value")
    options.add_argument(
        "--site", type=Path, metavar="FILE", help="the sender's ways, as 'site' of a connector"
    )
    options.add_argument(
        "--charset", default="utf-8", help="codec of messages that declare none (default: utf-8)"
    )
    chosen = options.parse_args(arguments)
    try:
        site = load_site(chosen.site) if chosen.site else Site()
    except (SiteError, OSError, UnicodeDecodeError) as error:
        print(f"credence hl7 explain: {chosen.site}: {error}", file=sys.stderr)
        return 2
    problems = 0
    for file in chosen.files:
        try:
            raws = read_batch(file.read_bytes()).messages
        except (MalformedMessage, OSError) as error:
            problems += 1
            print(f"{file}: {error}", file=sys.stderr)
            continue
        for number, raw in enumerate(raws, 1):
            problems += not _explain_one(f"{file.name} message {number}", raw, chosen, site)
    return 1 if problems else 0


def _explain_one(where: str, raw: bytes, chosen: argparse.Namespace, site: Site) -> bool:
    try:
        decoded = decode(raw, chosen.charset)
        message = parse(decoded.text, decoded.encoding)
    except MalformedMessage as error:
        print(f"{where}: {error}")
        return False
    print(f"{where}:")
    made = conversion(message, site)
    for text in [
        *about(message, decoded.encoding, decoded.notes),
        *segments(message, chosen.fields, made),
        *remarks(made),
    ]:
        print(f"  {text}")
    return True


def about(message: Message, encoding: str, notes: Sequence[str]) -> Iterator[str]:
    """What the message says of itself."""
    event = f"{message.type}^{message.event}" if message.event else message.type
    yield f"{event or 'no type'} ({message.structure or '?'}), version {message.version or '?'}, {encoding}"
    yield f"control id {message.control_id or 'none'}, from {' '.join(message.sender)} to {' '.join(message.receiver)}"
    yield f"answers wanted: accept {wants(message)[0]}, application {wants(message)[1]}"
    for note in (*notes, *message.notes):
        yield f"note: {note}"


def segments(message: Message, fields: bool, made: Conversion) -> Iterator[str]:
    """One line a segment, then what it becomes; with ``fields`` also each field that has something."""
    said = list(rows(made))
    for segment in message.segments:
        filled = [number for number in range(1, len(segment) + 1) if segment.field(number)]
        yield f"{segment.place:8} fields {', '.join(map(str, filled)) or 'none'}"
        if fields:
            yield from (f"    {text}" for number in filled for text in _values(segment, number))
        yield from (f"    {text}" for text in _becomes(segment, said))


def _becomes(segment: Segment, said: Sequence[Explained]) -> Iterator[str]:
    for one in said:
        place = read_place(one.place)
        if place and (place.segment, place.occurrence) == (segment.name, str(segment.occurrence)):
            yield f"{one.place:<10} → {f'{one.local}.{one.element}':<44} {one.source}"


def remarks(made: Conversion) -> Iterator[str]:
    """What no segment alone says, what is stated to be nothing, and what comes of nothing."""
    for one in rows(made):
        if read_place(one.place) is None:
            yield f"{'':<12} → {f'{one.local}.{one.element}':<44} {one.source}"
    yield from report_beside(made)


def _values(segment: Segment, number: int) -> Iterator[str]:
    repetitions = segment.repetitions(number)
    for at, repetition in enumerate(repetitions, 1):
        place = f"{segment.name}-{number}" + (f"[{at}]" if len(repetitions) > 1 else "")
        parts = [(n, repetition.value(n)) for n in range(1, len(repetition.components) + 1)]
        for component, value in parts:
            if value is not None:
                shown = "(null: stated to be absent)" if value == NULL else value.replace("\n", "⏎")
                yield f"{place}.{component} {shown}" if len(parts) > 1 else f"{place} {shown}"
