"""When the source last spoke of each element of a resource, also where it only repeated itself.

A repetition leaves no trace in the ledger (docs/world-model.md), so that a message of before it, which comes late,
would pass for news. What is kept here tells it: a fact for each resource that a feed speaks of again. Elements that
it does not name are as old as their claims, which the world minds by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fhirserver.kernel.json import JsonObject
from fhirserver.store.commands import Note
from fhirserver.store.store import Store
from fhirserver.world.units import unit_of_member

HEARD = "hl7-heard"


@dataclass(frozen=True, slots=True)
class Heard:
    """Of one resource: element → the latest effective time of a statement about it."""

    times: Mapping[str, str] = field(default_factory=dict)
    position: int = 0

    def later_than(self, effective: str, type: str, members: Iterable[str]) -> set[str]:
        """The members of which the source has spoken since a later time."""
        return {name for name in members if self.times.get(unit_of_member(type, name), "") > effective}

    def with_news(self, effective: str, type: str, members: Iterable[str]) -> Heard:
        """After a statement about members."""
        times = dict(self.times)
        for name in members:
            element = unit_of_member(type, name)
            times[element] = max(effective, times.get(element, ""))
        return Heard(times, self.position + 1)

    def note(self, source: str, resource: str) -> Note:
        """Refused (409) where somebody else heard something meanwhile."""
        heard: dict[str, list[str]] = {}
        for element, at in sorted(self.times.items()):
            heard.setdefault(at, []).append(element)
        value: JsonObject = {"heard": heard, "position": self.position}
        return Note(HEARD, f"{source}/{resource}", value, advance=True)


async def read_heard(store: Store, source: str, resource: str) -> Heard:
    """What is known of a resource (``Type/id``)."""
    fact = await store.fact(HEARD, f"{source}/{resource}")
    if fact is None:
        return Heard()
    times = {element: at for at, elements in fact.value["heard"].items() for element in elements}
    return Heard(times, fact.value["position"])
