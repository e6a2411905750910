"""Where in a conversation something was said: the turns around a quote, with the quoted words marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from fhirserver.kernel.instants import instant
from fhirserver.ports.judge import Evidence, Turn
from fhirserver.store.store import Store
from fhirserver.store.transcripts import transcript_of


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of a turn; ``quoted`` where the finding rests on it."""

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """One turn as it is shown; ``offset`` is the time since the first turn, such as ``1:07``."""

    number: int
    speaker: str
    offset: str
    at: str
    words: Sequence[Words]

    @property
    def quoted(self) -> bool:
        return any(part.quoted for part in self.words)


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation's turns, with what is quoted marked."""

    conversation: str
    turns: Sequence[Heard]

    @property
    def is_form(self) -> bool:
        """Whether it is a form: its questions and answers stand there as turns."""
        return self.conversation.startswith("QuestionnaireResponse/")


async def transcript(
    store: Store, conversation: str, quotes: Mapping[int, Sequence[str]]
) -> Transcript | None:
    """The transcript of a conversation (``Communication/id``) with quotes by turn; None where there is none."""
    heard = await transcript_of(store, conversation) if conversation else None
    return Transcript(conversation, _turns(heard, quotes)) if heard else None


def _turns(heard: Evidence, quotes: Mapping[int, Sequence[str]]) -> list[Heard]:
    start = heard.turns[0].at if heard.turns else None
    return [_turn(turn, turn.at - start if start else timedelta(0), quotes) for turn in heard.turns]


def _turn(turn: Turn, since: timedelta, quotes: Mapping[int, Sequence[str]]) -> Heard:
    seconds = max(0, int(since.total_seconds()))
    words = marked(turn.text, quotes.get(turn.number, ()))
    return Heard(turn.number, turn.speaker, f"{seconds // 60}:{seconds % 60:02}", instant(turn.at), words)


def marked(text: str, quotes: Sequence[str]) -> list[Words]:
    """A turn's text with the quoted words marked; all of it where a quote is not in it word for word."""
    if not quotes:
        return [Words(text)]
    spans = [_place(text, quote) for quote in quotes]
    if any(span is None for span in spans):
        return [Words(text, True)]
    parts: list[Words] = []
    at = 0
    for begin, end in sorted(span for span in spans if span):
        if end > at:
            parts += [Words(text[at:begin]), Words(text[max(at, begin) : end], True)]
            at = end
    return [part for part in (*parts, Words(text[at:])) if part.text]


def _place(text: str, quote: str) -> tuple[int, int] | None:
    at = text.casefold().find(quote.casefold().strip(" …."))
    return (at, at + len(quote.strip(" …."))) if at >= 0 and quote.strip(" ….") else None
