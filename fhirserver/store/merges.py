"""Which resources are merged into which, as of what is in the storage.

A fact for each resource that ever was (``merged``, ``Type/id``): ``into`` is the id of what it was merged into,
empty since that was undone; ``position`` counts the changes; ``open`` says that references have still to follow,
seen by the Task ``task``. One more fact tells every process that there was a change.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.storage import Fact, Storage
from fhirserver.store.commands import Merge, Note, Unmerge, Write
from fhirserver.world.merging import followed

MERGED: Final = "merged"
CHANGED: Final = ("merges", "changed")
RECENT_SECONDS: Final = 1.0
"""How long a merge that another process made may be unknown to searches; writes always know."""


class Merges:
    """Follows the storage: :meth:`refresh` before anything that must know of the last merge."""

    def __init__(self, storage: Storage):
        self._storage = storage
        self._seen, self._looked = 0, float("-inf")
        self.current: Mapping[str, str] = {}
        """``Type/id`` of what is merged, and of what it was merged into."""

    async def refresh(self) -> None:
        """Take up what changed since; costs one small read where nothing did."""
        changed = await self._storage.fact(*CHANGED)
        seen, self._looked = changed.position if changed else 0, time.monotonic()
        if seen != self._seen:
            self.current = with_merges({}, await self._storage.facts(MERGED))
            self._seen = seen

    async def recent(self) -> Mapping[str, str]:
        """The merges as they were a moment ago, if another process made the last, else as they are."""
        if time.monotonic() - self._looked > RECENT_SECONDS:
            await self.refresh()
        return self.current

    def relatives(self, place: str) -> list[str]:
        """What a resource was merged into in the end, and all that was; without itself, in a fixed order."""
        holder = followed(place, self.current) or place
        merged = sorted(key for key in self.current if followed(key, self.current) == holder)
        return [one for one in (holder, *merged) if one != place]


def with_merges(merged: Mapping[str, str], facts: Iterable[Fact]) -> Mapping[str, str]:
    """The merges after some of them changed; the very same ones where no fact is about any."""
    changed = {fact.key: place(fact.key, fact.value) for fact in facts if fact.kind == MERGED}
    if not changed:
        return merged
    return {key: into for key, into in {**merged, **changed}.items() if into}


def place(key: str, value: JsonObject) -> str:
    """``Type/id`` of what a resource is merged into; empty where it is not."""
    return f"{key.partition('/')[0]}/{value['into']}" if value["into"] else ""


def facts_of(write: Write) -> Sequence[tuple[str, str]]:
    """The facts that deciding a write looks at."""
    if isinstance(write, Note):
        return ((write.kind, write.key),)
    if isinstance(write, Merge | Unmerge):
        return ((MERGED, f"{write.type}/{write.id}"), CHANGED)
    return ()
