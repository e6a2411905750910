"""What is told of a provider of speech that fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class SpeechTrouble:
    """A provider failed: for metrics. ``what``: ``failed``, ``late`` or ``broke off``. No words of the call."""

    provider: str
    what: str


OnTrouble: TypeAlias = Callable[[SpeechTrouble], None]
