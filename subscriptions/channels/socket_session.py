"""One socket: what it is bound to, and what it has been told.

Two things may be said to the server: `bind <id>` (R4), for which the request that opened the socket carried a bearer
token, and `bind-with-token <token>` (backport), which needs nothing else. The answer to a subscription of R4 criteria
is `bound <id>`, and `ping <id>` where there are events; a topic's subscriber gets the notifications themselves, a
handshake first.

Nothing waits in memory for a slow client: what comes next is read from the record when the one before has been sent.

https://hl7.org/fhir/R4/subscription.html#2.46.7.2
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from fhirserver.access.binding_tokens import BindingTokens, InvalidToken
from fhirserver.access.owners import Owner, OwnerGone
from subscriptions.channels.channel import Delivery
from subscriptions.channels.feed import Feed, Standing

log = logging.getLogger("credence.sockets")

POLICY: Final = 1008
NORMAL: Final = 1000
UNSUPPORTED: Final = 1003
_AT_A_TIME: Final = 20
_NOT_YOURS: Final = "there is no such websocket subscription that is active and yours"


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """``sockets``: in one process. ``bindings``: of one socket. ``bind_seconds``: until the first of them.

    ``send_seconds``: how long a client may take nothing. ``check_seconds``: how often it is looked whether a binding
    still may be.
    """

    sockets: int = 1000
    bindings: int = 100
    bind_seconds: float = 15.0
    send_seconds: float = 30.0
    check_seconds: float = 30.0
    message_characters: int = 20_000


class Wire(Protocol):
    """What a session needs of a socket. Raises Gone where the client has left."""

    async def hear(self) -> str | None:
        """The next message; None for one that is no text."""
        ...

    async def say(self, text: str) -> None: ...


class Gone(Exception):
    """The client has left."""


class Closing(Exception):
    """The socket is to be closed, with a code and a reason that say nothing of any subscription's content."""

    def __init__(self, code: int, reason: str):
        super().__init__(reason)
        self.code, self.reason = code, reason


@dataclass
class _Bound:
    """One subscription on this socket. ``expires`` is in seconds since 1970, infinite for one bound by its id."""

    owner: Owner
    expires: float
    sent: int
    topic: bool
    heartbeat: float
    said_at: float
    checked_at: float


Telling: TypeAlias = Callable[[Owner, Delivery], Awaitable[None]]


async def _quietly(_: Owner, __: Delivery) -> None:
    """Nobody has to know."""


class Session:
    """One socket at work. ``owner`` is who opened it, where a bearer token said so; ``telling`` hears of every delivery
    of events before it goes out."""

    def __init__(
        self,
        feed: Feed,
        tokens: BindingTokens,
        wire: Wire,
        owner: Owner | None = None,
        limits: SocketLimits | None = None,
        now: Callable[[], float] = time.time,
        telling: Telling | None = None,
    ):
        self._feed, self._tokens, self._wire, self._owner = feed, tokens, wire, owner
        self._limits, self._now, self._telling = limits or SocketLimits(), now, telling or _quietly
        self._bound: dict[str, _Bound] = {}
        self._fresh: set[str] = set()
        self._news = asyncio.Event()

    def tell(self, subscriptions: frozenset[str]) -> None:
        """There is news of these subscriptions; others' are passed over."""
        mine = subscriptions & self._bound.keys()
        if mine:
            self._fresh |= mine
            self._news.set()

    def tell_all(self) -> None:
        """There may be news of any subscription."""
        self.tell(frozenset(self._bound))

    async def run(self) -> None:
        """Until the client leaves (returns) or is to be sent away (raises Closing)."""
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._serve())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except Gone:
            return
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> None:
        until = self._now() + self._limits.bind_seconds
        while True:
            try:
                async with asyncio.timeout(None if self._bound else max(0.0, until - self._now())):
                    said = await self._wire.hear()
            except TimeoutError:
                raise Closing(POLICY, "nothing was bound in time") from None
            if said is None:
                raise Closing(UNSUPPORTED, "messages are text")
            await self._obey(said)

    async def _obey(self, said: str) -> None:
        word, _, rest = said.strip().partition(" ")
        if len(said) > self._limits.message_characters:
            raise Closing(POLICY, "the message is too long")
        if word == "bind" and rest:
            await self._bind_by_id(rest.strip())
        elif word == "bind-with-token" and rest:
            await self._bind_by_token(rest.strip())
        else:
            raise Closing(POLICY, "known messages are 'bind <id>' and 'bind-with-token <token>'")

    async def _bind_by_id(self, id: str) -> None:
        if self._owner is None:
            raise Closing(
                POLICY, "'bind' needs a bearer token when the socket is opened; or use 'bind-with-token'"
            )
        await self._bind(id, self._owner, float("inf"))

    async def _bind_by_token(self, token: str) -> None:
        try:
            binding = self._tokens.read(token)
        except InvalidToken as error:
            raise Closing(POLICY, f"the token is not accepted: {error}") from None
        for id in binding.subscriptions:
            await self._bind(id, binding.owner, float(binding.expires))

    async def _bind(self, id: str, owner: Owner, expires: float) -> None:
        """Bind once more is to bind for longer: what has been sent is not sent again."""
        standing = await self._feed.standing(id)
        if standing is None or not standing.active or not await self._feed.may_bind(id, owner):
            raise Closing(POLICY, _NOT_YOURS)
        known = self._bound.get(id)
        if known is None and len(self._bound) >= self._limits.bindings:
            raise Closing(POLICY, f"a socket is bound to {self._limits.bindings} subscriptions at most")
        await self._say(await self._handshake(id) if standing.topic else f"bound {id}")
        at, sent = self._now(), known.sent if known else standing.last
        self._bound[id] = _Bound(owner, expires, sent, standing.topic, standing.heartbeat, at, at)
        self._fresh.add(id)
        self._news.set()

    async def _handshake(self, id: str) -> str:
        try:
            return (await self._feed.handshake(id)).body.decode()
        except OwnerGone:
            raise Closing(POLICY, _NOT_YOURS) from None

    async def _serve(self) -> None:
        """Tell each subscription's news in its turn, a few events at a time."""
        while True:
            self._news.clear()
            fresh, self._fresh = self._fresh, set()
            for id in [id for id, bound in self._bound.items() if id in fresh or self._is_due(bound)]:
                if await self._attend(id, self._bound[id]):
                    self._fresh.add(id)
                    self._news.set()
            await self._wait()

    async def _wait(self) -> None:
        seconds = min((self._left(bound) for bound in self._bound.values()), default=None)
        try:
            async with asyncio.timeout(None if seconds is None else max(seconds, 0.01)):
                await self._news.wait()
        except TimeoutError:
            return

    def _left(self, bound: _Bound) -> float:
        """Seconds until something is due without any news."""
        due = min(bound.expires, bound.checked_at + self._limits.check_seconds)
        if bound.heartbeat and bound.topic:
            due = min(due, bound.said_at + bound.heartbeat)
        return due - self._now()

    def _is_due(self, bound: _Bound) -> bool:
        return self._left(bound) <= 0

    async def _attend(self, id: str, bound: _Bound) -> bool:
        """Tell the news of one subscription; True where there is more of it."""
        standing = await self._feed.standing(id)
        why = await self._why_not(id, bound, standing)
        if why is not None or standing is None:
            self._unbind(id, bound, why or "it is gone")
            return False
        bound.topic, bound.heartbeat = standing.topic, standing.heartbeat
        try:
            if bound.sent < standing.last:
                return await self._tell_events(id, bound, standing)
            if bound.topic and bound.heartbeat and self._now() >= bound.said_at + bound.heartbeat:
                await self._say((await self._feed.heartbeat(id)).body.decode())
                bound.said_at = self._now()
        except OwnerGone:
            self._unbind(id, bound, "the subscription is not active")
        return False

    async def _why_not(self, id: str, bound: _Bound, standing: Standing | None) -> str | None:
        """Why this subscription may be bound no longer."""
        if standing is None or not standing.active:
            return "the subscription is not active"
        if self._now() >= bound.expires:
            return "the token has expired"
        if self._now() >= bound.checked_at + self._limits.check_seconds:
            bound.checked_at = self._now()
            if not await self._feed.may_bind(id, bound.owner):
                return "the subscription is no longer yours"
        return None

    def _unbind(self, id: str, bound: _Bound, why: str) -> None:
        """Take it off this socket, and close one that has nothing else; one that was bound anew meanwhile stays."""
        if self._bound.get(id) is bound:
            del self._bound[id]
        log.info("subscription %s is taken off a socket: %s", id, why)
        if not self._bound:
            raise Closing(NORMAL, why)

    async def _tell_events(self, id: str, bound: _Bound, standing: Standing) -> bool:
        if not bound.topic:
            await self._say(f"ping {id}")
            bound.sent = standing.last
            return False
        for delivery in await self._feed.events(id, bound.sent, _AT_A_TIME):
            await self._telling(bound.owner, delivery)
            await self._say(delivery.body.decode())
            bound.sent, bound.said_at = max(bound.sent, delivery.number), self._now()
        return bound.sent < standing.last

    async def _say(self, text: str) -> None:
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await self._wire.say(text)
        except TimeoutError:
            log.warning("a socket is closed: its client takes nothing")
            raise Closing(POLICY, "too slow") from None
