"""The port of what runs a language model for a call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from agent.requests import Request
from agent.results import Result


class Model(Protocol):
    """Runs a request that is not the world's business but a language model's."""

    def runs(self, request: Request) -> bool: ...

    def run(self, request: Request) -> AsyncIterator[str | Result]:
        """Sentences as they are ready, and the result as the last item. Never raises: trouble is Failed."""
        ...
