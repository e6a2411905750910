"""What a piece of business has at hand: the memory of the call, words to say, tools to run."""

from __future__ import annotations

from typing import Protocol

from agent.effects import Effect, End, Escalate, Filler, RunTool, Say, Transfer
from agent.hearing import Heard
from agent.memory import Done, Memory, Pending
from agent.requests import Request
from agent.results import Result
from agent.wording import Wording

_SHIELDED = frozenset(("emergency", "self_harm"))


class Business(Protocol):
    """One thing the caller wants: a small state machine over what is heard and what tools answer."""

    kind: str
    state: str
    finished: bool

    def begin(self, desk: Desk, heard: Heard) -> None:
        """Start, reading what ``heard`` already says about the matter."""
        ...

    def hear(self, desk: Desk, heard: Heard) -> bool:
        """Take an utterance; False when it says nothing on the matter (nothing may be said then)."""
        ...

    def ask(self, desk: Desk) -> None:
        """Put the open question again."""
        ...

    def result(self, desk: Desk, result: Result) -> None:
        """Take what a tool answered."""
        ...

    def abandon(self, desk: Desk) -> None:
        """The line is gone: save what was mentioned and not yet confirmed."""
        ...


READ_BACKS = frozenset(
    (
        "confirm_move",
        "confirm_book",
        "confirm_cancel",
        "ask_confirm",
        "read_coverage",
        "read_phone",
        "read_address",
        "read_answer",
    )
)
"""Lines a yes to which is written down: what they say must have been heard first."""


class Desk:
    """Collects the effects of one signal."""

    def __init__(self, memory: Memory):
        self.memory = memory
        setting = memory.setting
        self.wording = Wording(
            setting.practice, setting.errand is not None, setting.written, setting.greeting, setting.wording
        )
        self.effects: list[Effect] = []
        self.pending: dict[int, Pending] = {}
        self._next = 1
        self.spare = 0
        """Words at the end of what was said last that may be missed without missing what is read back."""

    def say(self, key: str, **values: str) -> None:
        """Say the next variant of a line."""
        text = self.wording.line(key, **values)
        self.effects.append(Say(text, 0, shielded=key in _SHIELDED))
        if key in READ_BACKS:
            self.spare = len(text.rstrip("?.").rpartition(". ")[2].split())
        else:
            self.spare += len(text.split())

    def tell(self, text: str) -> None:
        """Say a sentence of the practice's own."""
        said = self.wording.filled(text)
        self.effects.append(Say(said, 0))
        self.spare += len(said.split())

    def fill(self, key: str, kind: str = "working") -> None:
        """A word for a wait."""
        self.effects.append(Filler(kind, self.wording.line(key)))

    def run(self, request: Request, owner: object) -> None:
        """Ask for a tool; its result goes to ``owner``."""
        self.effects.append(RunTool(self._next, request))
        self.pending[self._next] = Pending(request, owner)
        self._next += 1

    def done(self, done: Done) -> None:
        """Note finished business for the recap."""
        self.memory.done.append(done)

    def hand_over(self, line: str, reason: str, hard: bool = False) -> None:
        """Tell the caller that a person takes over, and transfer; without a ``line`` where that was said."""
        if line:
            self.say(line)
        self.memory.ended = reason
        self.memory.follow_up.append(f"Handed to a person: {reason}.")
        self.effects += [Escalate(reason, hard), Transfer(reason)]

    def end(self, reason: str) -> None:
        """Hang up."""
        self.memory.ended = reason
        self.effects.append(End(reason))

    def flush(self) -> list[Effect]:
        """The effects so far, taken away."""
        out, self.effects = self.effects, []
        return out
