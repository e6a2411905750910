"""Keeping the review queue true while time passes: holds that lapse, items that expire, claims that became moot,
priorities that rise as an appointment comes near.

It sees the log with the verification follower and looks, now and then, at the items whose time has come or that
something was said about. Each change is a commit of its own, refused where somebody else changed the item first: so
two processes may do this at once, and a reviewer always comes before it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.kernel.instants import Clock, SystemClock, comparable, instant
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.log import Commit, Statement
from fhirserver.ports.storage import Key
from fhirserver.search.cursor import decode
from fhirserver.search.expression import Query
from fhirserver.store.commands import Command, Put
from fhirserver.store.review_items import IS_PENDING_REVIEW, due_of
from fhirserver.store.store import Store
from fhirserver.world.entity import Entity
from fhirserver.world.moot import moot
from fhirserver.world.policy import Policy
from fhirserver.world.review import (
    CLAIMS,
    Item,
    closed,
    freed,
    is_review,
    kind_of,
    read_item,
    reason_codes,
    with_due,
    with_reasons,
    without_claims,
)
from fhirserver.world.review_rules import ReviewRules, holder
from fhirserver.world.urgency import next_rise

log = logging.getLogger("credence.review")

LOOK_SECONDS = 5.0
SWEEP_SECONDS = 300.0
"""How often all pending items are looked at, whatever was seen: another process may have handled the commits."""
MOST = 100
"""Items looked at in one go."""
PAGE = 500
MOOT = "Nothing is left to decide: the claims were replaced, decided or agreed to since"
GONE = "The resource was deleted"
PAST = "The appointment's time is past"


@dataclass(frozen=True, slots=True)
class Watched:
    """A pending item: what it is about, and the instant at which it has to be looked at; empty for none."""

    focus: Key
    at: str


class ReviewUpkeep:
    """See the module. ``see`` is told of commits; ``run`` works for ever; ``writes`` is one look at what is due."""

    def __init__(
        self, store: Store, policy: Policy, rules: ReviewRules, source: str, clock: Clock | None = None
    ):
        self._store, self._policy, self._rules = store, policy, rules
        self._clock = clock or SystemClock()
        self._statement = Statement(source, principal="review", method="derivation")
        self._watched: dict[str, Watched] | None = None
        self._by_focus: dict[Key, set[str]] = {}
        self._again: dict[str, None] = {}
        self._begun = 0.0

    def see(self, commits: Sequence[Commit]) -> None:
        """Note the items that changed, and those whose resource was spoken of."""
        for event in (event for commit in commits for event in commit.events if event["e"] != "noted"):
            key = Key(event["type"], event["id"])
            if key.type == "Task" and self._concerns(key.id, event):
                self._again[key.id] = None
            elif key in self._by_focus:
                self._again.update(dict.fromkeys(sorted(self._by_focus[key])))

    def _concerns(self, id: str, event: JsonObject) -> bool:
        return (self._watched is not None and id in self._watched) or is_review(event.get("content", {}))

    async def run(self) -> None:
        """Look and write for ever. What fails is looked at again."""
        while True:
            try:
                await self.keep()
            except Exception as error:
                log.warning("looking at review items failed (%s)", type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def keep(self) -> int:
        """One look; the number of items changed."""
        done = 0
        for put in await self.writes():
            try:
                await self._store.submit(Command(self._statement, (put,)))
                done += 1
            except Refusal as refusal:
                log.info("a review item changed meanwhile (%s)", refusal.category.name)
        return done

    async def writes(self) -> list[Put]:
        """What is to be changed now, of at most so many items."""
        if self._watched is None or time.monotonic() - self._begun > SWEEP_SECONDS:
            await self._begin()
        now = instant(self._clock.now())
        watched = self._watched or {}
        due = dict.fromkeys(self._again) | {
            id: None for id, one in watched.items() if one.at and one.at <= now
        }
        found: list[Put] = []
        for id in [*due][:MOST]:
            put = await self._look(id, now)
            if put is not None:
                found.append(put)  # it stays among those to be looked at, until it was found as it should be
            else:
                self._again.pop(id, None)
        return found

    async def _begin(self) -> None:
        """Watch every pending item, and look at each once: nobody knows what was missed."""
        self._watched, self._begun = self._watched or {}, time.monotonic()
        query = Query("Task", IS_PENDING_REVIEW, count=PAGE)
        while True:
            page = await self._store.search(query)
            self._again.update((version.id, None) for version in page.versions)
            if not page.cursor:
                return
            query = Query("Task", IS_PENDING_REVIEW, count=PAGE, cursor=decode(page.cursor, ()))

    async def _look(self, id: str, now: str) -> Put | None:
        """The write that brings an item up to date, or None."""
        version = await self._store.read("Task", id)
        task: JsonObject = loads(version.content) if version is not None and version.content else {}
        if version is None or not _is_pending(task):
            self._no_longer(id)
            return None
        item = read_item(task)
        entity = await self._store.entity(*item.focus)
        changed = await self._changed(task, item, entity, now)
        self._watch(id, changed, now)
        return Put("Task", id, changed, if_match=version.version) if changed != task else None

    async def _changed(self, task: JsonObject, item: Item, entity: Entity | None, now: str) -> JsonObject:
        """The item as it should be now."""
        if item.kind == CLAIMS and (done := moot(entity, self._policy, item.claims)):
            gone = entity is None or entity.deleted
            left = without_claims(task, {c.identity for c in done}, now, "moot", GONE if gone else MOOT)
            if not read_item(left).pending:
                return left
            task = left
        if entity is not None and item.focus[0] == "Appointment" and not entity.deleted:
            task = with_due(task, await due_of(self._store, entity, "", self._clock.now()))
        if holder(item, now):
            return with_reasons(task, reason_codes(task), now)
        if why := self._why_expired(task, now):
            return closed(task, "cancelled", "expired", now, why)
        if item.owner:
            task = {**freed(task), "status": "requested", "lastModified": now}
        return with_reasons(task, reason_codes(task), now)

    def _why_expired(self, task: JsonObject, now: str) -> str:
        item = read_item(task)
        if item.focus[0] == "Appointment" and item.due and item.due <= now:
            return PAST
        expires = self._expires(task)
        return f"Not decided within {self._rules.expire_days:g} days" if expires and expires <= now else ""

    def _expires(self, task: JsonObject) -> str:
        """When it is called off for its age. Whether two patients are one does not become less true with time."""
        if kind_of(task) != CLAIMS:
            return ""
        try:
            return self._rules.expires(comparable(str(task.get("authoredOn", ""))))
        except (ValueError, OverflowError):
            return ""

    def _watch(self, id: str, task: JsonObject, now: str) -> None:
        item = read_item(task)
        focus = Key(*item.focus)
        past = item.due if item.focus[0] == "Appointment" else ""
        rise = next_rise(item.due, self._clock.now())
        times = [at for at in (item.until, past, rise, self._expires(task)) if at and at > now]
        if self._watched is not None:
            self._watched[id] = Watched(focus, min(times, default=""))
            self._by_focus.setdefault(focus, set()).add(id)

    def _no_longer(self, id: str) -> None:
        known = self._watched.pop(id, None) if self._watched is not None else None
        if known is not None:
            self._by_focus[known.focus].discard(id)
            if not self._by_focus[known.focus]:
                del self._by_focus[known.focus]


def _is_pending(task: JsonObject) -> bool:
    try:
        return read_item(task).pending
    except ValueError:
        return False
