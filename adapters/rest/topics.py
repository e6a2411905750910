"""Subscribing to a vendor's webhooks, and the keys by which it signs them."""

from __future__ import annotations

from adapters.rest.exchange import Exchange, Made
from adapters.rest.expressions import Scope
from adapters.rest.inward import Inward
from adapters.rest.mapping import Topics
from fhirserver.kernel.json import Json
from fhirserver.ports.ehr import Conflict, Permanent, Retryable


class TopicSubscriber:
    """Makes the subscriptions that are missing; making one that is there already does no harm."""

    def __init__(self, exchange: Exchange, inward: Inward, topics: Topics):
        self._exchange, self._inward, self._topics = exchange, inward, topics

    async def keys(self, target: str) -> list[str]:
        """Subscribe ``target`` to every topic. The keys that the vendor names. Raises the port's errors."""
        held = await self._held(target)
        missing = [topic for topic in self._topics.topics if topic not in held]
        for topic in missing:
            await self._subscribe(topic, target)
        if missing:
            held = await self._held(target)
        return sorted({key for key in held.values() if key})

    def _made(self, method: str, body: dict[str, Json] | None = None) -> Made:
        evaluator, scope = self._inward.evaluator, self._scope
        prefix = self._inward.mapping.server.path.path(evaluator, {}, scope)
        return Made(method, prefix + self._topics.path.path(evaluator, {}, scope), body=body)

    @property
    def _scope(self) -> Scope:
        return self._inward.scope()

    async def _held(self, target: str) -> dict[str, str]:
        """The key of each topic that the target is subscribed to."""
        answer = await self._exchange.send(self._made("GET"))
        rows = self._inward.evaluator.value(self._topics.records, answer.body, self._scope)
        if not isinstance(rows, list):
            raise Retryable("the answer has no list of subscriptions", status=answer.status)
        ours = [row for row in rows if isinstance(row, dict) and row.get(self._topics.target) == target]
        return {str(row.get(self._topics.topic)): self._key(row) for row in ours}

    def _key(self, row: Json) -> str:
        if self._topics.key is None:
            return ""
        return self._inward.evaluator.text(self._topics.key, row, self._scope)

    async def _subscribe(self, topic: str, target: str) -> None:
        body: dict[str, Json] = {self._topics.topic: topic, self._topics.target: target}
        try:
            await self._exchange.send(self._made("POST", body))
        except (Conflict, Permanent):
            if topic not in await self._held(target):
                raise
