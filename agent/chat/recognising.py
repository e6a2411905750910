"""The port of what reads text in a picture: of an insurance card, say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Recognised:
    """What was read. ``text`` are the lines as they stand there; ``said`` what the patient would have said of it
    ("My insurance is Aetna, the member ID is W 1 2 3"), empty where there is nothing to say: it goes into the
    conversation in place of words, with ``confidence`` (0 to 1) and the picture as evidence, and is read back."""

    text: str = ""
    said: str = ""
    confidence: float = 0.4


class Recognises(Protocol):
    """Reads text in pictures and documents."""

    async def recognise(self, content: bytes, content_type: str) -> Recognised:
        """Never raises: what cannot be read is nothing."""
        ...


class RecognisesNothing:
    """Where there is no recogniser."""

    async def recognise(self, content: bytes, content_type: str) -> Recognised:
        return Recognised()
