"""When the source last spoke of each element of a resource, also where it only repeated itself.

A repetition leaves no trace in the ledger (docs/world-model.md), so that a message of before it, which comes late,
would pass for news. What is kept here tells it: a fact for each resource that a feed speaks of again. Elements that
it does not name are as old as their claims, which the world minds by itself.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fhirserver.kernel.json import JsonObject
from fhirserver.store.commands import Note
from fhirserver.store.store import Store
from fhirserver.world.units import unit_of_member

HEARD = "hl7-heard"
_KEPT = 50_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message: its id, since when it holds, and whether it was taken in before."""

    id: str
    effective: str
    replayed: bool = False

    def comes_after(self, at: str, by: str) -> bool:
        """Whether it has the say over what was said of ``at`` by the message ``by``.

        Of two of one time the one that came later has it, also when the other is replayed.
        """
        return at < self.effective or (at == self.effective and (not self.replayed or by == self.mark))

    @property
    def mark(self) -> str:
        return self.id[:8]


@dataclass(frozen=True, slots=True)
class Heard:
    """Of one resource: element → the latest effective time of a statement about it, and by which message."""

    times: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    position: int = 0

    def later_than(self, arrival: Arrival, type: str, members: Iterable[str]) -> set[str]:
        """The members of which the source has spoken since."""
        found = {name: self.times.get(unit_of_member(type, name)) for name in members}
        return {name for name, heard in found.items() if heard and not arrival.comes_after(*heard)}

    def with_news(self, arrival: Arrival, type: str, members: Iterable[str]) -> Heard:
        """After a statement about members."""
        times = dict(self.times)
        for name in members:
            element = unit_of_member(type, name)
            if element not in times or arrival.comes_after(*times[element]):
                times[element] = (arrival.effective, arrival.mark)
        return Heard(times, self.position + 1)

    def note(self, source: str, resource: str) -> Note:
        """Refused (409) where somebody else heard something meanwhile."""
        heard: dict[str, list[str]] = {}
        for element, (at, by) in sorted(self.times.items()):
            heard.setdefault(f"{at} {by}", []).append(element)
        value: JsonObject = {"heard": heard, "position": self.position}
        return Note(HEARD, f"{source}/{resource}", value, advance=True)


class Hearing:
    """What one source was heard to say of resources (``Type/id``): asked of the store, and kept at hand.

    What is at hand may be out of date where another process takes messages in as well. Then a statement that goes
    beyond it is refused (409), by its note; what it holds to be late is late in any case.
    """

    def __init__(self, store: Store, source: str):
        self._store, self._source = store, source
        self._kept: OrderedDict[str, JsonObject] = OrderedDict()

    async def read(self, resource: str) -> Heard:
        key = f"{self._source}/{resource}"
        value = self._kept.get(key)
        if value is None:
            fact = await self._store.fact(HEARD, key)
            if fact is None:
                return Heard()
            value = fact.value
        return _heard(value)

    def keep(self, note: Note) -> None:
        """A note that is durable."""
        self._kept[note.key] = note.value
        self._kept.move_to_end(note.key)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def forget(self, note: Note) -> None:
        """A note that was refused."""
        self._kept.pop(note.key, None)


def _heard(value: JsonObject) -> Heard:
    times = {
        element: (at, by)
        for key, elements in value["heard"].items()
        for at, _, by in (key.partition(" "),)
        for element in elements
    }
    return Heard(times, value["position"])
