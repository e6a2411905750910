"""Whose token it is that comes with a request: a patient by SMART or who speaks for one, or a user of an app by the
app's own word.

Whoever works for the practice, or is one of its programs, is no user: nobody may speak for a patient in a chat.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path, Request

from fhirserver.access.app_users import unknown_user
from fhirserver.access.principals import Principal
from fhirserver.access.smart.jwts import looks_like_jwt, unverified
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.chats import ChatService, ChatUser
from fhirserver.rest.chat.chat import Chat

SERVICE = r"^[A-Za-z0-9\-.]{1,64}$"
CONVERSATION = r"^[a-f0-9]{32}$"
ServiceId = Annotated[str, Path(pattern=SERVICE, description="The id of the chat service")]
ConversationId = Annotated[str, Path(pattern=CONVERSATION, description="The id of the conversation")]


async def user_of(chat: Chat, service: str, authorization: str | None) -> ChatUser:
    """The user of a service. Raises :class:`Refusal` (401, 403, 404)."""
    if not authorization:
        chat.principals.authenticate(authorization)  # says what is needed
    told = await chat.chats.service(service)
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    issuer = _issuer(token) if scheme.lower() == "bearer" else ""
    if told.users is not None and issuer == told.users.issuer:
        user = await chat.tokens.user(token, told.users)
        key = f"app:{user.subject}"
        return ChatUser(service, key, user.patient, user.phone, user.name, user.related)
    return _by_smart(chat, told, chat.principals.authenticate(authorization))


def _issuer(token: str) -> Any:
    """Whom a token says that it is of; empty for an access token, and for what is no JWT."""
    stated = unverified(token) if looks_like_jwt(token) else None
    if stated is None or "at+jwt" in str(stated.header.get("typ", "")).lower():
        return ""
    return stated.claims.get("iss", "")


def _by_smart(chat: Chat, service: ChatService, principal: Principal) -> ChatUser:
    """Refuses (403) whoever is neither a patient with a token for their own record, nor a RelatedPerson with one for
    the record of a patient: whether they are related is looked at with each request."""
    person = principal.user.removeprefix(f"{chat.fhir_base}/")
    grants = principal.permissions.grants if principal.permissions else ()
    own = {f"Patient/{grant.patient}" for grant in grants if grant.patient}
    related = person if person.startswith("RelatedPerson/") and len(own) == 1 else ""
    if not principal.client or not (related or person in own):
        raise _no_user(
            "Only patients with an access token for their own record, those who are related to the patient of theirs, "
            "or users of the service's app,"
        )
    if not service.smart:
        raise _no_user("Users of the service's app alone")
    if related:
        return ChatUser(service.id, f"related:{related}", own.pop(), related=related)
    return ChatUser(service.id, f"patient:{person}", person)


def _no_user(who: str) -> Refusal:
    return refuse(Category.FORBIDDEN, "forbidden", f"{who} may speak here")


async def is_still(chat: Chat, user: ChatUser, authorization: str | None) -> bool:
    """Whether a user who was let in before would be so now."""
    try:
        return await user_of(chat, user.service, authorization) == user
    except Refusal:
        return False


async def _asking(request: Request, service: ServiceId) -> ChatUser:
    chat: Chat = request.app.state.chat
    user = await user_of(chat, service, request.headers.get("authorization"))
    request.state.user = user
    if chat.audit.is_full:
        await chat.audit.room()
    return user


User = Annotated[ChatUser, Depends(_asking)]
"""The parameter of an endpoint: who asks."""

__all__ = ["ConversationId", "ServiceId", "User", "is_still", "unknown_user", "user_of"]
