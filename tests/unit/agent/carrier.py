"""A carrier in memory that keeps Twilio's rules on the loop's own clock: it plays what it is sent one piece after the
other, gives marks back when they are reached, drops its buffer on ``clear``, and brings a frame every 20 ms."""

from __future__ import annotations

import asyncio

import numpy as np

from agent.audio.frames import FRAME, RATE, SILENT, Pcm, framed
from agent.voice.media import Frame, Gone, Key, MediaEvent, Played

LOUD = 4000


class Carrier:
    """The far end of a :class:`~agent.voice.media.Media`; ``played`` is what the caller heard, sample by sample."""

    def __init__(self, loses_marks: bool = False):
        self.inbox: asyncio.Queue[MediaEvent] = asyncio.Queue()
        self.speech: list[Pcm] = []
        self.buffer: list[Pcm | str] = []
        self.played: list[Pcm] = []
        self.clears = 0
        self.loses_marks = loses_marks
        self.closed = False
        self.held: list[Frame] | None = None
        """Frames that the network keeps back, while it does."""
        self._ticking = asyncio.create_task(self._tick())

    # what the line calls

    async def receive(self) -> MediaEvent:
        return await self.inbox.get()

    async def play(self, pcm: Pcm) -> None:
        self.buffer.extend(framed(pcm))

    async def mark(self, name: str) -> None:
        self.buffer.append(name)
        self._marks()

    async def clear(self) -> None:
        self.clears += 1
        names = [item for item in self.buffer if isinstance(item, str)]
        self.buffer.clear()
        for name in names:
            self._back(name)

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.inbox.put_nowait(Gone("closed"))

    # what the test does

    def speak(self, pcm: Pcm) -> None:
        """The caller says this from now on."""
        self.speech.extend(framed(pcm))

    async def stall(self, seconds: float) -> None:
        """Nothing comes for a while, and then all of it at once."""
        self.held = []
        await asyncio.sleep(seconds)
        late, self.held = self.held, None
        for frame in late:
            self.inbox.put_nowait(frame)

    def press(self, keys: str) -> None:
        for key in keys:
            self.inbox.put_nowait(Key(key))

    async def hang_up(self) -> None:
        await self.close()

    def heard(self) -> Pcm:
        return np.concatenate(self.played) if self.played else SILENT

    def loud(self) -> list[tuple[float, float]]:
        """The stretches in which the agent was heard, in seconds."""
        out: list[list[float]] = []
        for i, frame in enumerate(self.played):
            if np.max(np.abs(frame.astype(int))) < 500:
                continue
            at = i * FRAME / RATE
            if out and at - out[-1][1] < 0.05:
                out[-1][1] = at + FRAME / RATE
            else:
                out.append([at, at + FRAME / RATE])
        return [(a, b) for a, b in out]

    def _back(self, name: str) -> None:
        if not self.loses_marks:
            self.inbox.put_nowait(Played(name))

    def _marks(self) -> None:
        while self.buffer and isinstance(self.buffer[0], str):
            self._back(str(self.buffer.pop(0)))

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        began, count = loop.time(), 0
        while not self.closed:
            count += 1
            await asyncio.sleep(max(began + count * 0.02 - loop.time(), 0))
            self._marks()
            piece = self.buffer.pop(0) if self.buffer else SILENT
            assert not isinstance(piece, str)
            self.played.append(piece)
            self._marks()
            frame = self.speech.pop(0) if self.speech else SILENT
            brought = Frame((count - 1) * 0.02, frame)
            self.inbox.put_nowait(brought) if self.held is None else self.held.append(brought)


def voice(seconds: float, level: int = LOUD) -> Pcm:
    """Something that a voice detector takes for speech: a buzz with formants that moves."""
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = 120 + 15 * np.sin(2 * np.pi * 3 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    buzz = sum(
        np.sin(k * phase) * np.exp(-(((k * 120 - f) / 250) ** 2)) for k in range(1, 25) for f in (500, 1500)
    )
    envelope = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * t)
    return (level * buzz / np.max(np.abs(buzz)) * envelope).astype(np.int16)


def pause(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE), dtype=np.int16)
