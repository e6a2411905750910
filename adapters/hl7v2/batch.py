"""Batches and files: several messages in one text, with headers around them and counts to check.

https://www.hl7.eu/HL7v2x/v251/std251/ch02.html (2.10.3, HL7 batch protocol). Works on bytes: each message has a
character set of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from adapters.hl7v2.charset import header_of
from adapters.hl7v2.malformed import MalformedMessage
from adapters.hl7v2.separators import Separators, read_separators
from adapters.hl7v2.writing import Field, Raw, write_header, write_segment

_BOM = b"\xef\xbb\xbf"
_BEGINNING = re.compile(rb"(?:\A|(?<=[\r\n]))(?:FHS|BHS|MSH|BTS|FTS)")
_FRAMES = re.compile(rb"[\x0b\x1c]")
_REFERENCE, _CONTROL = 12, 11


@dataclass(frozen=True, slots=True)
class Batch:
    """The messages of one text in their order. ``header`` is the first of FHS and BHS, or empty."""

    messages: Sequence[bytes] = field(repr=False)
    header: str = ""


def is_batch(raw: bytes) -> bool:
    """Whether the text begins with a header of a batch or a file."""
    return header_of(raw)[:3] in ("FHS", "BHS")


def read_batch(raw: bytes) -> Batch:
    """The messages of a text: a batch, a file of batches, or messages one after the other.

    Raises :class:`MalformedMessage` where a trailer counts others than there are, where there is none, or where the
    text does not begin with a header.
    """
    text = _FRAMES.sub(b"", raw.removeprefix(_BOM)).lstrip(b"\r\n")
    starts = [found.start() for found in _BEGINNING.finditer(text)]
    if not starts or starts[0]:
        raise MalformedMessage("no header of a message, batch or file", "line 1")
    pieces = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    reading = _Reading()
    for piece in pieces:
        reading.take(piece)
    reading.end()
    return Batch(tuple(reading.messages), reading.header)


def answer_batch(header: str, answers: Sequence[bytes], at: str, control_id: str) -> bytes:
    """The batch of acknowledgements that answers a batch. ``at`` is a time stamp as HL7 writes it."""
    separators = read_separators(header)
    fields = header.split(separators.field)

    def theirs(number: int) -> Raw:
        return Raw(fields[number - 1] if len(fields) >= number else "")

    whose: list[Field] = [theirs(5), theirs(6), theirs(3), theirs(4), at, None, None, None]
    begin = write_header("BHS", [*whose, control_id, theirs(_CONTROL)], separators)
    end = write_segment("BTS", (str(len(answers)),), separators)
    return begin.encode("latin-1", "replace") + b"\r" + b"".join(answers) + end.encode("ascii") + b"\r"


class _Reading:
    """What has been read of a batch so far."""

    def __init__(self) -> None:
        self.header = ""
        self.messages: list[bytes] = []
        self._separators = Separators()
        self._in_file = self._in_batch = self._batches = self._messages = 0

    def take(self, piece: bytes) -> None:
        name = piece[:3].decode("ascii")
        if name == "MSH":
            self.messages.append(piece)
            self._messages += 1
        elif name in ("FHS", "BHS"):
            self._begin(name, header_of(piece))
        elif name == "BTS":
            self._close("BTS", self._in_batch, piece, self._messages)
            self._in_batch, self._messages = 0, 0
            self._batches += 1
        else:
            if self._in_batch:
                raise MalformedMessage("a batch has no trailer", "BTS")
            # Files without batches count their messages.
            self._close("FTS", self._in_file, piece, self._batches or self._messages)
            self._in_file = self._batches = self._messages = 0

    def end(self) -> None:
        if self._in_batch or self._in_file:
            raise MalformedMessage("the trailer is missing", "BTS" if self._in_batch else "FTS")

    def _begin(self, name: str, line: str) -> None:
        if self._in_batch or (name == "FHS" and self._in_file):
            raise MalformedMessage("a batch or file begins within another", name)
        self._separators = read_separators(line)
        self.header = self.header or line
        if name == "FHS":
            self._in_file = 1
        else:
            self._in_batch, self._messages = 1, 0

    def _close(self, name: str, begun: int, piece: bytes, count: int) -> None:
        if not begun:
            raise MalformedMessage("a trailer without its header", name)
        fields = header_of(piece).split(self._separators.field)
        stated = fields[1].strip() if len(fields) > 1 else ""
        digits = stated.isascii() and stated.isdigit()
        if stated and not (digits and int(stated[:9]) == count):
            raise MalformedMessage(f"the trailer counts others than the {count} that are there", f"{name}-1")
