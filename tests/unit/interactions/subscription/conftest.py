"""A server with a topic, and what became an event of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.facade import Facade, patient
from tests.subscribing import eventually, status_of, subscribable, topic_subscription

NOWHERE = "http://127.0.0.1:40009/never"
TOPIC = "http://example.org/topics/tried"


@dataclass
class Tried:
    """A server on which one topic is tried out."""

    server: Facade

    async def topic(self, *triggers: Any, **more: Any) -> None:
        """State the topic."""
        topic = {
            "resourceType": "SubscriptionTopic",
            "id": "tried",
            "url": TOPIC,
            "status": "active",
            "resourceTrigger": list(triggers),
            **more,
        }
        answer = await self.server.admin.put({name: value for name, value in topic.items() if value != []})
        assert answer.status_code in (200, 201), answer.text

    async def subscribe(self, id: str = "s", filters: tuple[str, ...] = (), **more: Any) -> Any:
        """Subscribe to the topic."""
        subscription = topic_subscription(NOWHERE, TOPIC, filters=filters, id=id, **more)
        return await self.server.ehr.put(subscription)

    async def happened(self, id: str = "s") -> list[str]:
        """The ids of the focus of every event, after all that has been committed was followed."""
        await self.server.admin.put(patient("mark", active=True))
        await self.server.admin.put(patient("mark", active=False))
        await eventually(self._marked)
        told = (await self.server.admin.get(f"Subscription/{id}/$events?content=id-only")).json()
        return [event["focus"]["reference"].rpartition("/")[2] for event in status_of(told)["events"]]

    async def _marked(self) -> bool:
        """Whether the follower has seen the last of the marks: a subscription to them counts it."""
        answer = (await self.server.admin.get("Subscription/marks/$status")).json()
        asked = (await self.server.admin.get("Patient/mark")).json()
        return int(status_of(answer)["events-since-subscription-start"]) >= int(asked["meta"]["versionId"])


@pytest.fixture
async def tried(tmp_path):
    async with subscribable(tmp_path) as server:
        marks = {**topic_subscription(NOWHERE), "id": "marks", "criteria": "Patient?_id=mark"}
        marks["channel"] = {"type": "rest-hook", "endpoint": NOWHERE}
        answer = await server.admin.put(marks)
        assert answer.status_code == 201, answer.text
        yield Tried(server)
