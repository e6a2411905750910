"""Who hears and who speaks, from the settings: for each call a chain of providers.

The local ones are processes that all calls share. One that a company runs is reached by a session of the call's own,
which is told nothing of another caller.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.speech.chain import RecogniserChain, SynthesiserChain
from agent.speech.ports import FileTranscriber, Recogniser, SpeechFailed, Synthesiser
from agent.speech.trouble import SpeechTrouble
from fhirserver.app.settings import Settings
from fhirserver.app.speech_settings import LOCAL, OPENAI

if TYPE_CHECKING:
    from agent.speech.openai.recogniser import OpenAiRecogniser
    from agent.speech.openai.synthesiser import OpenAiSynthesiser

log = logging.getLogger("credence.voice")


@dataclass
class CallSpeech:
    """The voice and the ears of one call. ``own``: providers that end with it."""

    voice: SynthesiserChain
    ears: RecogniserChain
    own: list[Recogniser | Synthesiser]
    prepares: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    async def prepare(self) -> None:
        """Open the call's own sessions while it rings; one that fails is tried again when it is needed."""
        await asyncio.gather(*(prepare() for prepare in self.prepares), return_exceptions=True)

    async def close(self) -> None:
        """The call is over."""
        await asyncio.gather(*(one.close() for one in self.own), return_exceptions=True)


@dataclass
class Speech:
    """What the calls share: the local voice and ears, in processes of their own."""

    settings: Settings
    voices: list[Synthesiser] = field(default_factory=list)
    ears: list[Recogniser] = field(default_factory=list)
    starts: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if LOCAL in self.settings.speech.providers:
            self._add_local()

    def _add_local(self) -> None:
        from agent.speech.local.espeak import EspeakSynthesiser
        from agent.speech.local.sphinx import SphinxRecogniser

        voice, ears = EspeakSynthesiser(), SphinxRecogniser()
        self.voices.append(voice)
        self.ears.append(ears)
        self.starts += [voice.start, ears.start]

    async def start(self) -> None:
        """Start the local processes. One that does not start is told; the chain goes on without it."""
        for result in await asyncio.gather(*(start() for start in self.starts), return_exceptions=True):
            if isinstance(result, SpeechFailed):
                log.error("local speech did not start; 'credence doctor' says what is missing")
            elif isinstance(result, BaseException):
                raise result

    async def close(self) -> None:
        """End the local processes."""
        both: list[Recogniser | Synthesiser] = [*self.voices, *self.ears]
        await asyncio.gather(*(one.close() for one in both), return_exceptions=True)

    def for_call(self) -> CallSpeech:
        """The chains of one call, in the order of ``[speech] providers``."""
        voices: list[Synthesiser] = []
        ears: list[Recogniser] = []
        own: list[Recogniser | Synthesiser] = []
        prepares: list[Callable[[], Awaitable[None]]] = []
        for name in self.settings.speech.providers:
            if name == LOCAL:
                voices += self.voices
                ears += self.ears
            elif name == OPENAI:
                voice, ear = _openai(self.settings)
                voices.append(voice)
                ears.append(ear)
                own += [voice, ear]
                prepares += [voice.prepare, ear.prepare]
        voice_chain = SynthesiserChain(voices, on_trouble=_tell)
        return CallSpeech(voice_chain, RecogniserChain(ears, on_trouble=_tell), own, prepares)

    def more_ears(self, speech: CallSpeech) -> RecogniserChain:
        """Ears for another voice on the same call, closed with it; a company's session hears one voice at a time."""
        another = self.for_call()
        speech.own += another.own
        return another.ears


def second_ears(settings: Settings) -> Callable[[], FileTranscriber] | None:
    """What hears recordings again after a call: OpenAI's transcription, where it is among the providers."""
    if not settings.speech.asks_openai:
        return None

    def make() -> FileTranscriber:
        from agent.speech.openai.files import OpenAiFileTranscriber

        return OpenAiFileTranscriber(settings.speech.openai())

    return make


def _openai(settings: Settings) -> tuple[OpenAiSynthesiser, OpenAiRecogniser]:
    from agent.speech.openai.recogniser import OpenAiRecogniser
    from agent.speech.openai.synthesiser import OpenAiSynthesiser

    reached = settings.speech.openai()
    return OpenAiSynthesiser(reached), OpenAiRecogniser(reached)


def _tell(trouble: SpeechTrouble) -> None:
    log.warning("speech by %s: %s", trouble.provider, trouble.what)
