"""What is sent: events of the record as deliveries, in the form that a Subscription asks for.

What the owner of a subscription may not read at this moment is not sent: of a topic's event its number remains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fhirserver.access.owners import Owners
from fhirserver.access.server_key import signing_secrets
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.subscription.notification import (
    Happening,
    happenings,
    notification,
    versions_told,
)
from fhirserver.interactions.subscription.record import Event
from fhirserver.interactions.subscription.sight import sight_of
from fhirserver.kernel.json import dumps
from subscriptions.channels.channel import Delivery, Kind, Target
from subscriptions.interests import Held

FHIR_JSON = "application/fhir+json"


@dataclass(frozen=True)
class Rendering:
    """Makes deliveries for subscriptions, by what their owners may do at that moment."""

    context: Context
    owners: Owners

    async def check(self, held: Held) -> None:
        """Raises :class:`~fhirserver.access.owners.OwnerGone` where there is nobody any more whom to tell."""
        await self.owners.principal(held.standing.owner)

    def target(self, held: Held) -> Target:
        """Where notifications go."""
        wanted = held.wanted
        secret, *former = signing_secrets(self.context.key, held.id, held.standing.owner)
        return Target(
            held.id,
            wanted.channel,
            wanted.endpoint,
            wanted.headers,
            wanted.mime,
            wanted.timeout,
            secret.encode(),
            tuple(one.encode() for one in former),
        )

    async def plain(self, held: Held, kind: Kind) -> Delivery:
        """A handshake or heartbeat: a status without events. Raises OwnerGone."""
        await self.check(held)
        number = held.standing.number
        key = f"{held.id}/{kind}/{held.standing.version}"
        if kind == "heartbeat":
            key += f"/{self.context.store.now()}"
        body = dumps(notification(self.context, held.wanted, kind, number))
        return Delivery(self.target(held), body, FHIR_JSON, number, kind, key)

    async def of_events(self, held: Held, events: Sequence[Event]) -> Sequence[Delivery]:
        """The events as deliveries, in order: one notification of a topic, or one for each by R4 criteria.

        Nothing is made of what an R4 criteria subscription's owner may not read. Raises OwnerGone.
        """
        sight = await sight_of(self.context, await self.owners.principal(held.standing.owner))
        await self.context.topics.refresh()
        topic = self.context.topics.find(held.wanted.topic) if held.wanted.topic else None
        told = await happenings(sight, topic, events)
        if held.wanted.topic:
            return [self._of_topic(held, told)]
        return [self._of_criteria(held, one) for one in told if one.focus is not None]

    def _of_topic(self, held: Held, told: Sequence[Happening]) -> Delivery:
        last = told[-1].event.number
        body = dumps(notification(self.context, held.wanted, "event-notification", last, told))
        key = f"{held.id}/{told[0].event.number}-{last}"
        disclosed = tuple([one[:3] for one in versions_told(told, held.wanted.content)])
        return Delivery(
            self.target(held), body, FHIR_JSON, last, "event-notification", key, disclosed=disclosed
        )

    def _of_criteria(self, held: Held, one: Happening) -> Delivery:
        """https://hl7.org/fhir/R4/subscription.html#channels: nothing, or the resource by PUT to its place."""
        number, key = one.event.number, f"{held.id}/{one.event.number}"
        target = self.target(held)
        if held.wanted.content == "empty" or one.focus is None:
            return Delivery(target, b"", "", number, "event-notification", key)
        path = f"/{one.focus.type}/{one.focus.id}"
        by_place = held.wanted.channel == "rest-hook"
        return Delivery(
            target,
            one.focus.content,
            held.wanted.mime or FHIR_JSON,
            number,
            "event-notification",
            key,
            "PUT" if by_place else "POST",
            path if by_place else "",
            (one.focus[:3],),
        )
