"""All conversations by text of this process: implements ``fhirserver.ports.chats``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from weakref import WeakValueDictionary

from agent.chat.archive import Archive, Archived, gone
from agent.chat.attachments import Filing, check
from agent.chat.beginning import Beginning
from agent.chat.diary import Diary, Lost, Over, UsedOtherwise, started_of
from agent.chat.past_talks import Kept, PastTalks
from agent.chat.recognising import Recognises, RecognisesNothing
from agent.chat.relations import check_relation
from agent.chat.services import Services
from agent.chat.talk import Parts, Talk, conversation_of
from agent.errand import Errand
from agent.memory import Setting
from fhirserver.kernel.measures import Counter
from fhirserver.kernel.outcomes import Category, Issue, Refusal, refuse
from fhirserver.ports.chats import (
    Attachment,
    ChatEvent,
    ChatService,
    ChatUser,
    Conversation,
    Outreach,
)

log = logging.getLogger("credence.chat")
CONVERSATIONS = Counter(
    "credence_chats_total", "Conversations by text that are over, by how they ended", ("result",)
)
_SOON = 5.0
"""Seconds within which a conversation that is finished ends."""
_TRIES = 20


class ChatRoom:
    """``setting`` is what conversations of a service are held by; ``most``: how many at once."""

    def __init__(
        self,
        parts: Parts,
        past: PastTalks,
        setting: Callable[[ChatService], Awaitable[Setting]],
        most: int = 2000,
        recognises: Recognises | None = None,
    ):
        self.parts, self._past, self._setting, self._most = parts, past, setting, most
        self.recognises = recognises or RecognisesNothing()
        self._services, self._archive = Services(parts.client), Archive(parts.client)
        self._talks: dict[str, Talk] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def offer(self, service: ChatService) -> None:
        """A service besides those that are configured."""
        self._services.add(service)

    async def open(self) -> None:
        """Go on with what processes before this one have left."""
        for id in await self._past.under_way():
            kept = await self._past.read(id)
            if kept is None or not await self._past.belongs(kept):
                await self._past.forget(id)
            elif kept.recorded:
                await self._past.over(id)
            else:
                if kept.begun.order:  # noted again, in case its process died before it was
                    await self._past.carry_out(_order_of(kept.begun), id)
                self._hold(kept)

    async def close(self) -> None:
        """Let go of all conversations: another process goes on with them."""
        tasks = list(self._tasks.values())
        for talk in list(self._talks.values()):
            talk.diary.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def under_way(self) -> int:
        return len(self._talks)

    # services

    async def services(self) -> Sequence[ChatService]:
        return await self._services.all()

    async def service(self, id: str) -> ChatService:
        return await self._services.find(id)

    # conversations

    async def begin(
        self, user: ChatUser, new: Callable[[], None] = lambda: None
    ) -> tuple[Conversation, bool]:
        service = await self._admitted(user)
        setting = replace(await self._setting(service), patient=user.patient, proxy=user.related)
        begun = Beginning(
            service.id, service.title, user.key, setting, user.phone, user.name, agent=service.agent
        )
        talk, fresh = await self._begin(begun, new)
        return talk.conversation(), fresh

    async def reach(self, order: Outreach, by: str) -> tuple[Conversation, bool]:
        service = await self.service(order.service)
        name = f"{order.service}/{order.id}"  # as of :func:`_order_of`
        async with self._lock(f"order/{name}"):
            known = await self._past.ordered(name)
            if known:
                return await self._conversation(service, known), False
            begun = await self._reaching(order, service, by)
            talk, fresh = await self._begin(begun)
            if not fresh and talk.begun.order != order.id:
                raise refuse(
                    Category.CONFLICT, "conflict", "The user is in another conversation; order it later"
                )
            if not await self._past.carry_out(name, talk.id):
                return await self._conversation(service, await self._past.ordered(name)), False
            await talk.greeted(_SOON)
            return talk.conversation(), True

    async def ordered(self, id: str) -> str:
        for service in await self.services():
            name = f"{service.id}/{id}"
            async with self._lock(f"order/{name}"):  # one that is being carried out is waited for
                if known := await self._past.ordered(name) or self._begun_for(name):
                    return known
        return ""

    def _begun_for(self, name: str) -> str:
        """The conversation of an order that could not be noted."""
        return next((id for id, talk in self._talks.items() if _order_of(talk.begun) == name), "")

    async def _reaching(self, order: Outreach, service: ChatService, by: str) -> Beginning:
        trusted = service.users is not None and service.users.trusts_patient
        known = order.patient if trusted or not order.user else ""
        errand = Errand(
            order.reason,
            order.patient,
            id="" if order.request else order.id,  # the campaign has its own record of having reached out
            request=order.request,
            run=order.run,
            channel="chat",
            words=order.words,
        )
        setting = replace(await self._setting(service), patient=known, errand=errand, greeting="")
        user = f"app:{order.user}" if order.user else f"patient:{order.patient}"
        log.info("a conversation was ordered by %s", by)
        return Beginning(service.id, service.title, user, setting, order=order.id, agent=service.agent)

    async def _begin(self, begun: Beginning, new: Callable[[], None] = lambda: None) -> tuple[Talk, bool]:
        """The active conversation of a user; a new one where there is none that this user may go on with."""
        async with self._lock(f"user/{begun.service}/{begun.user}"):
            for _ in range(_TRIES):
                ids = await self._past.of_user(begun.service, begun.user)
                active = await self._talk(ids[-1]) if ids else None
                if active is not None and not active.diary.ended:
                    if (active.begun.patient, active.begun.proxy) == (begun.patient, begun.proxy):
                        return active, False
                    await self._finish(active)  # the user is known in another way now
                self._check_room()
                new()
                kept = await self._past.begin(begun, len(ids))
                if kept is not None:
                    return self._hold(kept), True
            raise refuse(
                Category.BUSY, "transient", "Somebody else begins the same conversation all the time"
            )

    def _check_room(self) -> None:
        if len(self._talks) >= self._most:
            issue = Issue("throttled", "As many conversations as may be are under way; come again in a while")
            raise Refusal(Category.BUSY, (issue,), {"Retry-After": "30"})

    async def of_user(self, user: ChatUser, limit: int = 50) -> Sequence[Conversation]:
        service = await self._admitted(user)
        theirs = await self._past.was_of(user)
        found: list[Conversation] = []
        for id in reversed(await self._past.of_user(user.service, user.key)):
            if len(found) == limit:
                break
            kept = await self._known(id)
            if kept is not None and kept[1].belongs_to(user):
                found.append(conversation_of(id, kept[1], kept[0], kept[2]))
            elif kept is None and id in theirs and (archived := await self._archive.find(service, id)):
                found.append(archived.conversation)
        return found

    async def read(self, user: ChatUser, id: str) -> Conversation:
        kept = await self._kept(user, id)
        if kept is None:
            return (await self._archived(user.service, id)).conversation
        diary, begun, started = kept
        return conversation_of(id, begun, diary, started)

    async def say(self, user: ChatUser, id: str, text: str, key: str = "") -> int:
        text = text.strip()
        kept = await self._kept(user, id)
        if kept is None:
            raise _not_taken(Over())
        diary = kept[0]
        if diary.ended and diary.keys.get(key, (0, ""))[1] == text:
            return diary.keys[key][0]  # it was answered, and the answer did not arrive
        talk = await self._going_on(user, id)
        try:
            return await asyncio.shield(
                talk.say(text, key)
            )  # who is cut off does not cut off what is written
        except (Over, UsedOtherwise, Lost) as error:
            raise _not_taken(error) from None

    async def attach(self, user: ChatUser, id: str, attachment: Attachment, key: str = "") -> int:
        check(attachment)
        talk = await self._going_on(user, id)
        reference = await Filing(self.parts.client, talk.call).keep(attachment)
        read = await self.recognises.recognise(attachment.content, attachment.content_type)
        told = {
            "from": "user",
            "title": attachment.title,
            "contentType": attachment.content_type,
            "size": len(attachment.content),
            "reference": reference,
            "recognised": bool(read.text),
        }
        try:
            return await asyncio.shield(talk.show(told, read.said, read.confidence, key))
        except (Over, UsedOtherwise, Lost) as error:
            raise _not_taken(error) from None

    async def see(self, user: ChatUser, id: str, number: int) -> Conversation:
        kept = await self._kept(user, id)
        if kept is not None and min(number, kept[0].last) > kept[0].seen:
            await _added(kept[0], "seen", {"through": min(number, kept[0].last)})
        return await self.read(user, id)

    async def finish(self, user: ChatUser, id: str) -> Conversation:
        await self._kept(user, id)
        talk = await self._talk(id)
        if talk is not None and not talk.diary.ended:
            await self._finish(talk)
        return await self.read(user, id)

    async def rate(self, user: ChatUser, id: str, stars: int, comment: str = "") -> Conversation:
        diary, _, _ = await self._of(user, id)
        await _added(diary, "rating", {"stars": stars} | ({"comment": comment} if comment else {}))
        return await self.read(user, id)

    async def events(self, user: ChatUser, id: str, after: int = 0, limit: int = 1000) -> Sequence[ChatEvent]:
        kept = await self._kept(user, id)
        if kept is None:
            return (await self._from_record(user, id, after))[:limit]
        return kept[0].since(after, limit)

    async def follow(self, user: ChatUser, id: str, after: int = 0) -> AsyncIterator[Sequence[ChatEvent]]:
        kept = await self._kept(user, id)
        if kept is None:
            yield await self._from_record(user, id, after)
            return
        diary = kept[0]
        if not diary.ended:
            talk = await self._talk(id)
            diary = talk.diary if talk is not None else diary
        async for lot in diary.follow(after):
            yield lot

    # those that are held here

    def _hold(self, kept: Kept) -> Talk:
        """Run a conversation until it is over."""
        talk = Talk(self.parts, kept.id, kept.diary, kept.entries, kept.begun)
        self._talks[kept.id] = talk
        self._tasks[kept.id] = asyncio.create_task(self._run(talk))
        return talk

    async def _run(self, talk: Talk) -> None:
        try:
            await talk.run()
            await self._past.over(talk.id)
            CONVERSATIONS.add(talk.diary.ended)
        except Lost:
            log.warning("another process has gone on with a conversation")
        except Exception as error:  # one conversation's trouble is not the others'
            log.error("a conversation failed: %s", type(error).__name__)
            CONVERSATIONS.add("failed")
        finally:
            talk.diary.close()
            self._talks.pop(talk.id, None)
            self._tasks.pop(talk.id, None)

    async def _finish(self, talk: Talk) -> None:
        talk.finish("user")
        task = self._tasks.get(talk.id)
        if task is not None:
            await asyncio.wait({task}, timeout=_SOON)

    async def _talk(self, id: str) -> Talk | None:
        """One that is under way, be it that its process has died; None for one that is over."""
        talk = self._talks.get(id)
        if talk is not None:
            return talk
        async with self._lock(f"talk/{id}"):
            if id in self._talks:
                return self._talks[id]
            kept = await self._past.read(id)
            if kept is None or kept.recorded or kept.diary.ended:
                return None
            return self._hold(kept)

    async def _going_on(self, user: ChatUser, id: str) -> Talk:
        """Refuses (404) what is not the user's, (409) what is over."""
        await self._kept(user, id)
        talk = await self._talk(id)
        if talk is None:
            raise _not_taken(Over())
        return talk

    async def _known(self, id: str) -> tuple[Diary, Beginning, datetime] | None:
        talk = self._talks.get(id)
        if talk is not None:
            return talk.diary, talk.begun, talk.started
        kept = await self._past.read(id)
        return (kept.diary, kept.begun, started_of(kept.entries)) if kept else None

    async def _admitted(self, user: ChatUser) -> ChatService:
        """The service. Refuses (404) where there is none, (403) who does not speak for the patient any more."""
        service = await self.service(user.service)
        await check_relation(self.parts.client, self.parts.clock, user)
        return service

    async def _of(self, user: ChatUser, id: str) -> tuple[Diary, Beginning, datetime]:
        """Refuses (404) what there is not, and what is another's, (410) that of which the record alone is left."""
        found = await self._kept(user, id)
        if found is None:
            raise gone()
        return found

    async def _kept(self, user: ChatUser, id: str) -> tuple[Diary, Beginning, datetime] | None:
        """None where the record alone is left. Refuses (404) what there is not, and what is another's."""
        await self._admitted(user)
        found = await self._known(id)
        if found is not None and found[1].belongs_to(user):
            return found
        if found is None and id in await self._past.was_of(user):
            return None
        raise refuse(Category.NOT_FOUND, "not-found", "There is no such conversation")

    async def _from_record(self, user: ChatUser, id: str, after: int) -> Sequence[ChatEvent]:
        """Its numbers are not those that the user's client knows: refuses (410) to go on anywhere."""
        if after:
            raise gone()
        return (await self._archived(user.service, id)).events

    async def _archived(self, service: str, id: str) -> Archived:
        found = await self._archive.find(await self.service(service), id)
        if found is None:
            raise gone()
        return found

    async def _conversation(self, service: ChatService, id: str) -> Conversation:
        found = await self._known(id)
        if found is None:
            return (await self._archived(service.id, id)).conversation
        return conversation_of(id, found[1], found[0], found[2])

    def _lock(self, name: str) -> asyncio.Lock:
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        return lock


def _order_of(begun: Beginning) -> str:
    return f"{begun.service}/{begun.order}"


def _not_taken(error: Exception) -> Refusal:
    if isinstance(error, UsedOtherwise):
        return refuse(Category.CONFLICT, "duplicate", "This Idempotency-Key came before with something else")
    if isinstance(error, Lost):
        return refuse(Category.BUSY, "transient", "The conversation goes on elsewhere; ask again")
    return refuse(Category.CONFLICT, "conflict", "The conversation is over; begin another one")


async def _added(diary: Diary, kind: str, data: dict[str, object]) -> None:
    try:
        await asyncio.shield(diary.add((kind, data)))
    except Lost:
        raise _not_taken(Lost()) from None
