"""Bursts of speech in frames that are voiced or not, and tonal or not."""

from __future__ import annotations

from collections import deque

FRAME = 0.02
"""Seconds of one frame."""
WINDOW = 0.2
"""How close together voiced frames must be to make speech."""
GAP = 0.1
"""A silence that does not end a burst: the closure of a "t" is that long."""
TONELESS = 0.3
"""How long speech can be without a tone ("sixths"); after that what is voiced is noise."""


class Voicing:
    """Tells speech from clicks: a burst begins when ``least`` seconds within WINDOW are voiced.

    One frame of them must be tonal: a cough or a rustle may be as long as a word.
    """

    def __init__(self, least: float):
        self._least = max(1, round(least / FRAME))
        self._window: deque[tuple[float, bool]] = deque(maxlen=round(WINDOW / FRAME))
        self._toned = 0.0
        self.speaking = False
        self.started = 0.0
        """When the burst that goes on, or the last one, began."""
        self.until = 0.0
        """The end of its last voiced frame."""
        self.voiced = 0.0
        """Seconds of it that are voiced."""

    @property
    def pending(self) -> bool:
        """Whether there is voice that may yet become speech."""
        return not self.speaking and any(tonal for _, tonal in self._window)

    def hear(self, at: float, voiced: bool, tonal: bool) -> None:
        """Take the frame from ``at`` on."""
        self.pass_to(at)
        if voiced and tonal:
            self._toned = at
        if voiced and self.speaking:
            self._go_on(at)
        elif voiced:
            self._window.append((at, tonal))
            if len(self._window) >= self._least and self.pending:
                self._begin(at)
        self.pass_to(at + FRAME)

    def _go_on(self, at: float) -> None:
        if at - self._toned < TONELESS:
            self.voiced += FRAME
            self.until = at + FRAME

    def _begin(self, at: float) -> None:
        self.speaking, self.started, self.until = True, self._window[0][0], at + FRAME
        self.voiced = len(self._window) * FRAME
        self._window.clear()

    def pass_to(self, now: float) -> None:
        """Time has passed."""
        if self.speaking and now - self.until >= GAP - 1e-9:
            self.speaking = False
        while self._window and self._window[0][0] <= now - WINDOW:
            self._window.popleft()
