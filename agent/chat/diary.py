"""What happened in one conversation: its journal, and the events in it for whoever follows them.

An entry of the journal is written before anything of it is shown. It has ``t`` (when), ``n`` (the number of its first
event) and ``e`` (its events, ``[kind, data]``; the words of one sentence are one ``token`` with ``texts``), and what
else is needed to go on: a signal (``s``), the message that it took (``m``), how it began (``b``).
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from fhirserver.kernel.instants import Clock, instant, parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.chats import ChatEvent
from fhirserver.ports.journals import Journals

Told = tuple[str, JsonObject]
"""Kind and data of an event, or of a run of tokens."""
_PAGE = 500
_LOT = 500
"""Events that are given out at once."""
_KEPT = ("n", "t", "e")


class Lost(Exception):
    """Another process has gone on with this conversation."""


class Over(Exception):
    """The conversation has ended."""


class UsedOtherwise(Exception):
    """An idempotency key came before, with something else."""


class Diary:
    """The journal ``name``, read as far as it goes and added to by this process alone."""

    def __init__(self, journals: Journals, name: str, clock: Clock):
        self._journals, self.name, self._clock = journals, name, clock
        self._entries: list[JsonObject] = []
        self._firsts: list[int] = []
        self.last = 0
        """The number of the latest event."""
        self.state, self.ended = "agent", ""
        self.seen = self.stars = 0
        self._told: list[int] = []
        """The numbers of what the practice's side has said."""
        self.keys: dict[str, tuple[int, str]] = {}
        """What came with an idempotency key: its event's number, and what it was."""
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._closed = False

    async def load(self) -> Sequence[JsonObject]:
        """Read it; the entries as they were written."""
        entries: list[JsonObject] = []
        while page := await self._journals.read(self.name, len(entries), _PAGE):
            entries += [entry.value for entry in page]
        for entry in entries:
            self._take(entry)
        return entries

    async def add(self, *events: Told, **more: Any) -> int:
        """Write an entry; the number of its first event, once that is durable. Raises :class:`Lost`."""
        async with self._lock:
            return await self._add(events, more)

    async def add_once(self, key: str, what: str, *events: Told, **more: Any) -> tuple[int, bool]:
        """Write an entry of the user's, once for each ``key`` (empty: always): its number, and whether it is new.

        Raises :class:`Over`, and :class:`UsedOtherwise` where the key came with something else than ``what``.
        """
        async with self._lock:
            if key in self.keys:
                number, before = self.keys[key]
                if before != what:
                    raise UsedOtherwise
                return number, False
            if self.ended:
                raise Over
            named = {"k": key, "kw": what} if key else {}
            return await self._add(events, {**more, **named}), True

    async def _add(self, events: Sequence[Told], more: JsonObject) -> int:
        entry: JsonObject = {"n": self.last + 1, "t": instant(self._clock.now()), "e": events, **more}
        if self._closed and not self.ended:
            raise Lost
        if not await self._journals.append(self.name, len(self._entries), [entry]):
            self.close()
            raise Lost
        self._take(entry)
        return int(entry["n"])

    def _take(self, entry: JsonObject) -> None:
        self._entries.append({name: entry[name] for name in _KEPT})
        self._firsts.append(entry["n"])
        key = entry.get("k", "")
        if key:
            self.keys[key] = (entry["n"], entry["kw"])
        for kind, data in entry["e"]:
            self.last += _count(kind, data)
            self._note(kind, data)
        if entry["e"]:
            self._wake()

    def _note(self, kind: str, data: JsonObject) -> None:
        if kind == "message" and data["from"] != "user":
            self._told.append(self.last)
        elif kind == "state":
            self.state = data["state"]
        elif kind == "seen":
            self.seen = max(self.seen, data["through"])
        elif kind == "rating":
            self.stars = data["stars"]
        elif kind == "ended":
            self.ended = data["reason"]
            self._closed = True

    @property
    def unread(self) -> int:
        """How many messages to the user have not been seen."""
        return len(self._told) - bisect_right(self._told, self.seen)

    @property
    def entries(self) -> int:
        return len(self._entries)

    def since(self, after: int, limit: int = _LOT) -> list[ChatEvent]:
        """Events behind ``after``, in order."""
        place = max(bisect_right(self._firsts, after) - 1, 0)
        found: list[ChatEvent] = []
        while place < len(self._entries) and len(found) < limit:
            found += [one for one in _events(self._entries[place]) if one.number > after]
            place += 1
        return found[:limit]

    async def follow(self, after: int) -> AsyncIterator[Sequence[ChatEvent]]:
        """Events behind ``after`` as they come, until the end. Raises :class:`Lost` where another process goes on."""
        while True:
            changed = self._changed
            lot = self.since(after)
            if lot:
                after = lot[-1].number
                yield lot
            elif not self._closed:
                await changed.wait()
            elif self.ended:
                return
            else:
                raise Lost

    def close(self) -> None:
        """This process adds nothing more: whoever follows has to ask again."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _count(kind: str, data: JsonObject) -> int:
    return len(data["texts"]) if kind == "token" else 1


def _events(entry: JsonObject) -> list[ChatEvent]:
    number, at = entry["n"], parse_instant(entry["t"])
    found: list[ChatEvent] = []
    for kind, data in entry["e"]:
        if kind != "token":
            found.append(ChatEvent(number, at, kind, data))
            number += 1
            continue
        for text in data["texts"]:
            found.append(ChatEvent(number, at, kind, {"turn": data["turn"], "text": text}))
            number += 1
    return found


def started_of(entries: Sequence[JsonObject]) -> datetime:
    """When a conversation began."""
    return parse_instant(entries[0]["t"])
