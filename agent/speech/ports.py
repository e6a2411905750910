"""The ports of speech: what turns sound into words, words into sound, and both at once.

Sound is always :data:`~agent.audio.frames.Pcm` (16 bit, 8,000 samples a second, one channel). A provider that
fails says so by :class:`SpeechFailed` and nothing else; what to do about it is the chain's business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from agent.audio.frames import Pcm
from agent.hints import Hints
from agent.manner import PLAIN, Manner


class SpeechFailed(Exception):
    """The provider could not do it; the message carries no words of the call."""


class Reworded(SpeechFailed):
    """A speech model said something else than it was given. ``begun``: some of its sound has been handed out."""

    def __init__(self, begun: bool):
        super().__init__("the model did not say what it was given")
        self.begun = begun


@dataclass(frozen=True, slots=True)
class Word:
    """One word and when it was said, in seconds from the first sample fed."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcription:
    """What was heard. ``confidence`` is 0 to 1; ``words`` may be empty where the provider gives no times."""

    text: str
    confidence: float
    words: tuple[Word, ...] = ()
    provider: str = ""


OnPartial: TypeAlias = Callable[[str], None]
"""Takes the words heard so far in the turn."""


class Recognition(Protocol):
    """One turn of one caller."""

    def feed(self, pcm: Pcm) -> None:
        """Take sound; returns at once."""
        ...

    async def finish(self) -> Transcription:
        """No more sound comes: the final words, soon. Raises SpeechFailed."""
        ...

    def cancel(self) -> None:
        """The turn is not wanted any more."""
        ...


class Recogniser(Protocol):
    """Speech to text."""

    @property
    def name(self) -> str: ...

    async def open(self, hints: Hints, on_partial: OnPartial | None = None) -> Recognition:
        """Begin a turn. Raises SpeechFailed."""
        ...

    async def close(self) -> None: ...


class FileTranscriber(Protocol):
    """Speech to text of a recording, when there is time: after the call."""

    @property
    def name(self) -> str: ...

    async def transcribe(self, pcm: Pcm, hints: Hints) -> Transcription:
        """The words of one speaker's channel. Raises SpeechFailed."""
        ...

    async def close(self) -> None: ...


class Synthesiser(Protocol):
    """Text to speech."""

    @property
    def name(self) -> str: ...

    def speak(self, text: str, manner: Manner = PLAIN) -> AsyncIterator[Pcm]:
        """The sound of one sentence in pieces, the first as soon as it is there. Raises SpeechFailed."""
        ...

    async def close(self) -> None: ...


class SpeechToSpeech(Protocol):
    """A model that hears and speaks by itself, held to the words it is given.

    ``speak`` must be checked by the caller of the port: a speech model may reword.
    """

    @property
    def name(self) -> str: ...

    async def open(self, hints: Hints, on_partial: OnPartial | None = None) -> Recognition: ...

    def speak(self, text: str, manner: Manner = PLAIN) -> AsyncIterator[Pcm]: ...

    async def close(self) -> None: ...
