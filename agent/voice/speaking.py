"""The agent's mouth: sentences to sound, sound to the carrier, and how much of it was heard."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from agent.audio.frames import RATE, Pcm
from agent.manner import PLAIN, Manner
from agent.sentences import sentences
from agent.speech.ports import SpeechFailed, Synthesiser
from agent.voice.ledger import Ledger, Piece, Sentence
from agent.voice.media import Media
from agent.voice.recording import Recording

_PIECE = RATE * 2 // 5
"""Samples between two marks."""
_AHEAD = 6.0
"""Seconds of sound at the carrier beyond which the next sentence waits."""
_BREATH = 0.12
"""Seconds between sentences."""
_GAP = 0.3
"""Seconds without a sound between two sentences after which the caller takes the agent for silent."""
_LOST_MARK = 0.5
"""Seconds after which a mark that has not come back is taken as come."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The agent was stopped: ``heard`` of turn ``turn`` was heard, nothing of the turns after it."""

    turn: int
    heard: str


@dataclass
class Reports:
    """Who is told: ``speaks(at, shielded)`` a sentence begins to be heard, ``quiet(at)`` the last one has been
    heard, ``spoken(turn, at)`` a turn begins, ``failed(name)`` a voice could not say something."""

    speaks: Callable[[float, bool], None]
    quiet: Callable[[float], None]
    spoken: Callable[[int, float], None]
    failed: Callable[[str], None]


class Speaker:
    """Says sentences one after the other over one :class:`Media`. ``now`` is the line's clock in seconds."""

    def __init__(self, voice: Synthesiser, now: Callable[[], float], reports: Reports, recording: Recording):
        self._voice, self._now, self._reports, self._recording = voice, now, reports, recording
        self._ledger = Ledger()
        self._queue: deque[tuple[Sentence, Manner]] = deque()
        self._ready: dict[tuple[str, Manner], list[Pcm]] = {}
        self._left: list[tuple[Sentence, Pcm]] = []
        self._interrupted: Interrupted | None = None
        self._shielded = ""
        """What will have been heard of the turn that was interrupted when what is shielded has been said."""
        self._more, self._going, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._done, self._changed = asyncio.Event(), asyncio.Event()
        self._held = False
        self._going.set()
        self._media: Media | None = None
        self._busy: Sentence | None = None
        self._audible = False
        self._sounding: Sentence | None = None
        self._begun: set[int] = set()
        self._last_turn = 0

    async def prepare(self, text: str, manner: Manner = PLAIN) -> None:
        """Have the sound of ``text`` ready. A voice that fails is tried again when it is said."""
        for sentence in sentences(text):
            try:
                self._ready[sentence, manner] = [pcm async for pcm in self._voice.speak(sentence, manner)]
            except SpeechFailed:
                return

    @property
    def speaking(self) -> bool:
        """Something is being heard, or is about to be."""
        return bool(self._queue or self._left or self._busy) or not self._ledger.idle

    def say(self, text: str, turn: int, manner: Manner = PLAIN, shielded: bool = False) -> None:
        """Queue ``text``; ``turn`` 0 is a word for a wait."""
        if turn and turn != self._last_turn:
            self._last_turn = turn
            self._ledger.forget_before(turn - 2)
        for sentence in sentences(text):
            self._queue.append((Sentence(sentence, turn, shielded), manner))
        self._done.clear()
        self._more.set()

    async def run(self, media: Media) -> None:
        """Speak what is queued until cancelled."""
        self._media = media
        while True:
            while not self._queue:
                self._busy = None
                self._settle()
                self._more.clear()
                await self._more.wait()
            self._busy, manner = self._queue.popleft()
            await self._speak(media, self._busy, manner)

    async def _speak(self, media: Media, sentence: Sentence, manner: Manner) -> None:
        await self._wait_for_room()
        try:
            async with aclosing(
                self._sound(sentence, manner)
            ) as sound:  # one that is dropped is not finished
                async for pcm in sound:
                    for start in range(0, len(pcm), _PIECE):
                        await self._may_go_on(sentence)
                        if sentence.dropped:
                            return
                        await self._send(media, sentence, pcm[start : start + _PIECE])
        except SpeechFailed:
            self._reports.failed(self._voice.name)
        sentence.whole = True

    async def _may_go_on(self, sentence: Sentence) -> None:
        """Wait while the sound is paused, or the caller has the floor."""
        await self._going.wait()
        while self._held and not (sentence.shielded or sentence.dropped):
            self._changed.clear()
            await self._changed.wait()
            await self._going.wait()

    def hold(self) -> None:
        """The caller has the floor: begin nothing new (what is at the carrier plays on)."""
        self._held = True

    def release(self) -> None:
        """The floor is free."""
        self._held = False
        self._changed.set()

    async def _sound(self, sentence: Sentence, manner: Manner) -> AsyncGenerator[Pcm, None]:
        ready = self._ready.pop((sentence.text, manner), None)
        if ready is not None:
            for pcm in ready:
                yield pcm
        else:
            async for pcm in self._voice.speak(sentence.text, manner):
                yield pcm
        yield np.zeros(round(_BREATH * manner.pause * RATE), dtype=np.int16)

    async def _wait_for_room(self) -> None:
        while self._ledger.until() - self._now() > _AHEAD:
            self._room.clear()
            try:
                async with asyncio.timeout(1.0):
                    await self._room.wait()
            except TimeoutError:
                continue

    async def _send(self, media: Media, sentence: Sentence, pcm: Pcm) -> None:
        now = self._now()
        first = sentence.samples == 0
        piece = self._ledger.send(sentence, pcm, now)
        self._recording.agent.put(piece.starts, pcm)
        await media.play(pcm)
        await media.mark(piece.mark)
        loop = asyncio.get_running_loop()
        if first or not self._audible:
            loop.call_later(max(piece.starts - now, 0), self._begin, piece)
        loop.call_later(max(piece.ends - now, 0) + _LOST_MARK, self.played, piece.mark)

    def _begin(self, piece: Piece) -> None:
        if piece.played or piece not in self._ledger.pieces:
            return
        if self._audible and piece.sentence is self._sounding:
            return
        self._audible, self._sounding = True, piece.sentence
        self._reports.speaks(piece.starts, piece.sentence.shielded)
        turn = piece.sentence.turn
        if turn and turn not in self._begun:
            self._begun.add(turn)
            self._reports.spoken(turn, piece.starts)

    def played(self, mark: str) -> None:
        """A mark came back."""
        self._ledger.played(mark, self._now())
        self._room.set()
        self._settle()

    def _settle(self) -> None:
        if self._ledger.idle and self._audible and (self._queue or self._busy or self._left):
            asyncio.get_running_loop().call_later(_GAP, self._mind_the_gap)
        if not self._ledger.idle or self._queue or self._busy or self._left:
            return
        if self._audible:
            self._audible = False
            self._reports.quiet(self._now())
        self._done.set()

    def _mind_the_gap(self) -> None:
        """More is to be said and nothing is heard: a sentence that is slow to come, or held back."""
        if self._audible and self._ledger.idle and not self.paused:
            self._audible = False
            self._reports.quiet(self._now())

    # being interrupted

    async def pause(self) -> None:
        """Stop the sound at once; it can go on where it was."""
        if not self._going.is_set() or self._media is None:
            return
        self._going.clear()
        now = self._now()
        self._interrupted = self.unheard()
        turn = self._interrupted.turn if self._interrupted is not None else 0
        self._shielded = self._ledger.heard(turn, now, shielded=True)
        self._left = self._ledger.take_back(now)
        self._recording.agent.cut(now)
        await self._media.clear()
        self._audible = False

    async def resume(self) -> None:
        """Go on from where it was paused."""
        left, self._left, self._interrupted = self._left, [], None
        media = self._media
        for sentence, pcm in left if media is not None else ():
            for start in range(0, len(pcm), _PIECE):
                await self._send(media, sentence, pcm[start : start + _PIECE])  # type: ignore[arg-type]
        self._going.set()
        self._settle()

    async def cut(self) -> Interrupted | None:
        """Say nothing of what is queued but what is shielded; what was heard, or will be, of the turn that was cut.

        None where nothing is lost.
        """
        await self.pause()
        interrupted = self._interrupted
        pending = [s for s, _ in (*self._left, *self._queue)] + (
            [self._busy] if self._busy is not None else []
        )
        if interrupted is not None and any(s.shielded for s in pending):
            lost = any(s.turn and not s.shielded for s in pending)
            queued = (s.text for s, _ in self._queue if s.shielded and s.turn == interrupted.turn)
            heard = " ".join(filter(None, (self._shielded, *queued)))
            interrupted = Interrupted(interrupted.turn, heard) if lost else None
        self._left = [(s, pcm) for s, pcm in self._left if s.shielded]
        for sentence in pending:
            sentence.dropped = not sentence.shielded
        self._changed.set()
        self._queue = deque((s, m) for s, m in self._queue if not s.dropped)
        await self.resume()
        return interrupted

    def unheard(self) -> Interrupted | None:
        """What was heard of the turn that is being spoken, or waits to be; None where all was heard."""
        if self._interrupted is not None:
            return self._interrupted
        now = self._now()
        turn = self._ledger.current(now) or next((s.turn for s, _ in self._queue if s.turn), 0)
        return Interrupted(turn, self._ledger.heard(turn, now)) if turn else None

    @property
    def paused(self) -> bool:
        return not self._going.is_set()

    async def drained(self, longest: float = 60.0) -> None:
        """Return when all that was queued has been heard, or after ``longest`` seconds."""
        self._settle()
        try:
            async with asyncio.timeout(longest):
                await self._done.wait()
        except TimeoutError:
            return

    def busy(self, until: float) -> None:
        """The carrier plays somebody else's sound until then: what is said next is heard after it."""
        self._ledger.busy = until

    @property
    def ahead(self) -> float:
        """Seconds of sound that are still to be heard of what was sent."""
        return max(self._ledger.until() - self._now(), 0.0)
