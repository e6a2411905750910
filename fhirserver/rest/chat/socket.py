"""A conversation over a WebSocket: events come as they happen, from any number on; what the user does goes in.

A browser cannot give a socket a header, so the token may come as the first frame. Frames are JSON texts:
``{"authorize": "<token>"}``, ``{"say": {"text": "…", "key": "…"}}``, ``{"seen": 12}``; what comes is an event, or
``{"problem": {…}}``.
"""

from __future__ import annotations

import asyncio
import contextlib

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from fhirserver.kernel.json import InvalidJson, JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.chats import MOST_TEXT, ChatUser
from fhirserver.rest.chat.chat import Chat
from fhirserver.rest.chat.conversations import ONE
from fhirserver.rest.chat.noting import noted
from fhirserver.rest.chat.streams import beating
from fhirserver.rest.chat.users import is_still, user_of
from fhirserver.rest.problem import problem_body

router = APIRouter()
FIRST_SECONDS = 10.0
"""Within which the token must have come."""
_MOST_FRAME = 64 * 1024
_CODES = {
    Category.UNAUTHENTICATED: 4401,
    Category.FORBIDDEN: 4403,
    Category.NOT_FOUND: 4404,
    Category.GONE: 4410,
    Category.TOO_MANY: 4429,
}
_OVER, _ENDING, _WRONG = 1000, 1012, 4400
_GONE = (WebSocketDisconnect, OSError, RuntimeError)


@router.websocket(f"{ONE}/socket")
async def talk(socket: WebSocket, service: str, conversation: str, after: int = 0) -> None:
    """See the module."""
    chat: Chat = socket.app.state.chat
    await socket.accept()
    with contextlib.suppress(*_GONE):
        try:
            user, authorization = await _admitted(socket, chat, service)
            await chat.chats.read(user, conversation)
            chat.limits.room_for_stream(user)
        except Refusal as refusal:
            await _problem(socket, refusal)
            await socket.close(_CODES.get(refusal.category, _WRONG))
            return
        socket.state.user = user
        noted(socket, chat)
        with chat.limits.streaming(user):
            await _Talk(socket, chat, user, authorization, conversation).run(max(after, 0))


async def _admitted(socket: WebSocket, chat: Chat, service: str) -> tuple[ChatUser, str]:
    """The user, and by what they are known."""
    authorization = socket.headers.get("authorization")
    if not authorization:
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                first = _frame(await _text(socket))
        except TimeoutError:
            raise refuse(Category.UNAUTHENTICATED, "login", "No token came") from None
        authorization = f"Bearer {first.get('authorize', '')}"
    return await user_of(chat, service, authorization), authorization


class _Talk:
    def __init__(self, socket: WebSocket, chat: Chat, user: ChatUser, authorization: str, id: str):
        self._socket, self._chat, self._user, self._id = socket, chat, user, id
        self._authorization = authorization

    async def run(self, after: int) -> None:
        """Until either side is gone or the conversation is over."""
        sending = asyncio.create_task(self._send(after))
        hearing = asyncio.create_task(self._hear())
        try:
            await asyncio.wait({sending, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, hearing):
                task.cancel()
            await asyncio.gather(sending, hearing, return_exceptions=True)

    async def _send(self, after: int) -> None:
        lots = self._chat.chats.follow(self._user, self._id, after)
        async for lot in beating(lots, self._chat.ending, still=self._still):
            for event in lot or ():
                await self._socket.send_text(dumps(event.as_json()).decode())
        if self._chat.ending.is_set() or await self._still():
            await self._socket.close(_ENDING if self._chat.ending.is_set() else _OVER)
        else:
            await self._unknown()

    async def _still(self) -> bool:
        return await is_still(self._chat, self._user, self._authorization)

    async def _unknown(self) -> None:
        """The token has ended, or was revoked."""
        await self._socket.close(_CODES[Category.UNAUTHENTICATED])

    async def _hear(self) -> None:
        while True:
            try:
                await self._take(_frame(await _text(self._socket)))
            except Refusal as refusal:
                await _problem(self._socket, refusal)

    async def _take(self, frame: JsonObject) -> None:
        (name, value), chats = next(iter(frame.items())), self._chat.chats
        if name == "authorize":
            await self._renewed(f"Bearer {value}")
        elif not await self._still():
            await self._unknown()
        elif name == "say" and isinstance(value, dict):
            text, key = value.get("text"), value.get("key", "")
            if not isinstance(text, str) or not text.strip() or len(text) > MOST_TEXT:
                raise _unfit(f"text is one of 1 to {MOST_TEXT} characters", "/say/text")
            if not isinstance(key, str) or len(key) > 200:
                raise _unfit("key is a text of at most 200 characters", "/say/key")
            self._chat.limits.message(self._user)
            await chats.say(self._user, self._id, text, key)
        elif name == "seen" and isinstance(value, int) and 0 <= value <= 2**31:
            await chats.see(self._user, self._id, value)
        else:
            raise _wrong("A frame is one of authorize, say, seen")

    async def _renewed(self, authorization: str) -> None:
        """Another token of the same user takes the place of the one before."""
        if not await is_still(self._chat, self._user, authorization):
            raise refuse(Category.UNAUTHENTICATED, "login", "The token is not one of this user's")
        self._authorization = authorization


async def _text(socket: WebSocket) -> str:
    """The next frame. Refuses (400) one of bytes; raises WebSocketDisconnect."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code") or 1000)
    text = message.get("text")
    if not isinstance(text, str):
        raise _wrong("A frame is a text")
    return text


def _frame(text: str) -> JsonObject:
    """Refuses (400) what is no object with one member."""
    if len(text) > _MOST_FRAME:
        raise _wrong(f"A frame may have {_MOST_FRAME} characters")
    try:
        frame = loads(text.encode())
    except InvalidJson:
        raise _wrong("A frame is JSON") from None
    if not isinstance(frame, dict) or len(frame) != 1:
        raise _wrong("A frame is a JSON object with one member")
    return frame


def _wrong(text: str) -> Refusal:
    return refuse(Category.INVALID, "structure", text)


def _unfit(text: str, place: str) -> Refusal:
    return refuse(Category.UNPROCESSABLE, "value", text, place)


async def _problem(socket: WebSocket, refusal: Refusal) -> None:
    """As over HTTP; ``retryAfter`` (seconds) stands for the header."""
    told: JsonObject = loads(problem_body(refusal))
    if "Retry-After" in refusal.headers:
        told["retryAfter"] = int(refusal.headers["Retry-After"])
    await socket.send_text(dumps({"problem": told}).decode())
