"""How the language model is reached."""

from __future__ import annotations

from dataclasses import dataclass

from openai import AsyncOpenAI


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """``key`` is never shown. ``timeout`` in seconds for one try; ``retries`` after the first; ``daily_tokens``:
    what may be spent in 24 hours, both ways together."""

    key: str
    model: str = "gpt-6-luna"
    url: str = "https://api.openai.com/v1"
    timeout: float = 20.0
    retries: int = 2
    daily_tokens: int = 2_000_000

    def __repr__(self) -> str:
        return f"ModelSettings(model={self.model!r}, url={self.url!r})"

    def client(self) -> AsyncOpenAI:
        """A client of the SDK; it retries what may be tried again, and honours ``Retry-After``."""
        return AsyncOpenAI(
            api_key=self.key, base_url=self.url, timeout=self.timeout, max_retries=self.retries
        )
