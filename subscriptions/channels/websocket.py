"""websocket: the sockets that are open in this process.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#websockets
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Final

from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from fhirserver.access.audit.event import SOCKET, Audit, Event, NoAudit
from fhirserver.access.binding_tokens import BindingTokens
from fhirserver.access.owners import Owner, owner_of
from fhirserver.access.principals import Principal, Principals
from fhirserver.kernel.outcomes import Refusal
from subscriptions.channels.channel import Delivery, Target
from subscriptions.channels.feed import Feed
from subscriptions.channels.socket_session import Closing, Gone, Session, SocketLimits
from subscriptions.disclosures import disclosure

log = logging.getLogger("credence.sockets")

PATH: Final = "/fhir/ws"
GATHER_SECONDS: Final = 0.03
"""What is committed shortly after a first event is told together with it."""
_LOOK_SECONDS: Final = 5.0
_FAULT: Final = 1011
_LATER: Final = 1013


def refusal(target: Target) -> str | None:
    """Why a Subscription on this channel cannot be served: it has no place to send to."""
    if target.endpoint:
        return "a websocket subscription has no endpoint: its socket is opened at this server"
    if target.headers:
        return "a websocket subscription has no headers"
    return None


def url_of(fhir_base: str) -> str:
    """Where sockets are opened, by the FHIR base that clients know."""
    return f"ws{fhir_base.removeprefix('http')}/ws"


class Sockets:
    """Takes sockets, and wakes them when the log has something for them."""

    def __init__(
        self,
        feed: Feed,
        tokens: BindingTokens,
        principals: Principals,
        limits: SocketLimits | None = None,
        audit: Audit | None = None,
    ):
        self._feed, self._tokens, self._principals = feed, tokens, principals
        self._audit = audit or NoAudit()
        self._limits = limits or SocketLimits()
        self._open: set[Session] = set()
        self._any = asyncio.Event()

    async def run(self) -> None:
        """Follow the log for as long as there are sockets, for ever. A failing look is repeated."""
        position, failures = 0, 0
        while True:
            try:
                if not self._open:
                    self._any.clear()
                    await self._any.wait()
                    position = 0
                position = await self._look(position)
                failures = 0
            except Exception as error:  # the storage may be back the next time, and nothing is skipped
                failures += 1
                log.warning("sockets: %s, once more", type(error).__name__)
                await asyncio.sleep(min(0.1 * 2**failures, 10))

    async def _look(self, position: int) -> int:
        if not position:
            position = await self._feed.position()
            for session in list(
                self._open
            ):  # what came before is in the record, but they may have read that before
                session.tell_all()
            return position
        news = await self._feed.news(position, _LOOK_SECONDS)
        for session in list(self._open) if news.subscriptions else ():
            session.tell(news.subscriptions)
        if news.position > position:
            await asyncio.sleep(GATHER_SECONDS)
        return news.position

    async def serve(self, socket: WebSocket) -> None:
        """The ASGI endpoint: one socket from its opening to its end."""
        try:
            principal = self._principal(socket)
        except Refusal as refused:
            self._note(socket, None, refused.category.value)
            await _deny(socket, Response(status_code=refused.category.value, headers=refused.headers))
            return
        if len(self._open) >= self._limits.sockets:
            log.warning("a socket is refused: %d are open", len(self._open))
            await _deny(socket, Response(status_code=503, headers={"Retry-After": "30"}))
            return
        await socket.accept()
        self._note(socket, principal, 101)
        owner = owner_of(principal) if principal else None
        telling = partial(self._telling, _address(socket))
        session = Session(self._feed, self._tokens, _Wire(socket), owner, self._limits, telling=telling)
        self._open.add(session)
        self._any.set()
        try:
            await session.run()
        except Closing as closing:
            log.info("a socket is closed: %s", closing.reason)
            await _close(socket, closing.code, closing.reason)
        except Exception as error:
            log.warning("a socket is closed: %s", type(error).__name__)
            await _close(socket, _FAULT, "a fault of the server")
        finally:
            self._open.discard(session)

    def _note(self, socket: WebSocket, principal: Principal | None, status: int) -> None:
        """Note who opened a socket or was refused; what it is then bound to a token says, and who got that is noted."""
        event = Event(SOCKET, query=socket.url.path, status=status, address=_address(socket))
        self._audit.note(event.by(principal) if principal else event)

    async def _telling(self, address: str, owner: Owner, delivery: Delivery) -> None:
        """Note what goes out on a socket, before it does."""
        if not delivery.disclosed:
            return
        if self._audit.is_full:
            await self._audit.room()
        self._audit.note(disclosure(owner, delivery, address=address))

    def _principal(self, socket: WebSocket) -> Principal | None:
        """Who opens it, where a bearer token says so. Raises Refusal for a token that is not known."""
        authorization = socket.headers.get("authorization")
        return None if authorization is None else self._principals.authenticate(authorization)


def _address(socket: WebSocket) -> str:
    return socket.client.host if socket.client else ""


async def _deny(socket: WebSocket, response: Response) -> None:
    await socket.receive()
    await socket.send_denial_response(response)


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    """Say goodbye to whoever listens."""
    if (
        socket.client_state is WebSocketState.CONNECTED
        and socket.application_state is WebSocketState.CONNECTED
    ):
        try:
            async with asyncio.timeout(1):
                await socket.close(code, reason)
        except (TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
            return


class _Wire:
    """A Starlette socket as a session wants it."""

    def __init__(self, socket: WebSocket):
        self._socket = socket

    async def hear(self) -> str | None:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise Gone
        return message.get("text")

    async def say(self, text: str) -> None:
        try:
            await self._socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError, OSError):
            raise Gone from None
