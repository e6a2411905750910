"""What the user is shown of what the agent does: events made of effects."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.chat.diary import Told
from agent.effects import Effect, RunTool, Say, Transfer
from agent.llm.requests import AskModel
from agent.session import Session
from agent.signals import Drafted, Operator, Signal, ToolResult

_WORD = re.compile(r"\s*\S+")


def words(text: str) -> list[str]:
    """The pieces in which a text is shown; joined they are the text."""
    found = _WORD.findall(text)
    return [*found[:-1], text[len("".join(found[:-1])) :]] if found else []


class Telling:
    """Of one conversation. A reply that comes by sentences is one message, told when it is whole."""

    def __init__(self, session: Session):
        self._session = session
        self._open: tuple[int, list[str]] | None = None
        self._typing = False
        self._models: set[int] = set()

    def reopen(self, turn: int, texts: list[str]) -> None:
        """Words of this turn were told, and the message was not."""
        self._open = (turn, texts)

    def goes_on(self, signal: Signal) -> bool:
        """Whether what is being said may go on: a language model is still at work."""
        return isinstance(signal, Drafted) or bool(self._models)

    def of(self, signal: Signal, effects: Sequence[Effect]) -> list[Told]:
        """The events of what is done about a signal."""
        told: list[Told] = []
        if isinstance(signal, ToolResult):
            self._models.discard(signal.id)
        if isinstance(signal, Operator) and signal.action in ("take_over", "hand_back"):
            told.append(("state", {"state": "person" if signal.action == "take_over" else "agent"}))
        for effect in effects:
            if isinstance(effect, Say):
                told += self._said(effect)
            elif isinstance(effect, RunTool):
                if isinstance(effect.request, AskModel):
                    self._models.add(effect.id)
                told += self._types()
            elif isinstance(effect, Transfer) and self._session.waiting:
                told.append(("state", {"state": "waiting"}))
        return told

    def _said(self, say: Say) -> list[Told]:
        turns = self._session.transcript.turns
        if turns[say.turn - 1].speaker == "operator":
            return [*self.whole(), ("message", {"from": "operator", "turn": say.turn, "text": say.text})]
        self._typing = False
        if self._open is not None and self._open[0] == say.turn:
            self._open[1].append(say.text)
            return [("token", {"turn": say.turn, "texts": words(f" {say.text}")})]
        before = self.whole()
        self._open = (say.turn, [say.text])
        return [*before, ("token", {"turn": say.turn, "texts": words(say.text)})]

    def _types(self) -> list[Told]:
        if self._typing:
            return []
        self._typing = True
        return [("typing", {})]

    def whole(self) -> list[Told]:
        """The message whose words were told so far; nothing where it was told already."""
        if self._open is None:
            return []
        (turn, texts), self._open = self._open, None
        return [("message", {"from": "agent", "turn": turn, "text": " ".join(texts)})]

    def done(self) -> None:
        """It is the user's turn."""
        self._typing = False
