"""Text to speech by a Realtime model that reads aloud what it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from openai import AsyncOpenAI

from agent.audio.frames import Pcm
from agent.manner import PLAIN, Manner
from agent.speech.openai.hearing import PCMU
from agent.speech.openai.prompting import instructions
from agent.speech.openai.settings import OpenAiSpeech
from agent.speech.openai.socket import RealtimeSocket
from agent.speech.openai.speaking import Speaking


class OpenAiSynthesiser:
    """A :class:`~agent.speech.ports.Synthesiser`; ``speak`` also raises :class:`~agent.speech.ports.Reworded`."""

    def __init__(self, settings: OpenAiSpeech, client: AsyncOpenAI | None = None):
        self._settings, self._client, self._own = settings, client or settings.client(), client is None
        self._socket = RealtimeSocket(
            self._client, settings.speak_model, lambda: voice_session(settings), settings.connect_seconds
        )
        self._speaking = Speaking(self._socket, settings.first_sound_seconds, settings.gap_seconds)

    @property
    def name(self) -> str:
        return "openai"

    async def prepare(self) -> None:
        """Open the session while it rings. Raises SpeechFailed."""
        await self._socket.ensure()

    def speak(self, text: str, manner: Manner = PLAIN) -> AsyncIterator[Pcm]:
        """The sound of one sentence, word for word. Raises SpeechFailed, Reworded."""
        return self._speaking.speak(text, manner)

    async def close(self) -> None:
        """End the session."""
        await self._socket.close()
        if self._own:
            await self._client.close()


def voice_session(settings: OpenAiSpeech) -> dict[str, Any]:
    """A session that speaks when it is told to, and only then."""
    session: dict[str, Any] = {
        "type": "realtime",
        "model": settings.speak_model,
        "instructions": instructions(PLAIN),
        "output_modalities": ["audio"],
        "audio": {
            "input": {"format": PCMU, "turn_detection": None},
            "output": {"format": PCMU, "voice": settings.voice},
        },
    }
    return session | ({"reasoning": {"effort": settings.reasoning}} if settings.reasoning else {})
