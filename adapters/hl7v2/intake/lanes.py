"""Lanes: messages of one patient one after the other, those of different patients beside each other.

A message that belongs to several lanes, such as a merge, waits until all that came before it in any of them is
done, and holds back all that comes after it in each.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable


class Place:
    """One message's place in its lanes, taken when it arrived."""

    def __init__(self, lanes: Lanes, keys: frozenset[str], before: list[asyncio.Event]):
        self._lanes, self._keys, self._before = lanes, keys, before
        self.done = asyncio.Event()

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the lanes for the length of the block; waits until it is this message's turn."""
        try:
            for one in self._before:
                await one.wait()
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        waiting = [one for one in self._before if not one.is_set()]
        if waiting:
            # It gives up before its turn: what came after it must still wait for what came before it.
            task = asyncio.ensure_future(self._leave_after(waiting))
            self._lanes.leaving.add(task)
            task.add_done_callback(self._lanes.leaving.discard)
        else:
            self._lanes.release(self, self._keys)

    async def _leave_after(self, waiting: list[asyncio.Event]) -> None:
        for one in waiting:
            await one.wait()
        self._lanes.release(self, self._keys)


class Lanes:
    """The lanes of one listener. Those that nobody is in take no memory."""

    def __init__(self) -> None:
        self._last: dict[str, Place] = {}
        self.leaving: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._last)

    def enter(self, keys: Iterable[str]) -> Place:
        """Take a place at the end of each lane, at once: the order of the calls is the order of the turns."""
        names = frozenset(keys)
        ahead = {id(place): place for name in names if (place := self._last.get(name)) is not None}
        place = Place(self, names, [one.done for one in ahead.values()])
        self._last.update(dict.fromkeys(names, place))
        return place

    def release(self, place: Place, keys: Iterable[str]) -> None:
        """Let the next ones go on."""
        place.done.set()
        for name in keys:
            if self._last.get(name) is place:
                del self._last[name]
