"""Subscriptions of the simulated EHR: rest-hook, by R4 criteria or by a topic of the R5 backport.

https://hl7.org/fhir/R4/subscription.html, https://hl7.org/fhir/uv/subscriptions-backport/
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from adapters.simulator.habits import HabitBook
from adapters.simulator.records import Records, Stored
from adapters.simulator.search import InvalidSearch, parse, run
from fhirserver.kernel.json import JsonObject, dumps

if TYPE_CHECKING:
    import httpx

TOPIC = "https://ehr.example/fhir/SubscriptionTopic/record-changed"
"""The one topic: anything is created, changed or deleted. A filter may be a search such as ``Patient?_id=1``."""
_FILTER = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-filter-criteria"
_TRIES = 3
_PAUSE = 0.2


@dataclass(slots=True)
class Queue:
    """What waits for one subscriber, in order, and the task that delivers it."""

    waiting: asyncio.Queue[Stored | None] = field(default_factory=asyncio.Queue)
    task: asyncio.Task[None] | None = None


class Notifier:
    """Follows the records, and tells those who have subscribed."""

    def __init__(self, records: Records, habits: HabitBook):
        self._records, self._habits = records, habits
        self._queues: dict[str, Queue] = {}
        self._chance = random.Random(1)  # noqa: S311
        self._http: httpx.AsyncClient | None = None
        records.listener = self.changed

    async def close(self) -> None:
        for queue in self._queues.values():
            if queue.task is not None:
                queue.task.cancel()
        if self._http is not None:
            await self._http.aclose()

    def changed(self, stored: Stored) -> None:
        """A record was written; whom it concerns is found out when that is done."""
        if self._habits.now.subscriptions != "none":
            asyncio.get_running_loop().call_soon(self._spread, stored)

    def _spread(self, stored: Stored) -> None:
        if stored.type == "Subscription":
            if not stored.deleted and stored.json().get("status") == "requested":
                self._queue(stored.id).put_nowait(None)
            return
        for each in self._records.matching("type = ? AND deleted = 0", ("Subscription",)):
            subscription = each.json()
            if subscription.get("status") == "active" and self._concerns(subscription, stored):
                self._queue(each.id).put_nowait(stored)

    def _concerns(self, subscription: JsonObject, stored: Stored) -> bool:
        criteria = str(subscription.get("criteria", ""))
        if criteria == TOPIC:
            filters = [
                str(item.get("valueString"))
                for item in subscription.get("_criteria", {}).get("extension", [])
                if item.get("url") == _FILTER
            ]
            return not filters or any(self._matches(text, stored, gone=True) for text in filters)
        return self._matches(criteria, stored, gone=False)

    def _matches(self, criteria: str, stored: Stored, gone: bool) -> bool:
        type, _, query = criteria.partition("?")
        if type != stored.type or (stored.deleted and not gone):
            return False
        if stored.deleted:
            return True
        try:
            search = parse(type, [*parse_qsl(query), ("_id", stored.id)], 1)
        except InvalidSearch:
            return False
        return bool(run(self._records, search)[0])

    def _queue(self, id: str) -> asyncio.Queue[Stored | None]:
        queue = self._queues.setdefault(id, Queue())
        if queue.task is None or queue.task.done():
            queue.task = asyncio.create_task(self._deliver(id, queue.waiting))
        return queue.waiting

    async def _deliver(self, id: str, waiting: asyncio.Queue[Stored | None]) -> None:
        """Deliver in order. None stands for the handshake of a new subscription."""
        while True:
            stored = await waiting.get()
            subscription = self._current(id)
            if subscription is None:
                return
            if await self._told(subscription, stored):
                if stored is None:
                    self._set(id, "active")
            else:
                self._set(id, "error")

    async def _told(self, subscription: JsonObject, stored: Stored | None) -> bool:
        topic = subscription.get("criteria") == TOPIC
        if stored is None and not topic:
            return True
        id = subscription["id"]
        number = self._records.next_number(f"subscription/{id}") if stored is not None else 0
        if stored is not None and self._chance.random() < self._habits.now.notification_loss:
            return True
        kind = "handshake" if stored is None else "event-notification"
        body = notification(subscription, kind, number, stored) if topic else b""
        for attempt in range(_TRIES):
            if await self._send(subscription, stored, body):
                return True
            await asyncio.sleep(_PAUSE * 2**attempt)
        return False

    async def _send(self, subscription: JsonObject, stored: Stored | None, body: bytes) -> bool:
        channel = subscription["channel"]
        headers = dict(_header(text) for text in channel.get("header", []))
        method, url = "POST", channel["endpoint"]
        if not body and stored is not None and channel.get("payload"):
            method, url, body = "PUT", f"{url}/{stored.type}/{stored.id}", stored.content
        if body:
            headers["content-type"] = "application/fhir+json"
        import httpx  # only where somebody has subscribed

        self._http = self._http or httpx.AsyncClient(trust_env=False, timeout=5)
        try:
            return (await self._http.request(method, url, content=body, headers=headers)).is_success
        except httpx.HTTPError:
            return False

    def _current(self, id: str) -> JsonObject | None:
        stored = self._records.current("Subscription", id)
        return stored.json() if stored is not None and not stored.deleted else None

    def _set(self, id: str, status: str) -> None:
        if subscription := self._current(id):
            self._records.put({**subscription, "status": status}, id)


def notification(subscription: JsonObject, kind: str, number: int, stored: Stored | None) -> bytes:
    """A notification with ids only, in the form of the R4 backport."""
    status: list[JsonObject] = [
        {"name": "subscription", "valueReference": {"reference": f"Subscription/{subscription['id']}"}},
        {"name": "topic", "valueCanonical": TOPIC},
        {"name": "status", "valueCode": "requested" if kind == "handshake" else "active"},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(number)},
    ]
    entries: list[JsonObject] = []
    if stored is not None:
        focus = {"reference": f"{stored.type}/{stored.id}"}
        parts: list[JsonObject] = [
            {"name": "event-number", "valueString": str(number)},
            {"name": "focus", "valueReference": focus},
        ]
        status.append({"name": "notification-event", "part": parts})
        method = "DELETE" if stored.deleted else "PUT"
        entries.append(
            {"request": {"method": method, "url": focus["reference"]}, "response": {"status": "200"}}
        )
    first = {
        "resource": {"resourceType": "Parameters", "parameter": status},
        "request": {"method": "GET", "url": f"Subscription/{subscription['id']}/$status"},
        "response": {"status": "200"},
    }
    return dumps({"resourceType": "Bundle", "type": "history", "entry": [first, *entries]})


def _header(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name.strip(), value.strip()
