"""The port of what reads the words of a picture, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Word:
    """A word where it stands: pixels of the upright picture, ``confidence`` 0 to 1."""

    text: str
    left: float
    top: float
    width: float
    height: float
    confidence: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


class NotRead(RuntimeError):
    """No words were read; the message says why without any content. ``code``: ``unavailable`` (nothing here can
    read), ``broken`` (the picture cannot be decoded), ``late`` (it took too long), ``failed``."""

    def __init__(self, code: str, text: str):
        super().__init__(text)
        self.code = code


class TextRecogniser(Protocol):
    """Optical character recognition."""

    async def words(self, data: bytes) -> tuple[Word, ...]:
        """The words of a JPEG, PNG or the first page of a PDF. Raises :class:`NotRead`."""
        ...


class Illiterate:
    """A :class:`TextRecogniser` for where there is none: every picture waits for a person."""

    async def words(self, data: bytes) -> tuple[Word, ...]:
        raise NotRead("unavailable", "nothing here reads the text of pictures")
