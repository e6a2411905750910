"""What all calls of one process share, and how a call is put together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

from agent.brain import Brain
from agent.call import Call, Model
from agent.chat.card_pictures import CardPictures
from agent.definition.loading import Definitions
from agent.emotion.analyst import Analyst
from agent.emotion.listener import EmotionListener
from agent.emotion.speakers import SpeakerListener
from agent.emotion.track import Track
from agent.emotion.voices import Vector
from agent.insisting import Insisting
from agent.line import Line
from agent.live.board import LiveBoard
from agent.live.bridge import SoundBridge
from agent.live.ear import RecordingEar
from agent.memory import Setting
from agent.signals import Emotion
from agent.telephony.incoming import Incoming
from agent.telephony.media_files import MediaFiles
from agent.telephony.pictured import Pictured
from agent.telephony.texting import TextLine
from agent.tools.client import FhirClient
from agent.turns.rules import Rules
from agent.voice.after_sound import AfterCall
from agent.voice.archive import Archive
from agent.voice.voice_call import VoiceCall
from agent.voice.voice_line import VoiceLine
from agent.voice.written_sound import WrittenSoundLine
from fhirserver.app.agent_setting import setting_of
from fhirserver.app.settings import Settings
from fhirserver.app.voice.speech import Speech, second_ears
from fhirserver.kernel.instants import Clock, SystemClock

log = logging.getLogger("credence.voice")
_LOOK_SECONDS = 0.5


@dataclass
class Room:
    """Makes calls ready. ``speech`` and ``analyst`` (None: moods are not listened for) outlive the calls, as does
    ``voices`` (None: voices are not told apart)."""

    settings: Settings
    client: FhirClient
    board: LiveBoard
    speech: Speech
    analyst: Analyst[Track] | None = None
    voices: Analyst[Vector] | None = None
    model: Model | None = None
    """The language model that leads calls; None: the policy does."""
    clock: Clock = field(default_factory=SystemClock)
    think: Callable[[Setting, datetime], Brain] | None = None
    """Makes the brain of a call in place of what the settings say."""
    setting: Setting | None = None
    """In place of what ``[voice]`` says."""
    insisting: Insisting = field(default_factory=Insisting)
    """Keeps at what must not be forgotten, also when the call is over."""

    def __post_init__(self) -> None:
        chosen = self.settings.voice
        self._cards = CardPictures()
        self._archive = Archive(chosen.recordings) if chosen.recordings else None
        self._rules = Rules(**self.settings.turns)
        self.definitions = Definitions(self.client, self.setting or setting_of(self.settings))

    async def look(self) -> None:
        """Know which agents are in force before a call is made ready; a caller waits for that only so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self.definitions.fresh()

    def make(self, incoming: Incoming) -> VoiceCall:
        """A call that is ringing: its look-ups and its greeting begin when it is run."""
        return self._written(incoming) if self.settings.speech.is_written else self._sounding(incoming)

    def _written(self, incoming: Incoming) -> VoiceCall:
        """The same of a drill, in which words stand in the place of sound."""
        line = WrittenSoundLine(self.clock)
        setting = replace(self.definitions.of_number(incoming.called), errand=incoming.errand)
        call = Call(
            self.client, line, incoming.caller, setting, self.clock, brain=self._brain(setting),
            model=self._model(setting), ring_seconds=self.settings.voice.ring_seconds, carried=incoming.id,
            insisting=self.insisting,
        )  # fmt: skip
        attended = self.board.register(call, incoming.id)
        after = AfterCall(call, False, None, self._sound_url, _nothing)
        # what is done with sound afterwards is done for recorded calls only, and this one is none
        return VoiceCall(call, cast(VoiceLine, line), after, lambda: self.board.run(attended))

    def _sounding(self, incoming: Incoming) -> VoiceCall:
        speech = self.speech.for_call()
        line = VoiceLine(
            speech.voice, speech.ears, self.clock, self._rules, on_failure=_unsaid,
            person_ears=lambda: self.speech.more_ears(speech),
        )  # fmt: skip
        setting = replace(self.definitions.of_number(incoming.called), errand=incoming.errand)
        call = Call(
            self.client,
            line,
            incoming.caller,
            setting,
            self.clock,
            brain=self._brain(setting),
            model=self._model(setting),
            ring_seconds=self.settings.voice.ring_seconds,
            notice=incoming.notice if incoming.recorded else "",
            carried=incoming.id,
            insisting=self.insisting,
        )
        self._listen(call, line)
        ear = RecordingEar(line.recording, line.heard_until)
        attended = self.board.register(call, incoming.id, SoundBridge(ear, line.person), ear)
        after = AfterCall(
            call, incoming.recorded, self._archive, self._sound_url, speech.close, second_ears(self.settings)
        )
        return VoiceCall(call, line, after, lambda: self.board.run(attended), speech.prepare)

    async def converse(self, incoming: Incoming, line: Line) -> None:
        """A conversation by text messages, from the first to its record."""
        await self.look()
        setting = self.definitions.of_number(incoming.called, texts=True)
        call = Call(
            self.client, line, incoming.caller, setting, self.clock, medium="SMSWRIT", title="Text messages",
            brain=self._brain(setting), model=self._model(setting), carried=incoming.id, insisting=self.insisting,
        )  # fmt: skip
        if isinstance(line, TextLine) and self.settings.telephony is not None:
            files = MediaFiles(self.settings.telephony)
            line.look = Pictured(call, incoming.id, files, self._cards).look
        await self.board.attend(call, incoming.id)

    def _brain(self, setting: Setting) -> Brain | None:
        now = self.clock.now()
        if self.think is not None:
            return self.think(setting, now)
        return self.settings.llm.brain(setting, now) if self._model(setting) is not None else None

    def _model(self, setting: Setting) -> Model | None:
        """The language model, where there is one and the agent of this call would have it lead."""
        return None if setting.brain == "policy" else self.model

    def _listen(self, call: Call, line: VoiceLine) -> None:
        """How the caller's voice sounds goes into the call, and into the words for a wait."""
        if self.voices is not None:
            line.also.append(SpeakerListener(self.voices, call.put))
        if self.analyst is None:
            return

        def feel(emotion: Emotion) -> None:
            line.feels(emotion.tier)
            call.put(emotion)

        line.also.append(EmotionListener(self.analyst, feel))

    def _sound_url(self, call: str) -> str:
        return f"{self.settings.fhir_base.removesuffix('/fhir')}/recordings/{call}.wav"


async def _nothing() -> None:
    """No speech is to be ended."""


def _unsaid(name: str) -> None:
    log.error("no voice could say a sentence (%s)", name)
