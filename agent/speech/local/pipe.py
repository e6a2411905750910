"""Frames on the pipes between us and a worker process: length, kind, request, then the payload.

``<IBI``: the length of what follows this header, one byte of kind, the number of the request. Little-endian.
"""

from __future__ import annotations

import os
import select
import struct
from collections.abc import Iterator
from typing import BinaryIO, TypeAlias

HEADER = struct.Struct("<IBI")
LONGEST = 64 * 1024 * 1024
"""A length beyond this is no frame but garbage on the pipe."""

_AT_ONCE = 64 * 1024
READY, DONE, FAILED = 0, 1, 2
"""What every worker says: it has started; the request is done; the request could not be done."""
SPEAK, WORDS, SOUND = 10, 11, 12
"""To the synthesiser, JSON; from it, JSON pairs (character, sample) and then 16-bit samples."""
OPEN, FEED, FINISH, CANCEL, PARTIAL, FINAL = 20, 21, 22, 23, 24, 25
"""To the recogniser: JSON of hints, 16-bit samples, nothing, nothing; from it: text, JSON of a transcription."""

PipeFrame: TypeAlias = tuple[int, int, bytes]
"""Kind, request, payload."""


class BrokenPipe(Exception):
    """What came is no frame."""


def packed(kind: int, request: int, payload: bytes = b"") -> bytes:
    """One frame as bytes."""
    return HEADER.pack(len(payload), kind, request) + payload


def unpacked(header: bytes) -> tuple[int, int, int]:
    """Length, kind and request of a header. Raises BrokenPipe."""
    length, kind, request = HEADER.unpack(header)
    if length > LONGEST:
        raise BrokenPipe("a frame longer than any that is sent")
    return length, kind, request


def read(stream: BinaryIO) -> PipeFrame | None:
    """The next frame, in a worker; None when the other side is gone. Blocks."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    length, kind, request = unpacked(header)
    payload = stream.read(length)
    return (kind, request, payload) if len(payload) == length else None


class Incoming:
    """The frames that come in on a descriptor, in a worker that has other work while none come."""

    def __init__(self, descriptor: int):
        self._descriptor, self._part = descriptor, bytearray()

    def frames(self, wait: bool) -> list[PipeFrame] | None:
        """What has come; with ``wait`` only when something has. None when the other side is gone."""
        while select.select([self._descriptor], [], [], None if wait else 0)[0]:
            came = os.read(self._descriptor, _AT_ONCE)
            if not came:
                return None
            self._part += came
            if len(came) < _AT_ONCE and len(self._part) >= HEADER.size:
                break
        return list(self._whole())

    def _whole(self) -> Iterator[PipeFrame]:
        while len(self._part) >= HEADER.size:
            length, kind, request = unpacked(bytes(self._part[: HEADER.size]))
            end = HEADER.size + length
            if len(self._part) < end:
                return
            payload = bytes(self._part[HEADER.size : end])
            del self._part[:end]
            yield kind, request, payload


def write(stream: BinaryIO, kind: int, request: int, payload: bytes = b"") -> None:
    """Send one frame, in a worker. Blocks."""
    stream.write(packed(kind, request, payload))
    stream.flush()
