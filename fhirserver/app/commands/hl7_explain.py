"""``credence hl7 explain``: what is in a file of messages, segment by segment, without sending it anywhere."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters.hl7v2.acknowledgement import wants
from adapters.hl7v2.batch import read_batch
from adapters.hl7v2.charset import decode
from adapters.hl7v2.message import NULL, MalformedMessage, Message, Segment, parse


def explain(arguments: Sequence[str]) -> int:
    """Explain files. Exit 1 where one holds what is no message."""
    options = argparse.ArgumentParser(
        prog="credence hl7 explain", description="Show what is in a file, segment by segment."
    )
    options.add_argument("files", nargs="+", type=Path, metavar="FILE")
    options.add_argument("--fields", action="store_true", help="every field with its value")
    options.add_argument(
        "--charset", default="utf-8", help="codec of messages that declare none (default: utf-8)"
    )
    chosen = options.parse_args(arguments)
    problems = 0
    for file in chosen.files:
        try:
            raws = read_batch(file.read_bytes()).messages
        except (MalformedMessage, OSError) as error:
            problems += 1
            print(f"{file}: {error}", file=sys.stderr)
            continue
        for number, raw in enumerate(raws, 1):
            problems += not _explain_one(f"{file.name} message {number}", raw, chosen)
    return 1 if problems else 0


def _explain_one(where: str, raw: bytes, chosen: argparse.Namespace) -> bool:
    try:
        decoded = decode(raw, chosen.charset)
        message = parse(decoded.text, decoded.encoding)
    except MalformedMessage as error:
        print(f"{where}: {error}")
        return False
    print(f"{where}:")
    for text in [*about(message, decoded.encoding, decoded.notes), *segments(message, chosen.fields)]:
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


def segments(message: Message, fields: bool) -> Iterator[str]:
    """One line a segment; with ``fields`` one for each field that has something."""
    for segment in message.segments:
        filled = [number for number in range(1, len(segment) + 1) if segment.field(number)]
        yield f"{segment.place:8} fields {', '.join(map(str, filled)) or 'none'}"
        if fields:
            yield from (f"    {text}" for number in filled for text in _values(segment, number))


def _values(segment: Segment, number: int) -> Iterator[str]:
    repetitions = segment.repetitions(number)
    for at, repetition in enumerate(repetitions, 1):
        place = f"{segment.name}-{number}" + (f"[{at}]" if len(repetitions) > 1 else "")
        parts = [(n, repetition.value(n)) for n in range(1, len(repetition.components) + 1)]
        for component, value in parts:
            if value is not None:
                shown = "(null: stated to be absent)" if value == NULL else value.replace("\n", "⏎")
                yield f"{place}.{component} {shown}" if len(parts) > 1 else f"{place} {shown}"
