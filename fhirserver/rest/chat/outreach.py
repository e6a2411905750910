"""The practice's side: it begins a conversation with a patient."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from fhirserver.access.audit.event import BESIDE
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.chats import Outreach
from fhirserver.rest.beside import beside
from fhirserver.rest.chat.chat import Chat
from fhirserver.rest.chat.models import OutreachOrder, OutreachOut
from fhirserver.rest.chat.users import ServiceId
from fhirserver.rest.platform.rights import Right

router = APIRouter(tags=["outreach"])


@router.post("/services/{service}/outreach", status_code=201, responses={200: {"model": OutreachOut}})
async def reach(
    request: Request, response: Response, service: ServiceId, order: OutreachOrder
) -> OutreachOut:
    """Begin a conversation about an errand, with a token of the platform's side (right ``act``). The patient finds it
    as the active conversation. 200: it had been ordered before."""
    chat: Chat = request.app.state.chat
    asked = await chat.asked(request.headers.get("authorization"), request.scope)
    if not asked.may(Right.ACT):
        text = f"The role '{asked.role or 'none'}' may not do this: it needs the right 'act'"
        raise refuse(Category.FORBIDDEN, "forbidden", text)
    what = Outreach(order.id, service, order.patient, order.reason, order.user, order.request, order.run)
    one, fresh = await chat.chats.reach(what, asked.principal.name)
    response.status_code = 201 if fresh else 200
    event = beside(BESIDE, request, asked.principal, response.status_code)
    chat.audit.note(event._replace(patients=(order.patient.removeprefix("Patient/"),)))
    return OutreachOut(conversation=one.id, repeated=not fresh)
