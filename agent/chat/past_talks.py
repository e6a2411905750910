"""Where conversations are kept: each a journal, and for each user one that names theirs.

When a conversation is over, that is noted under the time, by which it is found when it is to be removed. Whose it was
is known for good.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.chat.beginning import Beginning, beginning_of
from agent.chat.diary import Diary
from fhirserver.kernel.instants import Clock, instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.chats import ChatUser
from fhirserver.ports.journals import Journals

_TALK, _USER, _OPEN, _ORDER, _OVER = "chat/", "chat-user/", "chat-open/", "chat-order/", "chat-over/"
_LOOKED = "chat-strays"
"""Whether those were looked for that were over before this was noted."""
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """A conversation as it stands in its journal."""

    id: str
    diary: Diary
    entries: Sequence[JsonObject]
    begun: Beginning

    @property
    def recorded(self) -> bool:
        """Whether its record is written: nothing is left to do."""
        return any("r" in entry for entry in self.entries)


class PastTalks:
    """Reads and begins them. What one user has is a journal too, so that of two processes that begin one conversation
    for the same user at once, one does."""

    def __init__(self, journals: Journals, clock: Clock):
        self._journals, self._clock = journals, clock

    async def begin(self, begun: Beginning, earlier: int) -> Kept | None:
        """A new conversation of a user who has had ``earlier`` ones; None where another process was faster."""
        id = secrets.token_hex(16)
        diary = Diary(self._journals, f"{_TALK}{id}", self._clock)
        await diary.add(("state", {"state": "agent"}), b=begun.as_json())
        await self._journals.append(f"{_OPEN}{id}", 0, [{}])
        if not await self._journals.append(_user(begun), earlier, [_of(id, begun)]):
            await self.forget(id)
            return None
        return await self.read(id)

    async def forget(self, id: str) -> None:
        """One that no user has: it was about to begin when its process died."""
        await self._journals.remove(f"{_OPEN}{id}")
        await self._journals.remove(f"{_TALK}{id}")

    async def read(self, id: str) -> Kept | None:
        """None where there is none."""
        diary = Diary(self._journals, f"{_TALK}{id}", self._clock)
        entries = await diary.load()
        return Kept(id, diary, entries, beginning_of(entries[0]["b"])) if entries else None

    async def of_user(self, service: str, user: str) -> list[str]:
        """The ids of a user's conversations, the first first."""
        return await self._ids(_user_of(service, user))

    async def belongs(self, kept: Kept) -> bool:
        """Whether its user knows of it."""
        return kept.id in await self._ids(_user(kept.begun))

    async def was_of(self, user: ChatUser) -> list[str]:
        """The ids of a user's conversations, the first first, in which they were known as they are now, also of those
        that are removed."""
        told = await self._all(_user_of(user.service, user.key))
        known = (user.patient, user.related)
        return [str(one["id"]) for one in told if (one.get("patient"), one.get("related", "")) == known]

    async def under_way(self) -> list[str]:
        """The ids of those whose record is not written."""
        return [id async for id in self._those(_OPEN)]

    async def over(self, id: str) -> None:
        """Its record is written."""
        await self._journals.append(f"{_OVER}{instant(self._clock.now())}/{id}", 0, [{}])
        await self._journals.remove(f"{_OPEN}{id}")

    async def removed(self, until: datetime, most: int) -> int:
        """Remove those that were over by then, the first first, ``most`` of them; how many that were."""
        last, done = f"{_OVER}{instant(until)}/", 0
        for name in await self._journals.names(_OVER, limit=most):
            if name > last:
                break
            await self._journals.remove(f"{_TALK}{name.rpartition('/')[2]}")
            await self._journals.remove(name)
            done += 1
        return done

    async def note_strays(self) -> AsyncIterator[str]:
        """Note as over, once for ever, those that were over before that was noted; the id of each conversation that
        there is, as it is looked at."""
        if await self._journals.read(_LOOKED, 0, 1):
            return
        open = set(await self.under_way())
        noted = {name.rpartition("/")[2] async for name in self._those(_OVER)}
        async for id in self._those(_TALK):
            if id not in open and id not in noted and not await self._is_open(id):
                await self.over(id)
            yield id
        await self._journals.append(_LOOKED, 0, [{}])

    async def _is_open(self, id: str) -> bool:
        return bool(await self._journals.read(f"{_OPEN}{id}", 0, 1))

    async def _those(self, prefix: str) -> AsyncIterator[str]:
        """What comes behind the prefix in the names of journals, in order."""
        last = ""
        while page := await self._journals.names(prefix, last, _PAGE):
            for name in page:
                yield name.removeprefix(prefix)
            last = page[-1]

    async def ordered(self, order: str) -> str:
        """The conversation that an order has led to; empty where it was not carried out."""
        found = await self._journals.read(_order(order), 0, 1)
        return str(found[0].value["id"]) if found else ""

    async def carry_out(self, order: str, id: str) -> bool:
        """Note that an order has led to a conversation; False where it had led to one before."""
        return await self._journals.append(_order(order), 0, [{"id": id}])

    async def _ids(self, name: str) -> list[str]:
        return [str(one["id"]) for one in await self._all(name)]

    async def _all(self, name: str) -> list[JsonObject]:
        found: list[JsonObject] = []
        while page := await self._journals.read(name, len(found), _PAGE):
            found += [entry.value for entry in page]
        return found


def _of(id: str, begun: Beginning) -> JsonObject:
    """What is noted of a conversation for its user."""
    return {"id": id, "patient": begun.patient} | ({"related": begun.proxy} if begun.proxy else {})


def _user(begun: Beginning) -> str:
    return _user_of(begun.service, begun.user)


def _user_of(service: str, user: str) -> str:
    return f"{_USER}{service}/{_digest(user)}"


def _order(order: str) -> str:
    return f"{_ORDER}{_digest(order)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]
