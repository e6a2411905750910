"""One question to the model within one turn, with its rounds, and what it may take."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent.hearing import Heard
from agent.llm.requests import AskModel, Budget, Item
from agent.llm.tools import Tool


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model may take. ``failures`` after which the policy has the rest of the call.

    ``rounds`` of tools, ``calls`` in one round, ``invalid`` calls forgiven, ``sentences`` said, and tokens, for one
    turn; ``call_tokens`` for a whole call. ``digressions``: answers beside the question who is calling.
    """

    budget: Budget = field(default_factory=Budget)
    failures: int = 3
    rounds: int = 5
    calls: int = 3
    invalid: int = 1
    sentences: int = 5
    turn_tokens: int = 20_000
    call_tokens: int = 150_000
    digressions: int = 4


@dataclass
class Asking:
    """The model is asked about ``heard``, or to go on where that is None."""

    heard: Heard | None
    id: int = 0
    rounds: int = 0
    tokens: int = 0
    invalid: int = 0
    sentences: int = 0
    searching: int = 0
    said: bool = False
    request: AskModel | None = None
    tools: dict[str, Tool] = field(default_factory=dict)
    exchanged: tuple[Item, ...] = ()
