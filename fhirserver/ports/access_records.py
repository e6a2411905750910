"""Access records: what says who gets in, and must outlive every process: clients, grants, users, used assertions.

Like :mod:`fhirserver.ports.cells` they are small values that several processes agree on by compare-and-set, beside the
log and no part of the world. Unlike cells they are durable before a call returns, and may have an expiry. Secrets are
never kept in them: only digests are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from fhirserver.kernel.json import JsonObject


class AccessRecord(NamedTuple):
    """A value, its revision, which counts its changes from 1, and its end in seconds since 1970; None: it has none."""

    key: str
    revision: int
    value: JsonObject
    expires: int | None = None


class AccessRecords(Protocol):
    """The access records of one tenant. Every call is one atomic step for all processes.

    A record whose end has come is not there any more: nobody finds it, and another may be put in its place.
    """

    async def read(self, key: str) -> AccessRecord | None: ...

    async def find(self, prefix: str, after: str = "", limit: int = 1000) -> Sequence[AccessRecord]:
        """The records whose key begins so and comes behind ``after``, in the order of their keys."""
        ...

    async def swap(self, key: str, revision: int, value: JsonObject, expires: int | None = None) -> bool:
        """Put ``value`` where the record is still at ``revision`` (0: where there is none); False where it is not.

        When it returns the change is durable.
        """
        ...

    async def remove(self, key: str, revision: int) -> bool:
        """Take the record away where it is still at ``revision``. Revisions of a later one begin at 1 again."""
        ...

    async def forget_expired(self, most: int = 1000) -> int:
        """Let go of the room that records take whose end has come, of at most so many; how many there were."""
        ...
