"""What the drill asks of every simulated EHR, whatever it speaks; and who lives where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from adapters.simulator.vendor.people import Person, people

if TYPE_CHECKING:
    from tests.faults.chaos.world import World

Json = dict[str, Any]
POPULATION = 20
PERSONS: tuple[Person, ...] = tuple(people(POPULATION))
HOMES: dict[str, tuple[int, ...]] = {
    "athena": tuple(range(12)),
    "north": tuple(range(4, 16)),
    "hospital": (*range(4), *range(8, 12), *range(16, 20)),
}
"""Which of :data:`PERSONS` each EHR has; the first twelve are those that a simulated athenahealth begins with."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A free time as the world shows it. ``key`` is the EHR's own name for it, ``content`` what a booking states."""

    site: str
    key: str
    start: str
    end: str
    content: Json


@dataclass(frozen=True, slots=True)
class Held:
    """An appointment as an EHR really holds it: ``mark`` is ours (the world's id; empty: none), ``start`` in UTC."""

    id: str
    mark: str
    patient: str
    start: str
    stands: bool


class Site(Protocol):
    """One simulated EHR. Phones are ten digits, persons numbers of :data:`PERSONS`; nothing here meets a fault."""

    name: str
    patients: dict[int, str]
    """The EHR's own ids of the persons it has."""

    def settings(self) -> str:
        """Tables of the server's configuration."""
        ...

    def afflict(self, rate: float) -> None:
        """Have every kind of fault at this rate; 0 for none."""
        ...

    async def openings(self, world: World) -> list[Opening]:
        """Free times as the world shows them."""
        ...

    def phones(self, person: int) -> Counter[str]: ...

    def covers(self, person: int) -> Counter[str]:
        """The member numbers of a person's insurance."""
        ...

    def appointments(self) -> list[Held]: ...

    def change_phone(self, person: int, number: str) -> None:
        """A clerk writes down another home number."""
        ...

    def change_birth(self, person: int, date: str) -> None: ...

    def take(self, opening: Opening, person: int) -> bool:
        """A clerk books it for somebody; False where it was not free."""
        ...

    def cancel(self, held: Held) -> None:
        """A clerk cancels it."""
        ...

    def said(self) -> str:
        """All that was ever written there, as text in which numbers are found."""
        ...

    def waiting(self) -> int:
        """Messages that it still has to tell."""
        ...

    def close(self) -> None: ...


def ten(text: str) -> str:
    """The last ten digits of a telephone number."""
    return "".join(c for c in text if c.isdigit())[-10:]
