"""One axis of time in samples: what was played to the caller and what the caller said. Pure."""

from __future__ import annotations

from collections import deque

from agent.audio import mulaw
from agent.audio.frames import RATE, Pcm

_BREATH = RATE // 2
_SILENCE = bytes([mulaw.SILENCE])


class Track:
    """Sound at places of the axis, kept as the mu-law that was carried; silence elsewhere."""

    def __init__(self) -> None:
        self._codes = bytearray()

    @property
    def end(self) -> int:
        """The sample after the last one that was written."""
        return len(self._codes)

    def write(self, at: int, codes: bytes) -> None:
        """Put sound at sample ``at``, over what is there."""
        if at > len(self._codes):
            self._codes += _SILENCE * (at - len(self._codes))
        self._codes[at : at + len(codes)] = codes

    def cut(self, at: int) -> None:
        """Nothing from sample ``at`` on."""
        del self._codes[at:]

    def pcm(self, length: int | None = None) -> Pcm:
        """The first ``length`` samples, or all up to the end."""
        codes = bytes(self._codes[:length])
        return mulaw.decode(codes if length is None else codes.ljust(length, _SILENCE))


class Playback:
    """The carrier's buffer of one stream, played without a break on a virtual clock.

    ``now`` is the sample of the axis at which something happens; it never goes back.
    """

    def __init__(self) -> None:
        self.track = Track()
        self._end = 0
        self._marks: deque[tuple[int, str]] = deque()
        self.begun = 0
        """Where the last stretch of sound began, with no more than a breath inside."""
        self.first: int | None = None
        """Where the first sound began."""

    @property
    def end(self) -> int:
        """Where what is in the buffer will have been played."""
        return self._end

    def playing(self, now: int) -> bool:
        return now < self._end

    def push(self, codes: bytes, now: int) -> None:
        """Sound has come, as mu-law: it is played behind what is in the buffer."""
        start = max(self._end, now)
        if start > self._end + _BREATH or self.first is None:
            self.begun = start
        if self.first is None:
            self.first = start
        self.track.write(start, codes)
        self._end = start + len(codes)

    def mark(self, name: str) -> None:
        """A mark has come: it is due when everything before it has been played."""
        self._marks.append((self._end, name))

    def clear(self, now: int) -> list[str]:
        """Drop what has not been played; all marks come back at once."""
        if self.playing(now):
            self.track.cut(now)
            self._end = now
        return self._returned(None)

    def due(self, now: int) -> list[str]:
        """The marks that have been passed."""
        return self._returned(now)

    def _returned(self, until: int | None) -> list[str]:
        names = []
        while self._marks and (until is None or self._marks[0][0] <= until):
            names.append(self._marks.popleft()[1])
        return names
