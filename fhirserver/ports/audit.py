"""The audit trail of a tenant: batches of entries, one behind the other, that are only ever appended.

It lies beside the log: nothing of the world is made from it, and ``credence rebuild`` leaves it alone. What an entry
is, and how batches are sealed, is :mod:`fhirserver.access.audit`'s affair (ADR 30).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Sealed(NamedTuple):
    """One batch as it is kept. ``number`` counts from 1 without gaps; times are microseconds since 1970.

    ``since`` and ``until`` are the times of its first and its last entry, ``entries`` is how many it has and ``data``
    these, compressed. ``commits`` are the positions in the log of the commits that its entries are about, as
    JSON (``[[1,3],[7,7]]``: from and to), ``accounted`` the position up to which every commit has an entry in this
    batch or an earlier one. ``previous`` is the seal of the batch before it (empty of the first), ``key`` the name
    of the key of ``seal``, which is a digest of all the others.
    """

    number: int
    since: int
    until: int
    entries: int
    commits: bytes
    accounted: int
    data: bytes
    previous: bytes
    key: str
    seal: bytes


class Trail(Protocol):
    """The batches of one tenant. Every call is one atomic step for all processes."""

    async def append(self, batch: Sealed) -> bool:
        """Put it behind all others, durably. False, and nothing is written, unless its number is the next one."""
        ...

    async def last(self) -> Sealed | None:
        """The batch with the highest number."""
        ...

    async def read(self, after: int, limit: int) -> Sequence[Sealed]:
        """Batches with number > ``after`` in order, at most ``limit``; with gaps where somebody made them."""
        ...

    async def between(self, low: int, high: int) -> Sequence[int]:
        """The numbers of the batches that may have entries of the times ``low ≤ t < high``, in order."""
        ...

    async def drop(self, number: int) -> int:
        """Remove the batches up to ``number``, but never the last. Returns how many there were."""
        ...


class HasTrail(Protocol):
    """A storage, once it is open."""

    @property
    def trail(self) -> Trail: ...
