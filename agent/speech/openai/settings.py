"""How OpenAI's speech is reached, and which models are asked."""

from __future__ import annotations

from dataclasses import dataclass

from openai import AsyncOpenAI

URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True, repr=False)
class OpenAiSpeech:
    """``key`` is never shown. ``websocket_url``: base of the Realtime API, empty for that of ``url``.

    Seconds: ``connect`` for a connection and its session, ``finish`` from the end of a turn to its words,
    ``first_sound`` from a sentence to its first sound or word, ``gap`` between pieces, ``file`` for a recording.
    """

    key: str
    url: str = URL
    websocket_url: str = ""
    hear_model: str = "gpt-live-transcribe"
    speak_model: str = "gpt-realtime-2.1"
    file_model: str = "gpt-transcribe"
    voice: str = "marin"
    reasoning: str = "minimal"
    language: str = "en"
    connect_seconds: float = 3.0
    finish_seconds: float = 3.0
    first_sound_seconds: float = 2.5
    gap_seconds: float = 2.0
    file_seconds: float = 300.0

    def __repr__(self) -> str:
        return f"OpenAiSpeech(url={self.url!r}, hear={self.hear_model!r}, speak={self.speak_model!r})"

    def client(self) -> AsyncOpenAI:
        """A client of the SDK."""
        socket = self.websocket_url or None
        return AsyncOpenAI(
            api_key=self.key,
            base_url=self.url,
            websocket_base_url=socket,
            timeout=self.file_seconds,
            max_retries=2,
        )
