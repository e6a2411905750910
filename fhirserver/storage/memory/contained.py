"""Contained resources in memory. https://hl7.org/fhir/R4/search.html#contained"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhirserver.kernel.instants import microseconds
from fhirserver.ports.contained import BITS, Container, Inside, Reached
from fhirserver.ports.storage import Page, Version
from fhirserver.search.expression import Query
from fhirserver.storage.memory.index import MemoryIndex


class MemoryContained:
    """What the containers hold, by the number of the container."""

    def __init__(self) -> None:
        self._reached = Reached()
        self._index = MemoryIndex()
        self._containers: dict[int, Container] = {}

    async def reached(self) -> Reached:
        return self._reached

    async def put(self, before: Reached, after: Reached, containers: Sequence[Container]) -> bool:
        if self._reached != before:
            return False
        self._reached = after
        for container in containers:
            self._replace(container)
        return True

    def _replace(self, container: Container) -> None:
        known = self._containers.pop(container.pk, None)
        for one in known.inside if known else ():
            self._index.remove(container.number(one), one.type)
        if container.inside:
            self._containers[container.pk] = container
        updated = microseconds(container.recorded)
        for one in container.inside:
            self._index.put(container.number(one), one.type, one.id, updated, one.values)

    async def clear(self) -> None:
        self._reached = Reached()
        self._index.clear()
        self._containers.clear()

    async def search(self, query: Query) -> Page:
        numbers, cursor = await self._index.select_settled(query)
        return Page([self._version(number) for number in numbers], cursor)

    def _version(self, number: int) -> Version:
        container, one = self._of(number)
        return Version(one.type, one.id, container.version, 0, container.recorded, False, container.place)

    def _of(self, number: int) -> tuple[Container, Inside]:
        container = self._containers[number >> BITS]
        return container, next(one for one in container.inside if container.number(one) == number)

    async def count(self, query: Query) -> int:
        return await self._index.count_settled(query)

    async def dump(self) -> Iterable[bytes]:
        return [repr(self._containers[pk]).encode() for pk in sorted(self._containers)]
