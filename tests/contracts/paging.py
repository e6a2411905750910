"""Pages read while others write: what is there throughout comes once, in its order, whatever happens to the rest.

Driven by a source of chance, so that hypothesis can look for the worst case and any storage can be driven by seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from fhirserver.search import cursor
from fhirserver.search.expression import Query
from fhirserver.search.index import extract
from fhirserver.search.match import Entry, in_order, sort_value
from fhirserver.search.parse import parse
from fhirserver.search.parse_types import parse_types
from tests.contracts.search_contract import START, Index

Resource = dict[str, Any]
_IDS: Final = [f"r{number}" for number in range(14)]
_WORDS: Final = ["", "ash", "Ash", "birch", "élan", "oak"]
_DATES: Final = ["", "2020", "2020-05", "2020-05-17", "2021-01-01T10:00:00Z", "1999"]


def risk(chance: Random, id: str) -> Resource:
    """A RiskAssessment: numbers, dates, references, tokens, each perhaps missing or there several times."""
    made: Resource = {
        "resourceType": "RiskAssessment",
        "id": id,
        "status": chance.choice(["final", "preliminary"]),
    }
    made["subject"] = {"reference": f"Patient/{chance.choice('abc')}"}
    if date := chance.choice(_DATES):
        made["occurrenceDateTime"] = date
    made["prediction"] = [
        {"probabilityDecimal": chance.choice([1, 2, 30])} for _ in range(chance.randrange(3))
    ]
    return made


def observation(chance: Random, id: str) -> Resource:
    """An Observation: quantities, strings, dates."""
    made: Resource = {"resourceType": "Observation", "id": id, "status": chance.choice(["final", "amended"])}
    made["code"] = {"coding": [{"code": chance.choice("xyz")} for _ in range(chance.randrange(3))]}
    if date := chance.choice(_DATES):
        made["effectiveDateTime"] = date
    if chance.random() < 0.4:
        made["valueQuantity"] = {"value": chance.choice([1, 2, 2.5, 100]), "code": "mg"}
    elif word := chance.choice(_WORDS):
        made["valueString"] = word
    return made


def value_set(chance: Random, id: str) -> Resource:
    """A ValueSet: uris and strings."""
    made: Resource = {"resourceType": "ValueSet", "id": id, "status": "active"}
    for name, values in (("url", ["", "http://a", "http://b", "urn:c"]), ("name", _WORDS), ("date", _DATES)):
        if value := chance.choice(values):
            made[name] = value
    return made


MAKERS: Final[dict[str, Callable[[Random, str], Resource]]] = {
    "RiskAssessment": risk,
    "Observation": observation,
    "ValueSet": value_set,
}
KEYS: Final = {
    "RiskAssessment": ["probability", "date", "subject", "patient", "_id", "_lastUpdated"],
    "Observation": ["value-quantity", "value-string", "code", "date", "status", "_id", "_lastUpdated"],
    "ValueSet": ["url", "name", "date", "_id", "_lastUpdated"],
}
"""Every kind of order: number, quantity, date, string, token, reference, uri, id, last update."""


@dataclass
class World:
    """A storage under test and what is in it; ``written`` are the resources touched since reading began."""

    index: Index
    chance: Random
    type: str
    numbers: dict[str, int] = field(default_factory=dict)
    entries: dict[str, tuple[int, Entry]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    now: int = START

    async def write(self) -> None:
        """Create, update or delete one."""
        id = self.chance.choice(_IDS)
        self.written.add(id)
        self.now += self.chance.choice([0, 1000, 5000])
        if id in self.entries and self.chance.random() < 0.3:
            await self.index.delete(self.entries.pop(id)[0], self.type, id)
            return
        resource = MAKERS[self.type](self.chance, id)
        pk = self.numbers.setdefault(id, len(self.numbers) + 1)  # a resource that comes back keeps its number
        await self.index.put(pk, resource, self.now)
        self.entries[id] = pk, Entry(self.type, id, self.now, tuple(extract(resource)))

    def order(self, query: Query) -> list[str]:
        """The ids of all there is, in order."""
        places = {
            (tuple(sort_value(key, entry) for key in query.sort), pk): id
            for id, (pk, entry) in self.entries.items()
        }
        return [places[place] for place in in_order(query.sort, places)]


async def pages_stay_put(index: Index, chance: Random) -> None:
    """One round: fill, read page by page while writing, compare what nobody touched."""
    type = chance.choice(sorted(MAKERS))
    world = World(index, chance, type)
    for _ in range(chance.randrange(2, 25)):
        await world.write()
    world.written.clear()
    keys = chance.sample(KEYS[type], chance.randrange(4))
    sort = ",".join(chance.choice(["", "-"]) + key for key in keys)
    pairs = [("_sort", sort)] if sort else []
    query = (
        parse_types([type, "Basic"], pairs, default_count=0)
        if _is_common(keys, chance)
        else parse(type, pairs)
    )
    query = replace(query, count=chance.randrange(1, 6))
    before = world.order(query)
    found = await _read(world, query)
    kept = [id for id in before if id not in world.written]
    assert [id for id in found if id not in world.written] == kept, (type, sort, query.count)


def _is_common(keys: list[str], chance: Random) -> bool:
    """Whether to search several types at once, which only common keys allow."""
    return all(key in ("_id", "_lastUpdated") for key in keys) and chance.random() < 0.5


async def _read(world: World, query: Query) -> list[str]:
    found: list[str] = []
    for _ in range(200):
        page, following = await world.index.search(query)
        found += page
        if not following:
            return found
        query = replace(query, cursor=cursor.decode(following, query.sort))
        for _ in range(world.chance.randrange(4)):
            await world.write()
    raise AssertionError("the pages have no end")
