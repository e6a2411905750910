"""What the audit notes of ``/chat``: who began, read, finished or ordered a conversation; never what was said."""

from __future__ import annotations

from starlette.requests import HTTPConnection

from fhirserver.access.audit.event import BESIDE
from fhirserver.ports.chats import ChatUser
from fhirserver.rest.beside import beside
from fhirserver.rest.chat.chat import Chat


def noted(request: HTTPConnection, chat: Chat, status: int = 200) -> None:
    """Note a request of a user that was answered."""
    user: ChatUser | None = getattr(request.state, "user", None)
    event = beside(BESIDE, request, None, status)
    if user is not None:
        patients = (user.patient.removeprefix("Patient/"),) if user.patient else ()
        event = event._replace(principal=f"chat:{user.key}", patients=patients)
    chat.audit.note(event)
