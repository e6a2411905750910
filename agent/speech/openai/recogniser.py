"""Streaming speech to text: a Realtime transcription session."""

from __future__ import annotations

from typing import Any

from openai import AsyncOpenAI

from agent.hints import Hints
from agent.speech.openai.hearing import PCMU, Hearing, Turn
from agent.speech.openai.prompting import guidance
from agent.speech.openai.settings import OpenAiSpeech
from agent.speech.openai.socket import RealtimeSocket
from agent.speech.ports import OnPartial

LOGPROBS = "item.input_audio_transcription.logprobs"


class OpenAiRecogniser:
    """A :class:`~agent.speech.ports.Recogniser` for one call: its session hears that call's hints only."""

    def __init__(self, settings: OpenAiSpeech, client: AsyncOpenAI | None = None):
        self._settings, self._client, self._own = settings, client or settings.client(), client is None
        self._socket = RealtimeSocket(self._client, None, self._session, settings.connect_seconds)
        self._hearing = Hearing(self._socket, self._guide, settings.finish_seconds, self.name)

    @property
    def name(self) -> str:
        return "openai"

    def _guide(self, hints: Hints) -> dict[str, Any]:
        return guidance(self._settings.hear_model, self._settings.language, hints)

    def _session(self) -> dict[str, Any]:
        sound = {"format": PCMU, "transcription": self._hearing.transcription, "turn_detection": None}
        return {"type": "transcription", "audio": {"input": sound}, "include": [LOGPROBS]}

    async def prepare(self) -> None:
        """Open the session while it rings. Raises SpeechFailed."""
        await self._socket.ensure()

    async def open(self, hints: Hints, on_partial: OnPartial | None = None) -> Turn:
        """Begin a turn. Raises SpeechFailed."""
        return await self._hearing.open(hints, on_partial)

    async def close(self) -> None:
        """End the session."""
        await self._socket.close()
        if self._own:
            await self._client.close()
