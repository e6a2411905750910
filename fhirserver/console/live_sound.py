"""The sound of a call at the operator's page: a pass for it, and the websocket that takes the pass."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from fhirserver.access.audit.event import LIVE, Event
from fhirserver.access.desk_passes import CallPasses
from fhirserver.console.desk import HEADERS, Desk
from fhirserver.console.sessions import Session
from fhirserver.interactions.live_sound import carry
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.live_calls import OperatorSound

_PASS_SECONDS = 5.0
_PASS_LENGTH = 300
_REFUSED = 1008
_GONE = (WebSocketDisconnect, OSError, RuntimeError)
"""A socket is gone: Starlette says so by any of these."""


class LiveSound:
    """A page of another site can open a websocket with the operator's cookie, but it cannot ask for a pass, which takes
    the token of the page's forms. The pass comes as the first message: addresses stand in logs."""

    def __init__(self, desk: Desk, ending: asyncio.Event):
        self._desk, self._ending = desk, ending
        self._passes = CallPasses(desk.context.key)

    async def let_in(self, request: Request, session: Session) -> Response:
        """A pass for this operator to the sound of this call; 404 where there is none, or no more."""
        live, id = self._desk.context.live, request.path_params["id"]
        call = live.call(id) if live is not None else None
        if call is None or call.ended:
            return Response(status_code=404, headers=HEADERS)
        return JSONResponse({"pass": self._passes.issue(session.principal.name, id)}, headers=HEADERS)

    async def serve(self, socket: WebSocket) -> None:
        """One connection from its upgrade to its end."""
        session = await self._desk.sessions.of(socket)
        if session is None:
            self._note_refusal(socket, 401, "login")
            await socket.close()
            return
        with contextlib.suppress(*_GONE):
            await socket.accept()
            sound = await self._opened(socket, session)
            if sound is None:
                self._note_refusal(socket, 403, "forbidden", session)
                await socket.close(_REFUSED)
                return
            name = session.principal.name
            await socket.close(await carry(sound, socket, lambda: self._still_in(socket, name)))

    def _note_refusal(
        self, socket: WebSocket, status: int, issue: str, session: Session | None = None
    ) -> None:
        address = socket.client.host if socket.client else ""
        event = Event(LIVE, query=socket.url.path[:2000], status=status, issue=issue, address=address)
        self._desk.context.audit.note(event.by(session.principal) if session else event)

    async def _opened(self, socket: WebSocket, session: Session) -> OperatorSound | None:
        live, id, name = self._desk.context.live, socket.path_params["id"], session.principal.name
        with contextlib.suppress(TimeoutError, KeyError):  # KeyError: the first message is no text
            async with asyncio.timeout(_PASS_SECONDS):
                token = await socket.receive_text()
            if live is None or len(token) > _PASS_LENGTH or not self._passes.redeem(token, name, id):
                return None
            with contextlib.suppress(Refusal):
                return await live.sound(id, name)
        return None

    async def _still_in(self, socket: WebSocket, name: str) -> bool:
        session = await self._desk.sessions.of(socket)
        return session is not None and session.principal.name == name and not self._ending.is_set()
