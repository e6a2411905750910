"""The line with a voice: hears turns, speaks sentences, over whatever carries the sound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import numpy as np

from agent.audio.frames import Pcm
from agent.effects import Filler
from agent.hints import Hints
from agent.manner import PLAIN, Manner
from agent.quality import Sound
from agent.requests import Request
from agent.signals import BargeIn, HangUp, Keys, Partial, Signal, Silence, Spoken, Utterance
from agent.speech.ports import Recogniser, Synthesiser, Transcription
from agent.turns import events as turns
from agent.turns.floor import Floor
from agent.turns.rules import Rules
from agent.turns.vad import Heard, VoiceDetector
from agent.turns.voicing import FRAME
from agent.voice.listening import Listening
from agent.voice.media import Frame, Gone, Key, Media, Played
from agent.voice.moments import Moments
from agent.voice.person_voice import PersonVoice, Surroundings
from agent.voice.recording import Recording
from agent.voice.speaking import Reports, Speaker
from agent.voice.turn_sound import PreRoll, Together, TurnSound
from agent.voice.waiting import Waiting
from fhirserver.kernel.instants import Clock, SystemClock

_STALL = 0.1
"""Seconds without a frame after which the line's clock is kept going by silence of our own."""
_NOISE = 0.6
"""A turn without words that is shorter (in seconds) was a noise, not something that was not understood."""
_TOGETHER = 5
"""Frames that are given together to those who listen beside the line."""
_BEFORE = 0.4
"""Seconds before the first voiced frame that a recogniser gets too: the first consonant may have no voice."""
_KEYS_PAUSE = 2.0
"""Seconds after a key in which the next one belongs to the same entry."""


class Detector(Protocol):
    """Tells whether a frame has a voice in it."""

    def hear(self, pcm: Pcm, agent_heard: bool = False) -> Heard: ...


class VoiceLine:
    """A :class:`~agent.line.Line` over a :class:`Media`, which may come later than the line.

    ``voice`` and ``ears`` are usually chains of providers. ``also`` gets every frame and every turn of the caller
    (emotion, speakers) and may never hold the line up. ``person`` is the voice of an operator who holds the call;
    ``person_ears`` makes what hears it, which must not be what hears the caller where that hears one turn at a time.
    """

    in_turns = False

    def __init__(
        self,
        voice: Synthesiser,
        ears: Recogniser,
        clock: Clock | None = None,
        rules: Rules | None = None,
        vad: Detector | None = None,
        on_failure: Callable[[str], None] = lambda name: None,
        person_ears: Callable[[], Recogniser] | None = None,
    ):
        self.recording, self.moments = Recording(), Moments()
        self.transferred = ""
        self.ready = asyncio.Event()
        """The greeting is prepared: the call may be answered."""
        self.closed = asyncio.Event()
        self._ears, self._clock, self.also = ears, clock or SystemClock(), list[Listening]()
        self._floor, self._vad, self._waiting = Floor(rules or Rules()), vad or VoiceDetector(), Waiting()
        reports = Reports(self._speaks, self._quiet, self._spoken, on_failure)
        self._mouth = Speaker(voice, self.now, reports, self.recording)
        self._signals: asyncio.Queue[Signal] = asyncio.Queue()
        self._attached: asyncio.Future[Media | None] = asyncio.get_running_loop().create_future()
        self._media: Media | None = None
        self._time = asyncio.get_running_loop().time
        self._zero = self._time()
        self._epoch = self._clock.now()
        self._offset: float | None = None
        self._heard_at = 0.0
        self._together = Together()
        self._pre_roll = PreRoll()
        self._turn: TurnSound | None = None
        self._understood: asyncio.Task[None] | None = None
        self._hints, self._tier = Hints(), ""
        self._keys, self._keyed_at = "", 0.0
        self._quiet_since: float | None = None
        self._spoke_at = 0.0
        self._stopped_at: float | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone = False
        around = Surroundings(
            self.now, self._instant, lambda: self._mouth.ahead, self._mouth.busy,
            self._signals.put_nowait, self._person_spoke, self._start,
        )  # fmt: skip
        make = person_ears or (lambda: ears)
        self.person = PersonVoice(around, self.recording.agent, make, rules or Rules())

    # the line's clock

    def now(self) -> float:
        """Seconds since the stream began."""
        return self._time() - self._zero

    def heard_until(self) -> float | None:
        """Seconds since the stream began; None once it has ended."""
        return None if self._gone else self.now()

    @property
    def began(self) -> datetime:
        """When the sound began; before that, when the line was made."""
        return self._epoch

    def _instant(self, at: float) -> datetime:
        return self._epoch + timedelta(seconds=at)

    # the carrier's side

    async def attach(self, media: Media) -> None:
        """Run the line over ``media`` until the sound ends; returns when the line is closed."""
        self._zero, self._epoch = self._time(), self._clock.now()
        self._media, self._quiet_since = media, 0.0
        if self._attached.done():
            await media.close()
            return
        self._attached.set_result(media)
        self.person.media = media
        speaking = asyncio.create_task(self._mouth.run(media))
        ticking = asyncio.create_task(self._keep_time())
        try:
            await self._pump(media)
        finally:
            self._gone = True
            self._tell_others()
            cut = self._mouth.unheard()
            if cut is not None:
                self._signals.put_nowait(BargeIn(self._instant(self.now()), cut.heard, cut.turn))
            self._signals.put_nowait(HangUp(self._instant(self.now())))
            for task in (speaking, ticking, *self._tasks):
                task.cancel()
            if self._turn is not None:
                self._turn.cancel()
            self.person.close()
            for listening in self.also:
                listening.close()
            await media.close()
            self.closed.set()

    def abandon(self) -> None:
        """The caller is gone before there was any sound."""
        if not self._attached.done():
            self._attached.set_result(None)
            self._gone = True
            self.closed.set()

    async def _pump(self, media: Media) -> None:
        while True:
            event = await media.receive()
            if isinstance(event, Frame):
                self._hear(self._on_axis(event.at), event.pcm)
            elif isinstance(event, Played):
                self._mouth.played(event.mark)
            elif isinstance(event, Key):
                self._keys, self._keyed_at = self._keys + event.digit, self.now()
            elif isinstance(event, Gone):
                return

    def _on_axis(self, at: float) -> float:
        """The carrier's time on the line's axis: what came fastest shows how far they are apart."""
        apart = self.now() - at
        self._offset = apart if self._offset is None else min(self._offset, apart)
        return at + self._offset

    async def _keep_time(self) -> None:
        """Keep the floor and the waits going when no frames come."""
        while True:
            await asyncio.sleep(_STALL)
            now = self.now()
            if now - self._heard_at > 2 * _STALL:
                self._act(self._floor.tick(now))
                self._tick(now)

    def _hear(self, at: float, pcm: Pcm) -> None:
        self._heard_at = at = max(at, self._heard_at)
        if not self._together.follows(at):
            self._tell_others()
        self._together.add(at, pcm)
        if len(self._together.frames) >= _TOGETHER:
            self._tell_others()
        if self._turn is not None:
            self._turn.feed(pcm)
        self._floor.waits(self._waiting.holding)
        heard = self._vad.hear(pcm, self._floor.agent_heard or self.person.heard())
        events = self._floor.frame(at, heard.voiced, heard.tonal)
        self._pre_roll.keep(self._floor.frames_until - FRAME, pcm)  # on the floor's time, as its events are
        self._act(events)
        self._tick(at)

    def _tell_others(self) -> None:
        """Several frames at once: the recording, and whoever listens beside the line, are in no hurry."""
        if self._together.frames:
            sound = np.concatenate(self._together.frames)
            self.recording.caller.put(self._together.at, sound)
            for listening in self.also:
                listening.hear(sound)
            self._together.frames.clear()

    def _tick(self, at: float) -> None:
        if self._keys and (self._keys.endswith("#") or self.now() - self._keyed_at > _KEYS_PAUSE):
            keys, self._keys = self._keys, ""
            self._waiting.owe(at)
            self._signals.put_nowait(Keys(self._instant(self.now()), keys))
        quiet = None if self._mouth.speaking else self._quiet_since
        filler = self._waiting.due(self.now(), quiet, self._tier)
        if filler is not None:
            self.moments.fillers.append(self.now())
            self._mouth.say(filler.text, 0)

    # turn-taking

    def _act(self, events: Sequence[turns.FloorEvent]) -> None:
        for event in events:
            match event:
                case turns.Pause() | turns.Resume() | turns.BargeIn() if self.person.held:
                    pass  # what a person says, or has said, is not interrupted
                case turns.TurnStarted():
                    self._begin_turn(event.started)
                case turns.TurnEnded():
                    self._end_turn(event)
                case turns.BackChannel():
                    self.moments.back_channels.append(event.started)
                    self._drop_turn()
                case turns.Pause():
                    self._hush(event.at)
                    self._start(self._mouth.pause())
                case turns.Resume():
                    self._start(self._mouth.resume())
                case turns.BargeIn():
                    self.moments.barge_ins.append(event.at)
                    self._start(self._barge_in(event.at))
                case turns.SilenceDue():
                    self._signals.put_nowait(Silence(self._instant(event.at)))
                case turns.Overlap():
                    pass

    def _start(self, doing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _barge_in(self, at: float) -> None:
        cut = await self._mouth.cut()
        if cut is not None:
            self._signals.put_nowait(BargeIn(self._instant(at), cut.heard, cut.turn))

    def _begin_turn(self, at: float) -> None:
        self._mouth.hold()
        if self._turn is None:
            self._turn = TurnSound(self._ears, self._hints, self._partial)
            for pcm in self._pre_roll.since(at - _BEFORE):
                self._turn.feed(pcm)

    def _drop_turn(self) -> None:
        self._mouth.release()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _partial(self, text: str) -> None:
        if self._turn is not None and not self._gone:
            self._act(self._floor.words(self._heard_at, text))
            self._signals.put_nowait(Partial(self._instant(self.now()), text))

    def _end_turn(self, event: turns.TurnEnded) -> None:
        turn, self._turn = self._turn, None
        self._mouth.release()
        if turn is None:
            return
        self.moments.caller.append((event.started, event.spoken_until))
        self._waiting.owe(event.at)
        self._stopped_at = None if self.person.held else event.spoken_until
        self._understood = self._start(self._understand(turn, event, self._understood))

    async def _understand(
        self, turn: TurnSound, event: turns.TurnEnded, before: asyncio.Task[None] | None
    ) -> None:
        heard: Transcription = await turn.finish()
        if before is not None and not before.done():  # turns are told in the order in which they were said
            await asyncio.wait({before})
        self._tell_others()
        for listening in self.also:
            listening.turn(heard.text, self._instant(event.at))
        if not heard.text and event.spoken_until - event.started < _NOISE:
            self._waiting.paid(self.now())
            return
        started = self._instant(event.started)
        self._signals.put_nowait(Utterance(self._instant(self.now()), heard.text, started, heard.confidence))

    def held(self, by_person: bool) -> None:
        if by_person == self.person.held:
            return
        self.person.hold(by_person)
        self._waiting.held(by_person)
        self._stopped_at = None

    def _person_spoke(self, begin: float, end: float) -> None:
        self.moments.operator.append((begin, end))

    # what the speaker reports

    def _speaks(self, at: float, shielded: bool) -> None:
        if self._quiet_since is not None:
            self._spoke_at = at
        self._quiet_since = None
        self.moments.speaks(at, self._stopped_at)
        self._stopped_at = None
        self._act(self._floor.agent_speaks(at, shielded))

    def _hush(self, at: float) -> None:
        """The agent is not heard from now on."""
        if self._quiet_since is None:
            self._quiet_since = at
            self.moments.agent.append((self._spoke_at, at))

    def _quiet(self, at: float) -> None:
        self._hush(at)
        self._act(self._floor.agent_quiet(at))

    def _spoken(self, turn: int, at: float) -> None:
        self._signals.put_nowait(Spoken(self._instant(self.now()), turn, self._instant(at)))

    # the call's side

    async def prepare(self, text: str) -> None:
        await self._mouth.prepare(text)

    async def answered(self) -> bool:
        self.ready.set()
        return await self._attached is not None

    async def say(self, text: str, turn: int, manner: Manner = PLAIN, shielded: bool = False) -> None:
        self._waiting.paid(self.now())
        self._mouth.say(text, turn, manner, shielded)

    async def fill(self, filler: Filler, manner: Manner = PLAIN) -> None:
        self._waiting.offer(filler)

    def working(self, request: Request | None) -> None:
        self._waiting.working(request is not None, self.now())

    def expect(self, hints: Hints) -> None:
        self._hints = hints
        self._floor.expecting(hints.expects)

    def sounds(self) -> tuple[Sound, ...]:
        """Who was heard when."""
        moments = self.moments
        all_three = (("caller", moments.caller), ("agent", moments.agent), ("operator", moments.operator))
        heard = [Sound(who, begun, ended) for who, stretches in all_three for begun, ended in stretches]
        return tuple(sorted(heard, key=lambda one: one.start))

    def feels(self, tier: str) -> None:
        """How the caller's voice sounds: it chooses the words for a wait."""
        self._tier = tier

    async def listen(self) -> Signal:
        return await self._signals.get()

    async def stop(self) -> None:
        await self._mouth.cut()

    async def finish(self) -> None:
        if self._media is None or self._gone:
            return
        ways = {asyncio.ensure_future(self._mouth.drained()), asyncio.ensure_future(self.closed.wait())}
        _, pending = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for one in pending:
            one.cancel()

    async def transfer(self, reason: str) -> None:
        self.transferred = reason
        await self.hang_up()

    async def hang_up(self) -> None:
        self.abandon()
        if self._media is not None:
            await self._media.close()
