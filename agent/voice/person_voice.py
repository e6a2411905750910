"""The voice of a person who holds the call: their microphone to the caller's ear, the recording and the transcript."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from agent.audio.frames import FRAME, RATE, Pcm, seconds
from agent.hints import Hints
from agent.signals import Operator
from agent.speech.ports import Recogniser
from agent.turns import events as turns
from agent.turns.floor import Floor
from agent.turns.rules import Rules
from agent.turns.vad import VoiceDetector
from agent.turns.voicing import FRAME as FRAME_SECONDS
from agent.voice.media import Media
from agent.voice.recording import Track
from agent.voice.turn_sound import PreRoll, TurnSound

CUSHION = 0.06
"""Seconds of silence before the first sound after a gap: the next frame may come a little late."""
MOST_AHEAD = 0.5
"""Seconds of sound at the carrier beyond which more is dropped: who talks to each other cannot be late."""
_MOST_AT_ONCE = RATE
"""Samples taken at once; what is longer was not spoken live."""
_BEFORE = 0.4
"""Seconds before the first voiced frame that the recogniser gets too."""
_ECHO = 0.2
"""Seconds for which the person's voice may still come back on the line."""
_QUIET = 0.6
"""Seconds without a frame after which what was begun is taken for said: the microphone was switched off."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a person's voice needs of its line: ``now()`` in seconds of the line and the ``instant`` of such a moment;
    how far ``ahead`` the agent's sound at the carrier goes, and ``busy(until)`` to keep it behind the person's; ``say``
    hands a signal on, ``report(begin, end)`` tells when the person was heard, ``start`` runs something beside."""

    now: Callable[[], float]
    instant: Callable[[float], datetime]
    ahead: Callable[[], float]
    busy: Callable[[float], None]
    say: Callable[[Operator], None]
    report: Callable[[float, float], None]
    start: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class PersonVoice:
    """Takes sound while ``held``; ``dropped`` counts the pieces that nobody heard, because they came too fast or while
    typed words were being said. ``ears`` makes the recogniser of what is said; it is asked when somebody speaks."""

    def __init__(self, line: Surroundings, track: Track, ears: Callable[[], Recogniser], rules: Rules):
        self.held = False
        self.dropped = 0
        self.media: Media | None = None
        self._line, self._track, self._make_ears, self._rules = line, track, ears, rules
        self._ears: Recogniser | None = None
        self._until = 0.0
        self._left = np.zeros(0, dtype=np.int16)
        self._begin()

    def _begin(self) -> None:
        self._floor, self._vad, self._pre_roll = Floor(self._rules), VoiceDetector(), PreRoll()
        self._floor.waits(True)
        self._turn: TurnSound | None = None
        self._turn_began, self._voiced_until = 0.0, -1.0
        self._understood: asyncio.Task[None] | None = None
        self._silence: asyncio.TimerHandle | None = None

    def heard(self) -> bool:
        """Whether the caller hears the person's voice now, or its echo: an open microphone alone is none."""
        return self._line.now() < self._voiced_until + _ECHO

    def hold(self, by_person: bool) -> None:
        """A person holds the call from now on, or does not any more: what was begun is taken for said."""
        if self.held and not by_person:
            self._finish()
        self.held = by_person

    async def hear(self, pcm: Pcm) -> bool:
        """Play sound of the person to the caller; False where it was dropped. Returns at once."""
        if not self.held or self.media is None or not len(pcm):
            return False
        now = self._line.now()
        starts = max(self._until, now + self._line.ahead())
        if len(pcm) > _MOST_AT_ONCE or starts - now > MOST_AHEAD:
            self.dropped += 1
            return False
        if starts <= now:
            starts = now + CUSHION
            await self.media.play(np.zeros(round(CUSHION * RATE), dtype=np.int16))
        self._until = starts + seconds(len(pcm))
        self._line.busy(self._until)
        self._track.put(starts, pcm)
        await self.media.play(pcm)
        self._listen(starts, pcm)
        return True

    # what the person says, in words

    def _listen(self, starts: float, pcm: Pcm) -> None:
        at = starts - seconds(len(self._left))
        sound = np.concatenate((self._left, pcm))
        whole = len(sound) - len(sound) % FRAME
        self._left = sound[whole:]
        for index in range(0, whole, FRAME):
            self._frame(at + seconds(index), sound[index : index + FRAME])
        if self._silence is not None:
            self._silence.cancel()
        self._silence = asyncio.get_running_loop().call_later(_QUIET, self._finish)

    def _frame(self, at: float, pcm: Pcm) -> None:
        if self._turn is not None:
            self._turn.feed(pcm)
        heard = self._vad.hear(pcm, False)
        if heard.voiced:
            self._voiced_until = at + FRAME_SECONDS
        events = self._floor.frame(at, heard.voiced, heard.tonal)
        self._pre_roll.keep(self._floor.frames_until - FRAME_SECONDS, pcm)
        for event in events:
            if isinstance(event, turns.TurnStarted):
                self._begin_turn(event.started)
            elif isinstance(event, turns.TurnEnded):
                self._end_turn(event.spoken_until)

    def _begin_turn(self, at: float) -> None:
        if self._ears is None:
            self._ears = self._make_ears()
        self._turn_began = at
        self._turn = TurnSound(self._ears, Hints(), lambda words: None)
        for pcm in self._pre_roll.since(at - _BEFORE):
            self._turn.feed(pcm)

    def _end_turn(self, until: float) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        self._line.report(self._turn_began, until)
        doing = self._understand(turn, self._turn_began, self._understood)
        self._understood = self._line.start(doing)

    async def _understand(self, turn: TurnSound, began: float, before: asyncio.Task[None] | None) -> None:
        heard = await turn.finish()
        if before is not None and not before.done():
            await asyncio.wait({before})
        if heard.text:
            now, started = self._line.instant(self._line.now()), self._line.instant(began)
            self._line.say(Operator(now, "spoke", heard.text, started))

    def _finish(self) -> None:
        """No more sound comes for now."""
        self._end_turn(self._voiced_until)
        if self._silence is not None:
            self._silence.cancel()
        before = self._understood
        self._left = self._left[:0]
        self._begin()
        self._understood = before

    def close(self) -> None:
        """The call is over."""
        if self._silence is not None:
            self._silence.cancel()
        if self._turn is not None:
            self._turn.cancel()
