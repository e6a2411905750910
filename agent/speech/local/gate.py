"""What of a turn's sound is decoded: voice and a little on either side of it, for silence costs as much as speech.

The end of a turn is known only after a silence that the decoder then need not hear, and pauses are kept short.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable

from agent.audio.frames import FRAME, RATE

_BYTES = FRAME * 2
_BEFORE = RATE // 5 // FRAME
"""Frames kept before a voice: its first consonant may have none."""
_AFTER = RATE // 5 // FRAME
"""Frames let through after a voice: the last consonant, and the silence by which a decoder ends a word."""


class VoiceGate:
    """The sound of one turn. ``is_voice`` judges FRAME samples, as bytes; frames come in order."""

    def __init__(self, is_voice: Callable[[bytes], bool]):
        self._is_voice = is_voice
        self._part = b""
        self._held: deque[bytes] = deque()
        self._open = 0
        self._let = 0
        self._dropped = 0
        self._cuts: list[tuple[int, int]] = [(0, 0)]
        self.voiced = 0
        """Frames with a voice so far."""

    @property
    def is_open(self) -> bool:
        """Whether a voice was there a moment ago: what comes next is let through."""
        return self._open > 0

    def let(self, samples: bytes) -> bytes:
        """What of all that was given is to be decoded now."""
        self._part += samples
        through = []
        while len(self._part) >= _BYTES:
            frame, self._part = self._part[:_BYTES], self._part[_BYTES:]
            through.append(self._frame(frame))
        return b"".join(through)

    def _frame(self, frame: bytes) -> bytes:
        if self._is_voice(frame):
            self.voiced += 1
            self._open = _AFTER
            return self._with_held(frame)
        if self._open:
            self._open -= 1
            return self._with_held(frame)
        self._held.append(frame)
        if len(self._held) > _BEFORE:
            self._held.popleft()
            self._dropped += FRAME
        return b""

    def _with_held(self, frame: bytes) -> bytes:
        if self._dropped != self._cuts[-1][1]:
            self._cuts.append((self._let, self._dropped))
        through = b"".join((*self._held, frame))
        self._held.clear()
        self._let += len(through) // 2
        return through

    def second(self, decoded: float) -> float:
        """The second of the turn's sound at which the decoder's second ``decoded`` lies."""
        cut = self._cuts[bisect_right(self._cuts, decoded * RATE, key=lambda c: c[0]) - 1]
        return decoded + cut[1] / RATE
