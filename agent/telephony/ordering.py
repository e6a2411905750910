"""The caller's sound in order and without holes, whatever order it came in. Pure.

Twilio numbers the pieces (``chunk``) and says when each began (``timestamp``). Pieces that come early wait for those
before them, but not for long; what never came is silence, so that times in the stream stay true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.audio import mulaw
from agent.audio.frames import FRAME, RATE
from agent.telephony.stream_messages import Sound
from agent.voice.media import Frame

_WAITING = 5
"""Pieces that may wait for one before them (100 ms); then it is given up."""
_MOST_AHEAD = 3_000
"""Pieces (a minute) by which a number may be ahead."""
_MOST_SILENCE = 2 * RATE
"""Samples of a hole that are filled; after a longer one, time jumps."""
_SLACK = RATE * 30 // 1000
"""Samples by which a timestamp may differ without meaning a hole: timestamps are milliseconds, and jitter."""


@dataclass
class Ordered:
    """Takes pieces as they come, gives frames of 20 ms in order."""

    duplicates: int = 0
    filled: int = 0
    """Samples of silence put in."""
    jumps: int = 0
    strange: int = 0
    """Pieces with a number that cannot be: taking it for true, all that follow would be too late."""

    def __post_init__(self) -> None:
        self._next = 1
        self._waiting: dict[int, Sound] = {}
        self._begin: int | None = None
        self._due = 0
        self._rest = bytearray()
        self._rest_at = 0

    def take(self, sound: Sound) -> Iterable[Frame]:
        """The frames that can be given now."""
        if sound.chunk == self._next and self._follows(sound):
            self._next += 1
            at, self._rest_at = self._rest_at, self._rest_at + FRAME
            self._due += FRAME
            return (Frame(at / RATE, mulaw.decode(sound.codes)),)
        return self._sort(sound)

    def _follows(self, sound: Sound) -> bool:
        """Whether it is the one frame that was to come next: so it is with nearly all."""
        if self._begin is None or self._waiting or self._rest or len(sound.codes) != FRAME:
            return False
        return (sound.at - self._begin) * RATE // 1000 - self._due <= _SLACK

    def _sort(self, sound: Sound) -> Iterator[Frame]:
        if sound.chunk < self._next or sound.chunk in self._waiting:
            self.duplicates += 1
            return
        if sound.chunk > self._next + _MOST_AHEAD:
            self.strange += 1
            return
        self._waiting[sound.chunk] = sound
        while self._waiting and (self._next in self._waiting or len(self._waiting) > _WAITING):
            first = min(self._waiting)
            self._next = first + 1
            yield from self._place(self._waiting.pop(first))

    def _place(self, sound: Sound) -> Iterator[Frame]:
        if self._begin is None:
            self._begin = sound.at
        at = (sound.at - self._begin) * RATE // 1000
        hole = at - self._due
        if hole > _MOST_SILENCE:
            self.jumps += 1
            self._rest.clear()
            self._rest_at = self._due = at
        elif hole > _SLACK:
            self.filled += hole
            yield from self._cut(bytes([mulaw.SILENCE]) * hole)
        yield from self._cut(sound.codes)

    def _cut(self, codes: bytes) -> Iterator[Frame]:
        self._rest += codes
        self._due += len(codes)
        while len(self._rest) >= FRAME:
            yield Frame(self._rest_at / RATE, mulaw.decode(bytes(self._rest[:FRAME])))
            del self._rest[:FRAME]
            self._rest_at += FRAME
