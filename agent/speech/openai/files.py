"""Speech to text of a recording, after the call: the transcription endpoint."""

from __future__ import annotations

import io
import wave

from openai import AsyncOpenAI, OpenAIError

from agent.audio.frames import RATE, Pcm, to_bytes
from agent.hints import Hints
from agent.speech.openai.failures import failed
from agent.speech.openai.prompting import guidance
from agent.speech.openai.settings import OpenAiSpeech
from agent.speech.ports import SpeechFailed, Transcription

_UNSTATED = 0.85
_LONGEST = RATE * 60 * 20
"""Samples of one request (20 minutes, 19 MB); the endpoint takes 25 MB."""


class OpenAiFileTranscriber:
    """A :class:`~agent.speech.ports.FileTranscriber`. The model gives neither times nor probabilities."""

    def __init__(self, settings: OpenAiSpeech, client: AsyncOpenAI | None = None):
        self._settings, self._client, self._own = settings, client or settings.client(), client is None

    @property
    def name(self) -> str:
        return "openai"

    async def transcribe(self, pcm: Pcm, hints: Hints) -> Transcription:
        """The words of one speaker's channel. Raises SpeechFailed."""
        texts = [await self._piece(pcm[at : at + _LONGEST], hints) for at in range(0, len(pcm), _LONGEST)]
        text = " ".join(text for text in texts if text)
        return Transcription(text, _UNSTATED if text else 0.0, (), self.name)

    async def _piece(self, pcm: Pcm, hints: Hints) -> str:
        told = guidance(self._settings.file_model, self._settings.language, hints)
        try:
            answer = await self._client.audio.transcriptions.create(
                file=("call.wav", _wav(pcm), "audio/wav"),
                response_format="json",
                timeout=self._settings.file_seconds,
                **told,
            )
        except OpenAIError as error:
            raise failed(error) from None
        text = getattr(answer, "text", None)
        if not isinstance(text, str):
            raise SpeechFailed("OpenAI: an answer without text")
        return text.strip()

    async def close(self) -> None:
        """Close the connections."""
        if self._own:
            await self._client.close()


def _wav(pcm: Pcm) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(to_bytes(pcm))
    return data.getvalue()
