"""``/live/texts``: messages that are ordered, for operators' programs and the other processes. The role ``operator`` is
needed."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router

from fhirserver.access.audit.event import LIVE, Audit, NoAudit
from fhirserver.access.principals import Principal, Principals, require
from fhirserver.kernel.json import InvalidJson, dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal, operation_outcome, refuse
from fhirserver.ports.texts_out import TextOrder, TextsOut
from fhirserver.rest.beside import beside

BASE = "/live/texts"
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_BODY_BYTES = 16_384
_MEMBERS = ("id", "to", "patient", "text", "reason")
_NOBODY = NoAudit()
log = logging.getLogger("credence.live")


class TextRoutes:
    """``out`` takes the orders; None: there is no telephone here."""

    def __init__(self, principals: Principals, out: TextsOut | None, audit: Audit = _NOBODY):
        self._principals, self._out, self._audit = principals, out, audit

    def router(self) -> Router:
        router = Router()
        router.add_route(BASE, self._guarded, ["POST"], include_in_schema=False)
        return router

    async def _guarded(self, request: Request) -> Response:
        principal = None
        try:
            principal = self._principals.authenticate(request.headers.get("authorization"))
            require(principal, "operator")
            if self._audit.is_full:
                await self._audit.room()
            answer = await self._order(request, principal)
        except Refusal as refusal:
            self._audit.note(beside(LIVE, request, principal, refusal))
            body = dumps(operation_outcome(refusal.issues))
            headers = {**_HEADERS, **refusal.headers}
            return Response(body, refusal.category.value, headers, "application/fhir+json")
        self._audit.note(beside(LIVE, request, principal, answer.status_code))
        return answer

    async def _order(self, request: Request, principal: Principal) -> Response:
        """201 for a new message, 200 with how it stands for an id that was ordered before."""
        order = await _read(request)
        if self._out is None:
            raise refuse(
                Category.NOT_SUPPORTED, "not-supported", "There is no telephone: [telephony] is not set"
            )
        ordered = await self._out.send(order, principal.name)
        told = "asked again for a message" if ordered.repeated else "a message out"
        log.info("operator '%s': %s", principal.name, told)
        status = 200 if ordered.repeated else 201
        return Response(dumps(ordered.as_json()), status, _HEADERS, "application/json")


async def _read(request: Request) -> TextOrder:
    """The order. Refuses (400) what is none, (413) what is too much."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _BODY_BYTES:
            raise refuse(Category.TOO_LARGE, "too-long", f"A body may have {_BODY_BYTES} bytes")
    try:
        sent = loads(bytes(raw))
    except InvalidJson:
        raise refuse(Category.INVALID, "structure", "The body is not JSON") from None
    if not isinstance(sent, dict) or not all(isinstance(sent.get(name, ""), str) for name in _MEMBERS):
        raise refuse(Category.INVALID, "structure", f"The body is an object of texts: {', '.join(_MEMBERS)}")
    if unknown := sent.keys() - {*_MEMBERS, "converses"}:
        raise refuse(Category.INVALID, "structure", f"There is no member '{min(unknown)[:40]}'")
    if not isinstance(sent.get("converses", False), bool):
        raise refuse(Category.INVALID, "structure", "'converses' is true or false", "converses")
    texts = {name: sent.get(name, "") for name in _MEMBERS}
    return TextOrder(**texts, converses=sent.get("converses", False))
