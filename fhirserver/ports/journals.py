"""Journals: what happened in one conversation after the other, kept durably while it goes on.

Beside the log and no part of the world: a conversation's own record (Communication, transcript) is. A journal lets a
client that was cut off go on where it was, and a process that was killed take a conversation up again. Like the log,
it needs of a database only "insert this key if it is absent".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from fhirserver.kernel.json import JsonObject


class Entry(NamedTuple):
    """One thing that happened; ``number`` counts from 1 within the journal, without gaps."""

    number: int
    value: JsonObject


class Journals(Protocol):
    """The journals of one tenant, by name (``chat/<id>``). Every call is one atomic step for all processes."""

    async def append(self, name: str, after: int, values: Sequence[JsonObject]) -> bool:
        """Put ``values`` at ``after + 1 …``; False, and nothing is put, where something stands there already.

        When it returns they are durable. What waits while others are being written goes with the next of them.
        """
        ...

    async def read(self, name: str, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        """What stands behind ``after``, in order, at most ``limit``."""
        ...

    async def names(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[str]:
        """The journals whose name begins so and comes behind ``after``, in order of their names."""
        ...

    async def remove(self, name: str) -> None:
        """Forget a journal; nothing where there is none."""
        ...
