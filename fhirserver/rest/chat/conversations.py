"""``/chat/services/…``: the services, and conversations as a whole."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from fhirserver.rest.chat.chat import Chat
from fhirserver.rest.chat.models import ConversationOut, ConversationsOut, Rating, Seen, ServiceOut
from fhirserver.rest.chat.noting import noted
from fhirserver.rest.chat.pacing import paced
from fhirserver.rest.chat.users import ConversationId, User

router = APIRouter(tags=["conversations"])
ONE = "/services/{service}/conversations/{conversation}"


@router.get("/services/{service}")
async def service(request: Request, user: User) -> ServiceOut:
    """The service, as its users may know it."""
    chat: Chat = request.app.state.chat
    return ServiceOut.of(await chat.chats.service(user.service))


@router.post(
    "/services/{service}/conversations", status_code=201, responses={200: {"model": ConversationOut}}
)
async def begin(request: Request, response: Response, user: User) -> ConversationOut:
    """The user's active conversation: a new one (201), or the one that there is (200)."""
    chat: Chat = request.app.state.chat
    one, fresh = await chat.chats.begin(user)
    response.status_code = 201 if fresh else 200
    root = request.scope.get("root_path", "")
    response.headers["Location"] = f"{root}/services/{user.service}/conversations/{one.id}"
    noted(request, chat, response.status_code)
    return ConversationOut.of(one)


@router.get("/services/{service}/conversations")
async def mine(
    request: Request, user: User, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> ConversationsOut:
    """The user's own conversations, the latest first."""
    chat: Chat = request.app.state.chat
    found = await chat.chats.of_user(user, limit)
    noted(request, chat)
    return ConversationsOut(conversations=[ConversationOut.of(one) for one in found])


@router.get(ONE)
async def read(request: Request, user: User, conversation: ConversationId) -> ConversationOut:
    """How one is now."""
    chat: Chat = request.app.state.chat
    return ConversationOut.of(await chat.chats.read(user, conversation))


@router.post(f"{ONE}/seen")
async def see(request: Request, user: User, conversation: ConversationId, seen: Seen) -> ConversationOut:
    """The user has read as far as an event; what is unread is counted from there."""
    chat: Chat = request.app.state.chat
    return ConversationOut.of(await chat.chats.see(user, conversation, seen.number))


@router.post(f"{ONE}/finish")
async def finish(request: Request, user: User, conversation: ConversationId) -> ConversationOut:
    """The user ends it; one that is over stays as it is."""
    chat: Chat = request.app.state.chat
    one = await chat.chats.finish(user, conversation)
    noted(request, chat)
    return ConversationOut.of(one)


@router.post(f"{ONE}/rating")
async def rate(request: Request, user: User, conversation: ConversationId, rating: Rating) -> ConversationOut:
    """How the user liked it; the latest counts."""
    chat: Chat = request.app.state.chat
    paced(chat, user, "rate")
    one = await chat.chats.rate(user, conversation, rating.stars, rating.comment)
    noted(request, chat)
    return ConversationOut.of(one)
