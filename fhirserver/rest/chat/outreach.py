"""The practice's side: it begins a conversation with a patient."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from fhirserver.access.audit.event import BESIDE
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.chats import Outreach
from fhirserver.rest.beside import beside
from fhirserver.rest.chat.chat import Chat
from fhirserver.rest.chat.models import ORDER, OutreachOrder, OutreachOut
from fhirserver.rest.chat.users import ServiceId
from fhirserver.rest.platform.rights import Asked, Right

router = APIRouter(tags=["outreach"])


@router.post("/services/{service}/outreach", status_code=201, responses={200: {"model": OutreachOut}})
async def reach(
    request: Request, response: Response, service: ServiceId, order: OutreachOrder
) -> OutreachOut:
    """Begin a conversation about an errand, with a token of the platform's side (right ``act``). The patient finds it
    as the active conversation. 200: it had been ordered before."""
    chat, asked = await _asked(request)
    what = Outreach(
        order.id, service, order.patient, order.reason, order.user, order.request, order.run, order.words
    )
    one, fresh = await chat.chats.reach(what, asked.principal.name)
    response.status_code = 201 if fresh else 200
    event = beside(BESIDE, request, asked.principal, response.status_code)
    chat.audit.note(event._replace(patients=(order.patient.removeprefix("Patient/"),)))
    return OutreachOut(conversation=one.id, repeated=not fresh)


@router.get("/outreach")
async def find(request: Request, order: Annotated[str, Query(alias="id", pattern=ORDER)]) -> OutreachOut:
    """The conversation that the order ``id`` has led to, with a token of the platform's side (right ``act``). 404: it
    has led to none, and never will unless it is ordered again."""
    chat, asked = await _asked(request)
    found = await chat.chats.ordered(order)
    chat.audit.note(beside(BESIDE, request, asked.principal, 200 if found else 404))
    if not found:
        raise refuse(Category.NOT_FOUND, "not-found", "The order has led to no conversation")
    return OutreachOut(conversation=found, repeated=True)


async def _asked(request: Request) -> tuple[Chat, Asked]:
    """Refuses (401, 403) whoever may not act."""
    chat: Chat = request.app.state.chat
    asked = await chat.asked(request.headers.get("authorization"), request.scope)
    if not asked.may(Right.ACT):
        text = f"The role '{asked.role or 'none'}' may not do this: it needs the right 'act'"
        raise refuse(Category.FORBIDDEN, "forbidden", text)
    return chat, asked
