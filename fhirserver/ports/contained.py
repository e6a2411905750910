"""Resources that lie inside others, as a search space of its own beside the storage's.

Nothing of it is written with a commit: a follower of the log brings it up to date before somebody searches it.
https://hl7.org/fhir/R4/search.html#contained
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from fhirserver.ports.storage import Key, Page

if TYPE_CHECKING:
    from fhirserver.search.expression import Query

BITS: Final = 24
"""A contained resource's number is its container's, shifted by so many bits, and its place in it."""

PLACE: Final = "_place"
"""The parameter of a contained resource's own place: a reference to ``Type/id#local``."""


class Reached(NamedTuple):
    """How far the space follows the log (``commit`` is the id of that commit), and by which search parameters
    it is indexed: those of the last commit that touched any."""

    position: int = 0
    commit: str = ""
    parameters: int = 0


class Inside(NamedTuple):
    """One contained resource: its local id, its index values and its place in the container."""

    type: str
    id: str
    values: Sequence[Any]
    at: int


@dataclass(frozen=True, slots=True)
class Container:
    """A resource as it is now, with what it contains: nothing, where it is deleted or holds none."""

    key: Key
    pk: int
    version: int
    recorded: str
    inside: Sequence[Inside] = ()

    def number(self, one: Inside) -> int:
        return self.pk << BITS | one.at

    @property
    def numbers(self) -> tuple[int, int]:
        """The first number of what it contains, and the first that is another's."""
        return self.pk << BITS, (self.pk + 1) << BITS

    @property
    def place(self) -> bytes:
        """What stands for the content of each: where it is."""
        return f"{self.pk} {self.key}".encode()


class Found(NamedTuple):
    """A match: where it lies. ``version`` is the container's as it was indexed."""

    container: Key
    pk: int
    version: int
    type: str
    id: str


def read_places(page: Page) -> list[Found]:
    """The matches on a page of :meth:`ContainedIndex.search`."""
    found = []
    for one in page.versions:
        number, _, key = one.content.decode().partition(" ")
        found.append(Found(Key(*key.split("/", 1)), int(number), one.version, one.type, one.id))
    return found


class ContainedIndex(Protocol):
    """The search space of contained resources, on any storage."""

    async def reached(self) -> Reached: ...

    async def put(self, before: Reached, after: Reached, containers: Sequence[Container]) -> bool:
        """Make what the containers hold what is said, and ``before`` ``after``; False where another was faster.

        Then the containers may be older than what was there: they are to be put once more.
        """
        ...

    async def clear(self) -> None:
        """Forget all: :meth:`reached` is then at the beginning."""
        ...

    async def search(self, query: Query) -> Page:
        """A page; :func:`read_places` reads it. ``_lastUpdated`` is that of the container."""
        ...

    async def count(self, query: Query) -> int: ...

    async def dump(self) -> Iterable[bytes]:
        """Every row in one fixed order."""
        ...
