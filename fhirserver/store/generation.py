"""Which generation of index values a store holds: one that an older version made may lack what searches ask for.

A new store begins with the present generation; ``credence rebuild`` brings an older one up to it. The fact is a
projection: it is not in the log.
"""

from __future__ import annotations

from typing import Final

from fhirserver.ports.storage import Fact, Projection, Storage

GENERATION: Final = 2
"""Raised whenever extraction by the standard's parameters gives other values than before for the same resource."""
OLD_INDEX: Final = (
    "The index was made by an older version: some searches miss what was stored then. "
    "Stop the server and run: credence rebuild"
)
_FACT: Final = ("index", "generation")


async def index_is_current(storage: Storage) -> bool:
    """Whether what is stored was indexed as this version does it."""
    known = await storage.fact(*_FACT)
    return known is not None and known.value["number"] == GENERATION


async def indexed_now(storage: Storage) -> None:
    """Keep that all there is was indexed by this version: there is nothing yet, or it was just made again."""
    if not await index_is_current(storage):
        await storage.project(Projection((), (Fact(*_FACT, {"number": GENERATION}, 0),)))
