"""Rounds over what is stored: every current resource of some types once, in bounded lots, from where one stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.ports.storage import Key
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity, from_row

LOT = 100


@dataclass(frozen=True, slots=True)
class Place:
    """How far a round is: within a type, after ``cursor``."""

    type: str = ""
    cursor: str = ""


async def next_lot(
    store: Store, types: Sequence[str], place: Place, count: int = LOT
) -> tuple[list[Entity], Place | None]:
    """The next resources of the round, and the place behind them; None at its end. ``types`` are sorted."""
    entities: list[Entity] = []
    for type in [type for type in types if type >= place.type]:
        if len(entities) >= count:
            return entities, Place(type)
        cursor = decode(place.cursor, ()) if type == place.type and place.cursor else None
        page = await store.search(Query(type, count=count, cursor=cursor))
        rows = await store.storage.rows([Key(version.type, version.id) for version in page.versions])
        entities += [from_row(row) for row in rows.values()]
        if page.cursor:
            return entities, Place(type, page.cursor)
    return entities, None
