"""One Realtime session that hears the caller and says what it is given, in a tone that fits what it heard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from openai import AsyncOpenAI

from agent.audio.frames import Pcm
from agent.hints import Hints
from agent.manner import PLAIN, Manner
from agent.speech.openai.hearing import Hearing, Turn
from agent.speech.openai.prompting import guidance
from agent.speech.openai.recogniser import LOGPROBS
from agent.speech.openai.settings import OpenAiSpeech
from agent.speech.openai.socket import RealtimeSocket
from agent.speech.openai.speaking import Speaking
from agent.speech.openai.synthesiser import voice_session
from agent.speech.ports import OnPartial


class OpenAiSpeechToSpeech:
    """A :class:`~agent.speech.ports.SpeechToSpeech`: what to say is still decided by the brain, and checked."""

    def __init__(self, settings: OpenAiSpeech, client: AsyncOpenAI | None = None):
        self._settings, self._client, self._own = settings, client or settings.client(), client is None
        self._socket = RealtimeSocket(
            self._client, settings.speak_model, self._session, settings.connect_seconds
        )
        self._hearing = Hearing(self._socket, self._guide, settings.finish_seconds, self.name)
        self._speaking = Speaking(
            self._socket,
            settings.first_sound_seconds,
            settings.gap_seconds,
            lambda: self._hearing.last_item,
        )

    @property
    def name(self) -> str:
        return "openai"

    def _guide(self, hints: Hints) -> dict[str, Any]:
        return guidance(self._settings.hear_model, self._settings.language, hints)

    def _session(self) -> dict[str, Any]:
        session = voice_session(self._settings)
        session["audio"]["input"]["transcription"] = self._hearing.transcription
        return session | {"include": [LOGPROBS]}

    async def prepare(self) -> None:
        """Open the session while it rings. Raises SpeechFailed."""
        await self._socket.ensure()

    async def open(self, hints: Hints, on_partial: OnPartial | None = None) -> Turn:
        """Begin a turn. Raises SpeechFailed."""
        return await self._hearing.open(hints, on_partial)

    def speak(self, text: str, manner: Manner = PLAIN) -> AsyncIterator[Pcm]:
        """The sound of one sentence, word for word. Raises SpeechFailed, Reworded."""
        return self._speaking.speak(text, manner)

    async def close(self) -> None:
        """End the session."""
        await self._socket.close()
        if self._own:
            await self._client.close()
