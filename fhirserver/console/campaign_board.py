"""All campaigns in memory, as the log leaves them: whom they are for, what became of each, and every contact.

It is loaded once by searches, and only when somebody looks; after that the log says which resources to read again.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace

from fhirserver.kernel.json import JsonObject, loads
from fhirserver.ports.log import Commit
from fhirserver.ports.storage import Version
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Expression, Query, SortKey, TokenIs
from fhirserver.store.store import Store
from fhirserver.world.configuration import KIND, kind_of
from fhirserver.world.outreach import (
    CAMPAIGN,
    CHANNEL,
    CONTACT,
    CONTROL,
    MEMBER,
    OUTCOME,
    RUN,
    coded,
    named,
    task_kind,
)
from fhirserver.world.vocabulary import TASK_CODE

_PAGE = 1000
_BATCH = 500
_FAR = 20_000
"""So many commits behind, to search anew is cheaper than to read the log."""
_TYPES = frozenset({"Library", "Task", "CommunicationRequest", "Communication"})


@dataclass(frozen=True, slots=True)
class Definition:
    """A campaign as it is configured."""

    id: str
    title: str
    goal: str
    status: str


@dataclass(frozen=True, slots=True)
class Order:
    """A Task: the campaign as it was started (``kind`` :data:`CONTROL`), or one run of it."""

    id: str
    kind: str
    campaign: str
    status: str
    since: str
    version: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A CommunicationRequest. ``next``: when it is looked at again, where it is still open."""

    id: str
    campaign: str
    patient: str
    status: str
    outcome: str
    next: str
    why: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A Communication that was made for a member."""

    id: str
    member: str
    channel: str
    status: str
    outcome: str
    sent: str


class CampaignBoard:
    """Call :meth:`refresh` before looking. ``changed`` says after which commit a campaign was last another."""

    def __init__(self, store: Store):
        self._store = store
        self._lock = asyncio.Lock()
        self.position = -1
        self.definitions: dict[str, Definition] = {}
        self.orders: dict[str, Order] = {}
        self.members: dict[str, Member] = {}
        self.contacts: dict[str, Contact] = {}
        self.changed: defaultdict[str, int] = defaultdict(int)

    async def refresh(self) -> None:
        """Bring it up to the head of the log."""
        async with self._lock:
            if self.position < 0 or self._store.head - self.position > _FAR:
                await self._load()
            while commits := await self._store.read_log(self.position, _BATCH):
                await self._follow(commits)

    def campaigns(self) -> list[str]:
        """The ids of all there are, those that were started last first, then those that never were."""
        since: defaultdict[str, str] = defaultdict(str)
        for order in self.orders.values():
            since[order.campaign] = max(since[order.campaign], order.since)
        return sorted({*self.definitions, *since}, key=lambda id: (since[id], id), reverse=True)

    def control(self, campaign: str) -> Order | None:
        """The newest start of a campaign."""
        found = [o for o in self.orders.values() if o.campaign == campaign and o.kind == CONTROL]
        return max(found, key=lambda order: order.since, default=None)

    def of(self, campaign: str) -> list[Member]:
        return [one for one in self.members.values() if one.campaign == campaign]

    def contacts_of(self, members: Iterable[Member]) -> list[Contact]:
        wanted = {one.id for one in members}
        return [one for one in self.contacts.values() if one.member in wanted]

    async def _load(self) -> None:
        position = (await self._store.storage.head()).position
        for held in (self.definitions, self.orders, self.members, self.contacts):
            held.clear()
        for type, where in _WANTED:
            async for version in self._all(type, where):
                self._take(type, version, position)
        self.position = position

    async def _all(self, type: str, where: Expression) -> AsyncIterator[Version]:
        sort = (SortKey("_id", "token"),)
        query = Query(type, where, sort, _PAGE)
        while True:
            page = await self._store.search(query)
            for version in page.versions:
                yield version
            if not page.cursor:
                return
            query = replace(query, cursor=decode(page.cursor, sort))
            await asyncio.sleep(0)  # others' requests go between

    async def _follow(self, commits: Iterable[Commit]) -> None:
        for commit in commits:
            for key in {
                (e.get("type", ""), e.get("id", "")) for e in commit.events if e.get("type") in _TYPES
            }:
                version = await self._store.read(*key)
                if version is not None:
                    self._take(key[0], version, commit.position)
            self.position = commit.position

    def _take(self, type: str, version: Version, position: int) -> None:
        resource: JsonObject = loads(version.content) if version.content and not version.deleted else {}
        campaign = ""
        if type == "Library":
            campaign = self._library(version.id, resource)
        elif type == "Task":
            campaign = self._task(version.id, resource)
        elif type == "CommunicationRequest":
            campaign = self._member(version.id, resource)
        elif type == "Communication":
            campaign = self._contact(version.id, resource)
        if campaign:
            self.changed[campaign] = max(self.changed[campaign], position)

    def _library(self, id: str, resource: JsonObject) -> str:
        if kind_of(resource) != "campaign":
            return id if self.definitions.pop(id, None) else ""
        title, goal = str(resource.get("title", "")) or id, str(resource.get("description", ""))
        self.definitions[id] = Definition(id, title, goal, str(resource.get("status", "")))
        return id

    def _task(self, id: str, resource: JsonObject) -> str:
        kind = task_kind(resource)
        if not kind:
            before = self.orders.pop(id, None)
            return before.campaign if before else ""
        campaign = str(resource.get("groupIdentifier", {}).get("value", ""))
        self.orders[id] = Order(
            id,
            kind,
            campaign,
            str(resource.get("status", "")),
            str(resource.get("authoredOn", "")),
            str(resource.get("meta", {}).get("versionId", "")),
            str(resource.get("statusReason", {}).get("text", "")),
        )
        return campaign

    def _member(self, id: str, resource: JsonObject) -> str:
        campaign = coded(resource.get("category", ()), CAMPAIGN)
        if not campaign or not named(resource, MEMBER):
            before = self.members.pop(id, None)
            return before.campaign if before else ""
        self.members[id] = Member(
            id,
            campaign,
            str(resource.get("subject", {}).get("reference", "")),
            str(resource.get("status", "")),
            coded(resource.get("category", ()), OUTCOME),
            str(resource.get("occurrenceDateTime", "")),
            str(resource.get("statusReason", {}).get("text", "")),
        )
        return campaign

    def _contact(self, id: str, resource: JsonObject) -> str:
        based = (str(one.get("reference", "")) for one in resource.get("basedOn", ()))
        request = next((r for r in based if r.startswith("CommunicationRequest/")), "").rpartition("/")[2]
        member = self.members.get(request)
        if not request or not named(resource, CONTACT):
            before = self.contacts.pop(id, None)
            return self.members[before.member].campaign if before and before.member in self.members else ""
        self.contacts[id] = Contact(
            id,
            request,
            coded(resource.get("category", ()), CHANNEL) or "call",
            str(resource.get("status", "")),
            coded([resource.get("statusReason", {})], OUTCOME),
            str(resource.get("sent", "")),
        )
        return member.campaign if member else ""


_WANTED = (
    ("Library", TokenIs("type", KIND, "campaign")),
    ("Task", TokenIs("code", TASK_CODE, CONTROL)),
    ("Task", TokenIs("code", TASK_CODE, RUN)),
    ("CommunicationRequest", TokenIs("identifier", MEMBER, None)),
    ("Communication", TokenIs("identifier", CONTACT, None)),
)
