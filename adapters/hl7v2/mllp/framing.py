"""Taking the frames out of a stream of bytes: ``<VT> message <FS><CR>``.

https://www.hl7.org/documentcenter/public/wg/inm/mllp_transport_specification.PDF. What is large waits in a
temporary file, so that many connections with long messages take little memory.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, TypeAlias

START, END, AFTER_END = b"\x0b", b"\x1c", b"\r"
SPILL_BYTES = 256 * 1024
HEAD_BYTES = 4096
_HEAD_OF_ANOTHER = re.compile(rb"\x0b(?=MSH|BHS|FHS)")
# Some senders forget the carriage return and begin the next frame at once.
_END_OF_FRAME = re.compile(rb"\x1c(?:\r|(?=\x0b))")


def frame(content: bytes) -> bytes:
    """The bytes that carry one message."""
    return START + content + END + AFTER_END


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole message of ``size`` bytes. Read it once."""

    size: int
    _content: bytes
    _spilled: IO[bytes] | None = field(default=None, repr=False)

    def read(self) -> bytes:
        """Its content, all in memory."""
        if self._spilled is None:
            return self._content
        with self._spilled as spilled:
            spilled.seek(0)
            return spilled.read() + self._content


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes that belong to no whole message: between two frames, or of one that was begun and never ended."""

    size: int


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A message is longer than allowed. ``head`` is how it begins. Nothing more is taken from the stream."""

    head: bytes


Event: TypeAlias = Frame | Garbage | TooLarge


class Framing:
    """The state of one connection's incoming bytes. ``most``: bytes of a message."""

    def __init__(self, most: int, spill: int = SPILL_BYTES):
        self._most, self._spill = most, spill
        self._buffer = bytearray()
        self._spilled: IO[bytes] | None = None
        self._spilled_size = 0
        self._scanned = 0
        self.inside = False
        """Whether a message has begun and not ended."""
        self.refused = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """What the bytes complete, in order. Consume it to its end before feeding more."""
        if self.refused:
            return
        self._buffer += data
        while self._buffer and not self.refused:
            if not self.inside:
                yield from self._begin()
                if not self.inside:
                    return
            ending = _END_OF_FRAME.search(self._buffer, self._scanned)
            if ending is None:
                yield from self._grown()
                return
            yield from self._ended(ending.start(), ending.end())

    def close(self) -> Iterator[Event]:
        """The stream is at its end: what was begun is garbage."""
        if self.inside and self.size:
            yield Garbage(self.size)
        self._reset()
        self._buffer.clear()

    @property
    def size(self) -> int:
        """Bytes of the message that has begun."""
        return self._spilled_size + len(self._buffer) if self.inside else 0

    def _begin(self) -> Iterator[Event]:
        start = self._buffer.find(START)
        before = bytes(self._buffer if start < 0 else self._buffer[:start])
        del self._buffer[: len(before) + 1]
        self.inside = start >= 0
        if before.strip(b"\r\n"):
            yield Garbage(len(before))

    def _grown(self) -> Iterator[Event]:
        if self.size > self._most:
            yield self._too_large(bytes(self._buffer[:HEAD_BYTES]))
            return
        self._scanned = len(self._buffer) - 1
        if len(self._buffer) > self._spill:
            self._spill_over(self._scanned)
            self._scanned = 0

    def _spill_over(self, count: int) -> None:
        if self._spilled is None:
            self._spilled = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the frame is read or dropped
        self._spilled.write(self._buffer[:count])
        self._spilled_size += count
        del self._buffer[:count]

    def _ended(self, end: int, after: int) -> Iterator[Event]:
        content, spilled, size = bytes(self._buffer[:end]), self._spilled, self._spilled_size + end
        del self._buffer[:after]
        if size > self._most:
            yield self._too_large(content[:HEAD_BYTES])
            return
        self._spilled = None
        self._reset()
        if spilled is None and START in content:
            heads = list(_HEAD_OF_ANOTHER.finditer(content))
            if heads:
                yield Garbage(heads[-1].start())
                content = content[heads[-1].end() :]
                size = len(content)
        yield Frame(size, content, spilled)

    def _too_large(self, head: bytes) -> TooLarge:
        if self._spilled is not None:
            self._spilled.seek(0)
            head = self._spilled.read(HEAD_BYTES)
        self._reset()
        self._buffer.clear()
        self.refused = True
        return TooLarge(head)

    def _reset(self) -> None:
        if self._spilled is not None:
            self._spilled.close()
        self._spilled, self._spilled_size, self._scanned = None, 0, 0
        self.inside = False
