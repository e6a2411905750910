"""What the brain asks of a language model, and what comes back: values without any vendor's names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from fhirserver.kernel.json import JsonObject


@dataclass(frozen=True, slots=True)
class Budget:
    """What an answer may take: seconds to its first sentence and to its end, and tokens it may write."""

    first_seconds: float = 2.5
    whole_seconds: float = 8.0
    answer_tokens: int = 400


@dataclass(frozen=True, slots=True)
class Words:
    """Words of the conversation (``caller``, ``agent``) or of the brain (``note``); the caller's are data."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model wants; ``arguments`` is JSON text, not yet believed."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """What became of the call with the same id, as JSON text."""

    id: str
    output: str


Item: TypeAlias = Words | ToolCall | ToolOutput


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model sees it; ``parameters`` is a JSON Schema whose every property is required."""

    name: str
    description: str
    parameters: JsonObject = field(hash=False)


@dataclass(frozen=True, slots=True)
class AskModel:
    """One question to the model: rules, the conversation so far, and the tools it may use now."""

    instructions: str = field(repr=False)
    items: tuple[Item, ...] = field(repr=False)
    tools: tuple[ToolSpec, ...]
    budget: Budget = field(default_factory=Budget)

    @property
    def characters(self) -> int:
        """How long it is, for an estimate of its tokens where the model does not tell."""
        return len(self.instructions) + sum(len(str(item)) for item in self.items)


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """The end of an answer, whose sentences came before it; ``tokens`` both ways together."""

    calls: tuple[ToolCall, ...] = ()
    tokens: int = 0
