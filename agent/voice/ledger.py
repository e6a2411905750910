"""What has been sent to the carrier and how much of it the caller has heard. Pure: times are arguments.

The carrier plays what it is sent one piece after the other. A mark behind every piece comes back when the piece has
been played; between marks the clock tells. All times are seconds on the line's axis.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agent.audio.frames import RATE, Pcm, seconds

_SECOND_LOOK = 0.06
"""How far back speech begins again after a pause: the consonant that was cut is said whole."""
_LETTER = round(0.065 * RATE)
"""Samples a letter takes to say, about: for a sentence whose length is not known yet."""


@dataclass(eq=False)
class Sentence:
    """One sentence of one turn; ``turn`` 0 is a word for a wait, which no history keeps.

    ``samples`` is its length as far as it was sent, ``heard`` as far as marks say it was played; ``whole`` when what
    was sent is all of it; ``dropped`` when it is not wanted any more.
    """

    text: str
    turn: int
    shielded: bool = False
    samples: int = 0
    heard: int = 0
    whole: bool = False
    dropped: bool = False


@dataclass(eq=False)
class Piece:
    """A stretch of a sentence at the carrier; ``mark`` is the name that comes back."""

    sentence: Sentence
    pcm: Pcm
    offset: int
    mark: str
    starts: float
    played: bool = False

    @property
    def ends(self) -> float:
        return self.starts + seconds(len(self.pcm))


@dataclass
class Ledger:
    """The pieces of the sentences that are spoken now, in order."""

    pieces: list[Piece] = field(default_factory=list)
    said: list[Sentence] = field(default_factory=list)
    """Sentences of the last turns, heard or being heard, in order."""
    busy: float = 0.0
    """Until when the carrier plays other sound than what stands here."""
    _count: int = 0

    def send(self, sentence: Sentence, pcm: Pcm, now: float) -> Piece:
        """A piece goes out at ``now``; it is heard after those before it."""
        self._count += 1
        starts = max(now, self.pieces[-1].ends if self.pieces else self.busy)
        piece = Piece(sentence, pcm, sentence.samples, f"p{self._count}", starts)
        sentence.samples += len(pcm)
        self.pieces.append(piece)
        if sentence not in self.said:
            self.said.append(sentence)
        return piece

    def played(self, mark: str, now: float) -> None:
        """A mark came back: that piece has been heard, and the clock of those behind it is set right."""
        index = next((i for i, p in enumerate(self.pieces) if p.mark == mark), None)
        if index is None:
            return
        for piece in self.pieces[: index + 1]:
            piece.played = True
            piece.sentence.heard = max(piece.sentence.heard, piece.offset + len(piece.pcm))
        late = now - self.pieces[index].ends
        for piece in self.pieces[index + 1 :]:
            piece.starts += late
        self._forget()

    def _forget(self) -> None:
        while self.pieces and self.pieces[0].played:
            del self.pieces[0]

    def until(self) -> float:
        """When all that was sent will have been heard; 0.0 when nothing is left."""
        return self.pieces[-1].ends if self.pieces else 0.0

    @property
    def idle(self) -> bool:
        return not self.pieces

    @property
    def shielded(self) -> bool:
        """What is being heard is said to its end."""
        return bool(self.pieces) and self.pieces[0].sentence.shielded

    def take_back(self, now: float) -> list[tuple[Sentence, Pcm]]:
        """The carrier drops what it has at ``now``: what was not heard, to be sent again or forgotten."""
        left: list[tuple[Sentence, Pcm]] = []
        for piece in self.pieces:
            heard = self._heard_of(piece, now)
            if heard >= len(piece.pcm):
                continue
            begin = max(heard - round(_SECOND_LOOK * RATE), 0)
            rest = piece.pcm[begin:]
            if left and left[-1][0] is piece.sentence:
                left[-1] = (piece.sentence, np.concatenate((left[-1][1], rest)))
            else:
                piece.sentence.samples = piece.offset + begin
                left.append((piece.sentence, rest))
        self.pieces.clear()
        return left

    def _heard_of(self, piece: Piece, now: float) -> int:
        if piece.played:
            return len(piece.pcm)
        return int(min(max((now - piece.starts) * RATE, 0), len(piece.pcm)))

    def heard(self, turn: int, now: float, shielded: bool = False) -> str:
        """The words of ``turn`` that the caller has heard by ``now``; ``shielded``: and those that are said to their
        end whatever comes. To be asked before :meth:`take_back`."""
        of_turn = (s for s in self.said if s.turn == turn)
        texts = (s.text if shielded and s.shielded else self._heard_text(s, now) for s in of_turn)
        return " ".join(filter(None, texts))

    def _heard_text(self, sentence: Sentence, now: float) -> str:
        heard = sentence.heard
        for piece in (p for p in self.pieces if p.sentence is sentence):
            part = self._heard_of(piece, now)
            heard = max(heard, piece.offset + part if part else 0)
        length = sentence.samples if sentence.whole else max(sentence.samples, len(sentence.text) * _LETTER)
        return _first_words(sentence.text, heard / length if length else 0.0)

    def current(self, now: float) -> int:
        """The turn that is being heard at ``now``; 0 for none and for a word for a wait."""
        for piece in self.pieces:
            if piece.sentence.turn and not piece.played and now < piece.ends:
                return piece.sentence.turn
        return 0

    def forget_before(self, turn: int) -> None:
        """Turns before this one are history."""
        self.said = [s for s in self.said if s.turn >= turn]


def _first_words(text: str, share: float) -> str:
    """The words that lie whole in the first ``share`` of a sentence, by their letters."""
    if share >= 0.995:
        return text
    limit = share * len(text)
    kept, at = [], 0
    for word in text.split():
        at += len(word) + 1
        if at - 1 > limit:
            break
        kept.append(word)
    return " ".join(kept)
