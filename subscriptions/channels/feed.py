"""Where sockets learn of events: the durable record of a subscription's events, as the engine keeps it.

A socket may be open in another process than the one that runs the engine. So nothing is handed from the engine to
sockets: each process reads, for the subscriptions that are bound in it, what the record has beyond the last event that
it sent. Only the record decides on numbers and order; what is lost with a socket is there for the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fhirserver.access.owners import Owner
from subscriptions.channels.channel import Delivery


@dataclass(frozen=True, slots=True)
class Standing:
    """How a subscription stands now.

    ``active`` is false where it is off, in error, deleted, no websocket subscription (any more), or its owner is gone.
    ``last`` is the number of its last event (0 before any). ``topic`` is false for an R4 criteria subscription, which
    is told ``ping <id>``. ``heartbeat`` is after how many seconds of silence it is to be told that all is well (0:
    never).
    """

    active: bool
    last: int
    topic: bool
    heartbeat: float = 0.0


@dataclass(frozen=True, slots=True)
class News:
    """What the log brought: how long it is now, and the subscriptions that have more events, or stand differently."""

    position: int
    subscriptions: frozenset[str]


class Feed(Protocol):
    """What the engine offers to those who hold sockets; it may be asked in every process."""

    async def standing(self, subscription: str) -> Standing | None:
        """How it stands; None where there is none of this id."""
        ...

    async def may_bind(self, subscription: str, owner: Owner) -> bool:
        """Whether somebody may have its notifications now: its owner, and who looks after all."""
        ...

    async def handshake(self, subscription: str) -> Delivery:
        """The handshake notification as of now."""
        ...

    async def heartbeat(self, subscription: str) -> Delivery:
        """A heartbeat notification as of now."""
        ...

    async def events(self, subscription: str, after: int, limit: int) -> Sequence[Delivery]:
        """Notifications of the events numbered above ``after``, in order, at most ``limit``; rendered for its owner.

        One notification may tell of several events; its ``number`` is then that of the last. Raises
        :class:`~fhirserver.access.owners.OwnerGone`, as do the two above.
        """
        ...

    async def position(self) -> int:
        """How long the log is now."""
        ...

    async def news(self, position: int, seconds: float) -> News:
        """What the log has beyond ``position``; where it has nothing, waits for that, at most ``seconds``."""
        ...
