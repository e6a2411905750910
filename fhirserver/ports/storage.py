"""The storage of one tenant: the log and its projections.

The only guarantee a database must give for the commit is "insert this key if it is absent": ``append``
either puts the whole batch at ``expected + 1 …`` or raises :class:`~fhirserver.ports.log.LostRace` and
leaves nothing. It returns when the batch is durable and its projection can be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.log import Commit


class Key(NamedTuple):
    """A resource's address in the world."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"


class Version(NamedTuple):
    """One version of a resource; ``content`` is FHIR JSON with ``meta``, ready to send (empty if deleted).

    A tuple, because a search page makes dozens of them and tuples are made four times as fast.
    """

    type: str
    id: str
    version: int
    position: int
    recorded: str
    deleted: bool
    content: bytes


@frozen
class Row:
    """What the storage keeps of a resource now: the version, its ledger and its number ``pk``."""

    pk: int
    version: Version
    ledger: bytes


class Numbered(NamedTuple):
    """A version and the number of its resource."""

    pk: int
    version: Version


@frozen
class Change:
    """The projection of one commit on one resource.

    ``fresh`` is False when only the ledger moved and the world did not (no new version). ``old_index`` and
    ``new_index`` are the search values before and after; their difference is what is written.
    """

    row: Row
    fresh: bool
    old_index: Sequence[Any] = ()
    new_index: Sequence[Any] = ()


@frozen
class Fact:
    """A keyed value beside the resources: crosswalk entries, checkpoints, what a sink was last told."""

    kind: str
    key: str
    value: JsonObject
    position: int


@frozen
class Head:
    """The end of the log, and how far the projections follow it (behind only after a crash or race)."""

    position: int = 0
    serial: int = 0
    recorded: str = ""
    projected: int = 0


@frozen
class Projection:
    """All that a batch of commits does to the projections."""

    changes: Sequence[Change]
    facts: Sequence[Fact]


@frozen
class Page:
    """Search results in order. ``cursor`` continues after the last one; empty when there are no more."""

    versions: Sequence[Version]
    cursor: str = ""


@frozen
class Reindexed:
    """All index values of a version, as they should be."""

    key: Key
    version: int
    values: Sequence[Any]


class Place(NamedTuple):
    """Where a version stands in the order of all: last update in microseconds, position of its commit in the log
    (which has many in one millisecond), number of the resource, version."""

    updated: int
    position: int
    pk: int
    version: int


@frozen
class HistoryQuery:
    """Versions of one resource, of one type (``id`` "") or of all (``type`` ""), newest first.

    ``since`` is the first moment of interest; ``at`` the moments ``low ≤ t < high`` at one of which a version
    must have been the current one; ``among`` the resources meant (None: any). Times are microseconds.
    A deletion was current at the moment it happened, never after it.
    """

    type: str = ""
    id: str = ""
    since: int | None = None
    at: tuple[int, int] | None = None
    among: frozenset[Key] | None = None
    ascending: bool = False
    count: int = 50
    after: Place | None = None

    def admits(self, updated: int, ended: int | None, deleted: bool) -> bool:
        """Whether a version is of interest that was current from ``updated`` until ``ended`` (None: still)."""
        if self.since is not None and updated < self.since:
            return False
        if self.at is None:
            return True
        low, high = self.at
        ends = updated + 1 if deleted else ended
        return updated < high and (ends is None or ends > low)

    @property
    def keys(self) -> frozenset[Key] | None:
        """The resources meant, where they are named."""
        if not self.id:
            return self.among
        key = Key(self.type, self.id)
        return frozenset([key]) if self.among is None or key in self.among else frozenset()


@frozen
class HistoryPage:
    """Versions in order. ``after`` continues behind the last one; None when there are no more."""

    versions: Sequence[Version]
    after: Place | None = None


if TYPE_CHECKING:  # the tree lives one room up; storages render it
    from fhirserver.ports.access_records import AccessRecords
    from fhirserver.ports.audit import Trail
    from fhirserver.ports.cells import Cells
    from fhirserver.ports.contained import ContainedIndex
    from fhirserver.ports.journals import Journals
    from fhirserver.search.expression import Query


class Storage(Protocol):
    """One tenant's log and projections. All reads see every batch whose append has returned."""

    async def open(self) -> None:
        """Open, and create what is missing."""
        ...

    @property
    def contained(self) -> ContainedIndex:
        """The search space of contained resources, which nothing here writes to."""
        ...

    @property
    def cells(self) -> Cells:
        """What processes agree on while they run, beside the log."""
        ...

    @property
    def trail(self) -> Trail:
        """The audit trail, beside the log."""
        ...

    @property
    def access_records(self) -> AccessRecords:
        """Who gets in: kept durably, beside the log."""
        ...

    @property
    def journals(self) -> Journals:
        """What happened in one conversation after the other, beside the log."""
        ...

    async def close(self) -> None: ...

    async def head(self) -> Head: ...

    async def append(self, expected: int, commits: Sequence[Commit], projection: Projection) -> None:
        """Append at ``expected + 1`` and project. Raises :class:`LostRace`; then nothing was written."""
        ...

    async def read_log(self, after: int, limit: int) -> Sequence[Commit]:
        """Commits with position > ``after`` in order and without gaps, at most ``limit``."""
        ...

    async def read(self, type: str, id: str) -> Version | None: ...

    async def rows(self, keys: Iterable[Key]) -> dict[Key, Row]: ...

    async def read_version(self, type: str, id: str, version: int) -> Version | None: ...

    async def versions_at(self, keys: Iterable[Key], position: int) -> dict[Key, Numbered]:
        """What each resource was after the commit at ``position``, also where deleted; none where it was not yet."""
        ...

    async def history(self, type: str, id: str, count: int, before: int | None) -> Sequence[Version]:
        """Versions of one resource, newest first, with version < ``before`` when given."""
        ...

    async def select_history(self, query: HistoryQuery) -> HistoryPage: ...

    async def count_history(self, query: HistoryQuery) -> int:
        """How many versions the query asks for, on all pages together."""
        ...

    async def search(self, query: Query) -> Page: ...

    async def explain(self, query: Query) -> Sequence[str]:
        """How the search is answered, in lines for an operator, without values."""
        ...

    async def count(self, query: Query) -> int: ...

    async def in_use(self, type: str, param: str) -> Sequence[tuple[str, str]]:
        """Each (system, code) or ("", uri) that current resources of a type have under a token or uri
        parameter, once, in order."""
        ...

    async def settle(self, count: int) -> bool:
        """Do some of the work that was put off until somebody asks: at most ``count`` resources; False when done."""
        ...

    async def fact(self, kind: str, key: str) -> Fact | None: ...

    async def facts_named(self, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Fact]:
        """Those of the facts with these kinds and keys that there are."""
        ...

    async def facts(self, kind: str, prefix: str = "") -> Sequence[Fact]: ...

    async def project(self, projection: Projection, position: int | None = None) -> None:
        """Write a projection alone: of the log up to ``position``, or of derived resources (None).

        Doing it again changes nothing. Durable no later than the next append.
        """
        ...

    async def reindex(self, type: str, codes: frozenset[str], resources: Sequence[Reindexed]) -> None:
        """Make the index values under ``codes`` of resources of one type those given.

        Of resources that are still at the version named; a later one was indexed as it was written.
        """
        ...

    async def indexed_params(self) -> set[tuple[str, str]]:
        """Resource types with the params of index values stored; it may name some that have none any more."""
        ...

    async def clear_projections(self) -> None:
        """Drop all but the log."""
        ...

    async def dump(self) -> Iterable[bytes]:
        """Every projected row, index rows included, in one fixed order: equal dumps, equal projections."""
        ...


@runtime_checkable
class Shared(Protocol):
    """A storage that several processes of one machine share, where each waits for its turn to append.

    What is decided in one's turn is not lost to another's append. That only saves work: what keeps the log
    right is :meth:`Storage.append` alone.
    """

    async def take_turn(self) -> None:
        """Wait until no other process has the turn; reads then see all that was appended."""
        ...

    def leave_turn(self) -> None:
        """Let the next one. An append leaves the turn by itself."""
        ...


@runtime_checkable
class Measured(Protocol):
    """A storage that knows how large it is."""

    async def sizes(self) -> Mapping[str, int]:
        """Bytes by part; the names are the storage's own and few."""
        ...
