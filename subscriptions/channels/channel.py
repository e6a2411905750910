"""What the engine of subscriptions hands to a channel, and what a channel answers.

The engine decides what is sent, in which order, and what a failure means for the subscription's status. A channel makes
one attempt at one delivery: it returns when the other side has taken it, or raises `Undeliverable`.

https://hl7.org/fhir/R4/subscription.html#channels
https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

Kind: TypeAlias = Literal["handshake", "heartbeat", "event-notification", "query-status", "query-event"]
Method: TypeAlias = Literal["POST", "PUT", "DELETE"]

ATTEMPT_SECONDS = 10.0


@dataclass(frozen=True)
class Target:
    """Where a subscription's notifications go: the parts of `Subscription.channel` that a channel needs.

    `headers` are lines such as `"Authorization: Bearer x"`. `content_type` is that of `channel.payload`, or ""
    where the subscription asked for no payload. `timeout` is for one attempt, in seconds. An empty `secret` means
    unsigned.
    """

    subscription: str
    type: str
    endpoint: str
    headers: tuple[str, ...] = ()
    content_type: str = ""
    timeout: float = ATTEMPT_SECONDS
    secret: bytes = field(default=b"", repr=False)
    former_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    """Those from before the server's key was changed, for who has not asked for the new one yet."""


@dataclass(frozen=True)
class Delivery:
    """One thing to be sent to one target.

    `number` is the event's number within the subscription (0 for a handshake or heartbeat before any event); `key` is
    the same for every attempt at one delivery and for no other delivery. `method` and `path` are for the R4 rest-hook
    that carries a payload: `PUT` of the resource to the endpoint plus `/Type/id`. An empty `body` is sent as no body
    at all. `disclosed` are the versions that the body names or holds: type, id, number.
    """

    target: Target
    body: bytes = field(repr=False)
    content_type: str
    number: int
    kind: Kind
    key: str
    method: Method = "POST"
    path: str = ""
    disclosed: tuple[tuple[str, str, int], ...] = ()


class Undeliverable(Exception):
    """An attempt failed. The message is for operators and for `Subscription.error`: it holds nothing of the payload.

    `retryable`: the same delivery may succeed later. `after`: seconds that the other side asked to be left alone, where
    it did. `gone`: the other side says that it wants no more (HTTP 410), so the subscription is to be switched off.
    `unsent`: nothing of the delivery has left, so that nobody can have it. `status`: what was answered, 0 for nothing.
    """

    def __init__(
        self,
        reason: str,
        *,
        retryable: bool,
        after: float | None = None,
        gone: bool = False,
        unsent: bool = False,
        status: int = 0,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.unsent = unsent
        self.reason = reason
        self.retryable = retryable
        self.after = after
        self.gone = gone


class Channel(Protocol):
    """One way to deliver. An implementation serves all subscriptions of its type and keeps nothing about order."""

    def refusal(self, target: Target) -> str | None:
        """Why this target can never be served (scheme, host, header name …), for whoever makes the subscription.

        None where nothing speaks against it. Looks at nothing but the target: names are resolved at every attempt.
        """
        ...

    def discloses(self, target: Target) -> bool:
        """Whether the body of a delivery is sent at all, and not only the word that there is one."""
        ...

    async def deliver(self, delivery: Delivery) -> None:
        """Make one attempt. Raises Undeliverable; returning means that the other side has taken it."""
        ...

    async def close(self) -> None:
        """Let go of connections. Nothing may be delivered afterwards."""
        ...
