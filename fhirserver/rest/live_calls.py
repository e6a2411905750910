"""``/live/calls``: calls under way for operators' programs. A bearer token with the role ``operator`` is needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Router
from starlette.websockets import WebSocket, WebSocketDisconnect

from fhirserver.access.audit.event import LIVE, Audit, NoAudit
from fhirserver.access.principals import Principal, Principals, require
from fhirserver.interactions.live_calls import is_at_its_end, position, stream
from fhirserver.interactions.live_sound import carry
from fhirserver.kernel.json import InvalidJson, JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal, operation_outcome, refuse
from fhirserver.ports.calls_out import CallOrder, CallsOut
from fhirserver.ports.live_calls import LiveCalls
from fhirserver.rest.beside import beside

BASE = "/live/calls"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_BODY_BYTES = 16_384
_MEMBERS = ("action", "text", "disposition")
_ORDER = ("id", "to", "patient", "reason")

_GONE = (WebSocketDisconnect, OSError, RuntimeError)
"""A socket is gone: Starlette says so by any of these."""
_NOBODY = NoAudit()
Answering = Callable[[Request, Principal], Awaitable[Response]]
log = logging.getLogger("credence.live")


class LiveRoutes:
    """The endpoints; ``ending`` is set when the server is about to stop. ``out`` takes orders of calls out."""

    def __init__(
        self,
        live: LiveCalls,
        principals: Principals,
        ending: asyncio.Event,
        out: CallsOut | None = None,
        audit: Audit = _NOBODY,
    ):
        self._live, self._principals, self._ending, self._out = live, principals, ending, out
        self._audit = audit

    def router(self) -> Router:
        router = Router()
        for method, path, answering in (
            ("GET", "", self._calls),
            ("POST", "", self._order),
            ("GET", "/{id}", self._call),
            ("GET", "/{id}/timeline", self._timeline),
            ("GET", "/{id}/events", self._events),
            ("GET", "/{id}/audio", self._audio),
            ("POST", "/{id}/actions", self._act),
        ):
            router.add_route(BASE + path, self._for_operators(answering), [method], include_in_schema=False)
        router.add_websocket_route(BASE + "/{id}/sound", self._sound)
        return router

    def _for_operators(self, answering: Answering) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            principal = None
            try:
                principal = self._principals.authenticate(request.headers.get("authorization"))
                require(principal, "operator")
                if self._audit.is_full:
                    await self._audit.room()
                answer = await answering(request, principal)
            except Refusal as refusal:
                self._audit.note(beside(LIVE, request, principal, refusal))
                return _refused(refusal)
            self._audit.note(beside(LIVE, request, principal, answer.status_code))
            return answer

        return guarded

    async def _calls(self, _: Request, __: Principal) -> Response:
        return _json({"calls": [call.as_json() for call in self._live.calls()]})

    async def _order(self, request: Request, principal: Principal) -> Response:
        """A call out: 201 for a new one, 200 with how it stands for an id that was ordered before."""
        sent = await _body(request, _ORDER)
        if self._out is None:
            raise refuse(
                Category.NOT_SUPPORTED, "not-supported", "There is no telephone: [telephony] is not set"
            )
        ordered = await self._out.order(CallOrder(**sent), principal.name)
        log.info(
            "operator '%s': %s",
            principal.name,
            "asked again for a call" if ordered.repeated else "a call out",
        )
        return _json(ordered.as_json(), 200 if ordered.repeated else 201)

    async def _call(self, request: Request, _: Principal) -> Response:
        call = self._live.call(request.path_params["id"])
        if call is None:
            raise refuse(Category.NOT_FOUND, "not-found", "There is no such call any more")
        return _json(call.as_json())

    async def _timeline(self, request: Request, _: Principal) -> Response:
        events = await self._live.so_far(request.path_params["id"])
        return _json({"events": [{"id": event.id, **event.as_json()} for event in events]})

    async def _events(self, request: Request, _: Principal) -> Response:
        id = request.path_params["id"]
        told = request.headers.get("last-event-id") or request.query_params.get("after", "")
        if is_at_its_end(self._live, id, position(told)):
            return Response(status_code=204, headers=_HEADERS)
        self._live.follow(id)  # 404 before anything is sent
        events = stream(self._live, id, position(told), self._ending)
        return StreamingResponse(events, media_type="text/event-stream", headers=_HEADERS)

    async def _audio(self, request: Request, principal: Principal) -> Response:
        id = request.path_params["id"]
        sound = self._live.audio(id)
        await self._live.act(id, "listen", principal.name)
        return StreamingResponse(until(sound, self._ending), media_type="audio/wav", headers=_HEADERS)

    async def _sound(self, socket: WebSocket) -> None:
        """The sound of a call both ways. A browser cannot send the header: only programs come in here."""
        principal = None
        try:
            principal = self._principals.authenticate(socket.headers.get("authorization"))
            require(principal, "operator")
            if self._audit.is_full:
                await self._audit.room()
            sound = await self._live.sound(socket.path_params["id"], principal.name)
        except Refusal as refusal:
            self._audit.note(beside(LIVE, socket, principal, refusal))
            await socket.send_denial_response(_refused(refusal))
            return
        self._audit.note(beside(LIVE, socket, principal))
        try:
            await socket.accept()
            await socket.close(await carry(sound, socket, self._may_go_on))
        except _GONE:
            await sound.close()

    async def _may_go_on(self) -> bool:
        return not self._ending.is_set()

    async def _act(self, request: Request, principal: Principal) -> Response:
        sent = await _body(request, _MEMBERS)
        call = await self._live.act(
            request.path_params["id"], sent["action"], principal.name, sent["text"], sent["disposition"]
        )
        log.info("operator '%s': %s on a call", principal.name, sent["action"])
        return _json(call.as_json())


def _refused(refusal: Refusal) -> Response:
    body = dumps(operation_outcome(refusal.issues))
    headers = {**_HEADERS, **refusal.headers}
    return Response(body, refusal.category.value, headers, "application/fhir+json")


async def until(sound: AsyncIterator[bytes], ending: asyncio.Event) -> AsyncIterator[bytes]:
    """The chunks of a sound until it, or the server, ends."""
    async for chunk in sound:
        if ending.is_set():
            return
        yield chunk


async def _body(request: Request, members: tuple[str, ...]) -> dict[str, str]:
    """The texts of an action or an order; empty where one is left out.

    Refuses (400) what is no JSON object of texts, (413) what is too much.
    """
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _BODY_BYTES:
            raise refuse(Category.TOO_LARGE, "too-long", f"A body may have {_BODY_BYTES} bytes")
    try:
        sent = loads(bytes(raw))
    except InvalidJson:
        raise refuse(Category.INVALID, "structure", "The body is not JSON") from None
    if not isinstance(sent, dict) or not all(isinstance(value, str) for value in sent.values()):
        raise refuse(Category.INVALID, "structure", f"The body is an object of texts: {', '.join(members)}")
    if unknown := sent.keys() - set(members):
        raise refuse(Category.INVALID, "structure", f"There is no member '{min(unknown)[:40]}'")
    return {name: sent.get(name, "") for name in members}


def _json(body: JsonObject, status: int = 200) -> Response:
    return Response(dumps(body), status, headers=_HEADERS, media_type="application/json")
