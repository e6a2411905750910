"""What the user writes and sends, and the events that come of it."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response

from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.chats import ATTACHMENT_TYPES, Attachment, ChatEvent, ChatUser
from fhirserver.rest.chat.chat import Chat
from fhirserver.rest.chat.conversations import ONE
from fhirserver.rest.chat.models import AnswerOut, EventOut, EventsOut, Message, events_json
from fhirserver.rest.chat.noting import noted
from fhirserver.rest.chat.streams import HEADERS, JSON, NDJSON, SSE, Until, beating, streamed, up_to, wanted
from fhirserver.rest.chat.users import ConversationId, User, is_still

router = APIRouter(tags=["messages"])
ANSWER_SECONDS = 60.0
"""For how long an answer as one JSON document waits; what comes later is read as events."""
Key = Annotated[
    str, Header(alias="Idempotency-Key", max_length=200, description="The same again says nothing again")
]
Accept = Annotated[str, Header(alias="Accept", max_length=1000)]
_STREAMS: dict[str, Any] = {
    NDJSON: {"schema": {"type": "string"}},
    SSE: {"schema": {"type": "string"}},
}
_EVENTS: dict[int | str, dict[str, Any]] = {200: {"model": EventsOut, "content": _STREAMS}}
_ANSWER: dict[int | str, dict[str, Any]] = {200: {"model": AnswerOut, "content": _STREAMS}}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"requestBody": {"required": True, "content": dict.fromkeys(ATTACHMENT_TYPES, _BINARY)}}


@router.post(f"{ONE}/messages", responses=_ANSWER)
async def say(
    request: Request,
    user: User,
    conversation: ConversationId,
    message: Message,
    key: Key = "",
    accept: Accept = JSON,
) -> Response:
    """Write a message. The answer is what comes of it, from the message itself to ``answered``, as JSON when it is all
    there or as a stream while it comes; a message while another is being answered waits its turn."""
    chat: Chat = request.app.state.chat
    media_type = wanted(accept)
    _may_say(chat, user, media_type)
    number = await chat.chats.say(user, conversation, message.text, key)
    return await _answering(chat, user, conversation, number, media_type)


@router.post(f"{ONE}/attachments", responses=_ANSWER, openapi_extra=_BODY)
async def attach(
    request: Request,
    user: User,
    conversation: ConversationId,
    title: Annotated[str, Query(max_length=200)] = "",
    key: Key = "",
    accept: Accept = JSON,
) -> Response:
    """Send a picture or a document: the body is its content (JPEG, PNG or PDF)."""
    chat: Chat = request.app.state.chat
    media_type = wanted(accept)
    _may_say(chat, user, media_type)
    number = await chat.chats.attach(user, conversation, await _attachment(request, chat, title), key)
    noted(request, chat)
    return await _answering(chat, user, conversation, number, media_type)


@router.get(f"{ONE}/events", responses=_EVENTS)
async def events(
    request: Request,
    user: User,
    conversation: ConversationId,
    after: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 1000,
    last: Annotated[str, Header(alias="Last-Event-ID", pattern=r"^\d{0,10}$")] = "",
    accept: Accept = JSON,
) -> Response:
    """What has happened after an event: as JSON what is there, as a stream also what comes, until the conversation is
    over. ``Last-Event-ID`` counts where it is given."""
    chat: Chat = request.app.state.chat
    media_type, start = wanted(accept), min(int(last or after), 2**31)
    one = await chat.chats.read(user, conversation)
    if not start:
        noted(request, chat)
    if media_type != JSON:
        chat.limits.room_for_stream(user)
        lots = chat.chats.follow(user, conversation, start)
        still = partial(is_still, chat, user, request.headers.get("authorization"))
        return streamed(lots, media_type, chat.ending, chat.limits.streaming(user), still=still)
    found = list(await chat.chats.events(user, conversation, start, limit))
    over = bool(one.ended) and (found[-1].number if found else start) >= one.last
    return _json(events_json(found, start, over))


def _may_say(chat: Chat, user: ChatUser, media_type: str) -> None:
    """Refuses (429) what is too much, before anything is taken."""
    if media_type != JSON:
        chat.limits.room_for_stream(user)
    chat.limits.message(user)


async def _attachment(request: Request, chat: Chat, title: str) -> Attachment:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ATTACHMENT_TYPES:
        text = f"An attachment is one of {', '.join(ATTACHMENT_TYPES)}"
        raise refuse(Category.UNSUPPORTED_MEDIA, "not-supported", text, "content-type")
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > chat.attachment_bytes:
            text = f"An attachment may have {chat.attachment_bytes} bytes"
            raise refuse(Category.TOO_LARGE, "too-long", text, "http.body")
    return Attachment(bytes(content), kind, title)


async def _answering(chat: Chat, user: ChatUser, conversation: str, number: int, media_type: str) -> Response:
    """What happens from a message on, to the end of the answer to it."""
    until, lots = answers(number), chat.chats.follow(user, conversation, number - 1)
    if media_type != JSON:
        return streamed(lots, media_type, chat.ending, chat.limits.streaming(user), until)
    found: list[ChatEvent] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            await _collect(lots, chat.ending, until, found)
    over = bool(found) and found[-1].kind == "ended"
    return _json({"message": number, **events_json(found, number - 1, over)})


async def _collect(lots: Any, ending: asyncio.Event, until: Until, found: list[ChatEvent]) -> None:
    async for lot in beating(lots, ending):
        shown, last = up_to(lot or (), until)
        found += shown
        if last:
            return


def answers(number: int) -> Until:
    """Whether an event is the end of the answer to the message with this number."""
    return lambda event: (
        event.kind == "ended" or (event.kind == "answered" and int(event.data.get("message", 0)) >= number)
    )


def _json(body: dict[str, Any]) -> Response:
    return Response(dumps(body), 200, HEADERS, JSON)


__all__ = ["EventOut", "answers", "router"]
