"""The port of whatever decides what is said and done.

A brain is pure: the same signals lead to the same effects. One that needs a model asks for it as for any
tool, with a request of its own, and goes on when the result comes back as a signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from agent.effects import Effect
from agent.hints import Hints
from agent.memory import Memory
from agent.signals import Signal


class Brain(Protocol):
    """Turns signals into effects, remembering in ``memory`` what it needs."""

    @property
    def memory(self) -> Memory: ...

    @property
    def state(self) -> str:
        """The state of the context graph the conversation is in."""
        ...

    def opening(self) -> str:
        """What will be said when the call is answered, so that its sound can be ready; it changes nothing."""
        ...

    def hints(self) -> Hints:
        """What the caller may well say next."""
        ...

    def respond(self, signal: Signal, turn: int) -> Sequence[Effect]:
        """What to do about ``signal``; ``turn`` is the transcript number of the utterance, or 0."""
        ...
