"""Our own Subscriptions at an EHR: made where they are missing, mended where the EHR has switched them off.

https://hl7.org/fhir/R4/subscription.html, https://hl7.org/fhir/uv/subscriptions-backport/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from adapters.fhir.exchange import Exchange, member
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.ports.ehr import EhrError, Permanent, Record

_BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
_ALIVE = ("active", "requested")
_REASON = "Credence reads what has changed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What we want to be told, and where.

    ``endpoint`` is the address of this server that listens, ``secret`` what a notification must bring: in a header, or
    ``in_path`` for EHRs that send none. ``topics`` are those of the backport; without any there is one Subscription by
    criteria for each type that is pulled.
    """

    endpoint: str
    secret: str = field(repr=False)
    in_path: bool = False
    topics: Sequence[str] = ()
    heartbeat: int = 60

    @property
    def address(self) -> str:
        return f"{self.endpoint}/{self.secret}" if self.in_path else self.endpoint

    def all(self, types: Sequence[str]) -> Iterator[JsonObject]:
        """The Subscriptions to have."""
        if not self.topics:
            for type in types:
                yield {"criteria": f"{type}?", "channel": self._channel()}
        for topic in self.topics:
            extension = [
                {"url": f"{_BACKPORT}/backport-heartbeat-period", "valueUnsignedInt": self.heartbeat}
            ]
            content = [{"url": f"{_BACKPORT}/backport-payload-content", "valueCode": "id-only"}]
            payload = {"payload": "application/fhir+json", "_payload": {"extension": content}}
            yield {
                "meta": {"profile": [f"{_BACKPORT}/backport-subscription"]},
                "criteria": topic,
                "channel": {"extension": extension, **self._channel(), **payload},
            }

    def _channel(self) -> JsonObject:
        channel: JsonObject = {"type": "rest-hook", "endpoint": self.address}
        return channel if self.in_path else {**channel, "header": [f"Authorization: Bearer {self.secret}"]}


class Subscriber:
    """Keeps the Subscriptions at one EHR."""

    def __init__(self, exchange: Exchange, wanted: Wanted):
        self._exchange, self._wanted = exchange, wanted

    async def keep(self, types: Sequence[str]) -> int:
        """Look once, and make or renew what is missing; how many are active or about to be.

        What the EHR refuses for one type does not keep the others from being made; the first refusal is raised where
        nothing could be.
        """
        there = await self._there()
        alive, refused = 0, list[EhrError]()
        for subscription in self._wanted.all(types):
            try:
                await self._keep(subscription, there)
                alive += 1
            except Permanent as error:
                refused.append(error)
        if refused and not alive:
            raise refused[0]
        return alive

    async def _there(self) -> dict[str, list[Record]]:
        """Our Subscriptions as the EHR has them, by criteria: those that lead to our endpoint."""
        try:
            found = await self._exchange.search(
                "Subscription", {"url": self._wanted.address, "_count": "200"}
            )
        except Permanent:
            found = await self._exchange.search("Subscription", {"_count": "200"})
        there: dict[str, list[Record]] = {}
        for each in found:
            if member(each.content, "channel").get("endpoint") == self._wanted.address:
                there.setdefault(str(each.content.get("criteria", "")), []).append(each)
        return there

    async def _keep(self, wanted: JsonObject, there: dict[str, list[Record]]) -> None:
        known, *twins = there.get(wanted["criteria"], [None])
        for twin in twins:
            if twin is not None:
                await self._exchange.send("DELETE", f"Subscription/{twin.id}")
        whole: JsonObject = {
            "resourceType": "Subscription",
            "status": "requested",
            "reason": _REASON,
            **wanted,
        }
        if known is None:
            await self._exchange.send("POST", "Subscription", content=whole)
        elif known.content.get("status") not in _ALIVE or self._has_changed(known.content):
            await self._exchange.send("PUT", f"Subscription/{known.id}", content={**whole, "id": known.id})

    def _has_changed(self, subscription: JsonObject) -> bool:
        """Whether it brings another secret than ours; EHRs that do not show their headers are believed."""
        headers: Json = member(subscription, "channel").get("header")
        shown = headers if isinstance(headers, list) else []
        stated = [str(header) for header in shown if str(header).lower().startswith("authorization:")]
        return bool(stated) and not any("*" in text or self._wanted.secret in text for text in stated)
