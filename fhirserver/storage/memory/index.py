"""Search over resources in memory: every resource of the type is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhirserver.search import cursor
from fhirserver.search.expression import Cursor, Query
from fhirserver.search.match import Entry, Place, in_order, is_after, matches, sort_value
from fhirserver.search.settling import settling
from fhirserver.search.values import IndexValue, TokenValue, UriValue


class MemoryIndex:
    """The current resources by number, with their index values."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[int, Entry]] = {}
        self._numbers: dict[tuple[str, str], int] = {}

    def put(
        self, pk: int, type: str, id: str, updated: int, values: Sequence[IndexValue], content: bytes = b""
    ) -> None:
        """Index a current resource; ``updated`` is its last update in microseconds."""
        self._entries.setdefault(type, {})[pk] = Entry(type, id, updated, tuple(values), content)
        self._numbers[type, id] = pk

    def remove(self, pk: int, type: str) -> None:
        """Forget a resource that was deleted."""
        entry = self._entries.get(type, {}).pop(pk, None)
        if entry is not None:
            self._numbers.pop((type, entry.id), None)

    def clear(self) -> None:
        self._entries.clear()
        self._numbers.clear()

    def entry(self, type: str, id: str) -> Entry | None:
        pk = self._numbers.get((type, id))
        return None if pk is None else self._entries[type][pk]

    def entries(self, type: str) -> Iterable[Entry]:
        return self._entries.get(type, {}).values()

    def select(self, query: Query) -> tuple[list[int], str]:
        """The numbers of one page in order, and the cursor of the next page, or ""."""
        places = self._places(query)
        if query.cursor is not None:
            places = [p for p in places if is_after(query.sort, p[0], p[1], query.cursor)]
        page = places[: query.count]
        more = bool(page) and len(places) > len(page)
        return [pk for _, pk in page], cursor.encode(Cursor(*page[-1])) if more else ""

    def count(self, query: Query) -> int:
        """How many resources match, on all pages together."""
        return sum(
            matches(where, entry, self) for type, where in query.by_type() for entry in self.entries(type)
        )

    async def select_settled(self, query: Query) -> tuple[list[int], str]:
        """As :meth:`select`, after other servers were asked about codes where that is needed."""

        async def select(settled: Query) -> tuple[list[int], str]:
            return self.select(settled)

        return await settling(query, self._codes_in_use, select)

    async def count_settled(self, query: Query) -> int:
        """As :meth:`count`, likewise."""

        async def count(settled: Query) -> int:
            return self.count(settled)

        return await settling(query, self._codes_in_use, count)

    async def _codes_in_use(self, type: str, param: str) -> list[str]:
        return sorted({code for _, code in self.in_use(type, param) if code})

    def in_use(self, type: str, param: str) -> list[tuple[str, str]]:
        """The distinct (system, code) of a token parameter, ("", uri) of a uri parameter."""
        values = (value for entry in self.entries(type) for value in entry.values if value.param == param)
        pairs = (
            (value.system, value.code) if isinstance(value, TokenValue) else ("", value.uri)
            for value in values
            if isinstance(value, TokenValue | UriValue)
        )
        return sorted(set(pairs))

    def _places(self, query: Query) -> list[Place]:
        """Sort values and number of all that match, in order."""
        places = [
            (tuple(sort_value(key, entry) for key in query.sort), pk)
            for type, where in query.by_type()
            for pk, entry in self._entries.get(type, {}).items()
            if matches(where, entry, self)
        ]
        return in_order(query.sort, places)
