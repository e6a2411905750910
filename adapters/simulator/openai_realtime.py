"""OpenAI's Realtime API as far as Credence uses it, a websocket: a part of :mod:`adapters.simulator.openai`.

It hears what ``POST /admin/realtime {"heard": [...], "otherwise": "..."}`` tells it: a text for each committed
turn that is not silent, word by word while the sound comes in; ``otherwise`` where none is left (``crc``: the CRC-32 of
the turn's sound, at its end). It speaks a tone (1 kHz) of 0.3 s for each word it is given, longer where it is told to
be slow. Every event is checked against the types of the SDK, in both directions: one of another shape is refused, or
ends the session.

Faults, used up one for each connection, turn and sentence (``{"kind": …}``):

* ``connect``: ``refuse`` (``status``), ``hang``, ``error``, ``without`` (``part`` of the session is refused)
* ``turns``: ``hang``, ``cut``, ``failed``, ``error``, ``429``, ``slow`` (``seconds``), ``unordered``, ``twice``,
  ``garbage`` (events of other shapes), ``no json``
* ``speech``: ``reword`` (``say``), ``late`` (the transcript after the sound), ``silent``, ``hang``, ``cut`` (both after
  ``words``), ``slow`` (``seconds`` for each word), ``error``, ``429``, ``incomplete``, ``unordered``, ``nameless``
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import zlib
from base64 import b64decode, b64encode
from typing import Any, get_args

from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import BaseModel, ValidationError
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

Json = dict[str, Any]
TONE = bytes((0x3E, 0x2B, 0x2B, 0x3E, 0xBE, 0xAB, 0xAB, 0xBE))
"""One period of 1 kHz in mu-law: that of ITU-T G.711, table 6, two segments (12 dB) more quietly."""
WORD = 2_400
"""Bytes of mu-law for a word: 0.3 s."""
_LEAST = 800
_GARBAGE = (
    '{"type": "conversation.item.input_audio_transcription.completed"}',
    '{"type": "error"}',
    '{"type": "response.of.the.future", "item_id": 3}',
    '{"type": null}',
    "{}",
    "[]",
    '"text"',
    "null",
)
_SILENCE = b"\xff\x7f"
_PCMU = {"type": "audio/pcmu"}


def _by_type(union: Any) -> dict[str, type[BaseModel]]:
    return {get_args(cls.model_fields["type"].annotation)[0]: cls for cls in get_args(get_args(union)[0])}


CLIENT, SERVER = _by_type(RealtimeClientEvent), _by_type(RealtimeServerEvent)


class Realtime:
    """What the socket will hear, how it will fail, and what it was sent."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.otherwise = ""
        self.faults: dict[str, list[Json]] = {"connect": [], "turns": [], "speech": []}
        self.received: list[Json] = []
        self.turns: list[Json] = []
        self.sessions: list[Json] = []

    def script(self, wanted: Json) -> None:
        """Add to what is to come."""
        self.heard += wanted.get("heard", [])
        self.otherwise = wanted.get("otherwise", self.otherwise)
        for name, faults in self.faults.items():
            faults += wanted.get(name, [])

    def fault(self, name: str) -> Json:
        return self.faults[name].pop(0) if self.faults[name] else {}

    def report(self) -> Json:
        """Sessions opened, turns committed (bytes, CRC-32), and events but those that carry sound."""
        return {"sessions": self.sessions, "turns": self.turns, "events": self.received}


async def realtime(websocket: WebSocket) -> None:
    """``GET /v1/realtime`` as a websocket."""
    state: Realtime = websocket.app.state.script.realtime
    fault = state.fault("connect")
    authorised = websocket.headers.get("authorization", "").startswith("Bearer ")
    if fault.get("kind") == "refuse" or not authorised:
        error = {"error": {"message": "simulated", "type": "refused", "code": "refused"}}
        await websocket.send_denial_response(JSONResponse(error, int(fault.get("status", 401))))
        return
    await websocket.accept()
    session = Session(websocket, state, fault)
    state.sessions.append(dict(websocket.query_params))
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await session.run()
    await session.end()


class Session:
    """One connection."""

    def __init__(self, websocket: WebSocket, state: Realtime, fault: Json):
        self._websocket, self._state, self._fault = websocket, state, fault
        self._session: Json = {}
        self._buffer, self._said, self._item = bytearray(), 0, ""
        self._text: str | None = None
        self._unanswered: list[str] = []
        self._numbers = itertools.count(1)
        self._responses: dict[str, asyncio.Task[None]] = {}
        self._turns: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until the client is gone."""
        if self._fault.get("kind") == "hang":
            while True:
                await self._websocket.receive()
        handlers = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "response.create": self._create,
            "response.cancel": self._cancel,
        }
        while True:
            event: Json = await self._websocket.receive_json()
            kind = str(event.get("type"))
            if kind != "input_audio_buffer.append":
                self._state.received.append(event)
            problem = _problem(event)
            if problem or kind not in handlers:
                await self._error("invalid_value", event, problem or "type")
            else:
                await handlers[kind](event)

    async def end(self) -> None:
        """What was not answered will be heard again."""
        for task in (*self._responses.values(), *self._turns):
            task.cancel()
        self._unhear()

    def _unhear(self) -> None:
        left = [*self._unanswered, *([self._text] if self._text is not None else [])]
        if self._state.otherwise != "crc":
            self._state.heard[:0] = left
        self._unanswered, self._text = [], None

    async def _send(self, type: str, **fields: Any) -> None:
        event = {"type": type, "event_id": f"event_{next(self._numbers)}", **fields}
        SERVER[type].model_validate(event)
        await self._websocket.send_json(event)

    async def _error(
        self, code: str, cause: Json | None = None, param: str = "", kind: str = "invalid_request_error"
    ) -> None:
        error = {"type": kind, "code": code, "message": "simulated", "param": param or None}
        await self._send("error", error=error | {"event_id": (cause or {}).get("event_id")})

    # hearing

    async def _update(self, event: Json) -> None:
        kind, part = self._fault.get("kind"), self._fault.get("part", "")
        if kind == "error":
            return await self._error("model_not_found", event)
        if kind == "without" and part in event["session"]:
            return await self._error("unsupported_parameter", event, f"session.{part}")
        if self._session and self._session["type"] != event["session"]["type"]:
            return await self._error("invalid_value", event, "session.type")
        self._session = _merged(self._session, event["session"])
        given = self._session["audio"]
        if any(given[way].get("format") != _PCMU for way in given):
            return await self._error("invalid_value", event, "session.audio.format")
        return await self._send(
            "session.updated", session={**self._session, "object": "realtime.session", "id": "sess_1"}
        )

    async def _append(self, event: Json) -> None:
        self._buffer += b64decode(event["audio"])
        live = self._state.heard or self._state.otherwise != "crc"
        if live and self._text is None and len(self._buffer) >= WORD and self._has_sound():
            self._begin()
        while self._text is not None and (self._said + 1) * WORD <= len(self._buffer):
            await self._delta()

    def _has_sound(self) -> bool:
        return bool(self._buffer.translate(None, _SILENCE))

    def _begin(self) -> None:
        heard = self._state.heard
        last = str(zlib.crc32(self._buffer)) if self._state.otherwise == "crc" else self._state.otherwise
        text = (heard.pop(0) if heard else last) if self._has_sound() else ""
        self._text, self._said = text, 0
        self._item = f"item_{next(self._numbers)}"

    async def _delta(self) -> None:
        words = (self._text or "").split(" ")
        self._said += 1
        if self._said <= len(words) and words != [""]:
            delta = ("" if self._said == 1 else " ") + words[self._said - 1]
            await self._transcription("delta", self._item, delta=delta)

    async def _transcription(self, what: str, item: str, **fields: Any) -> None:
        type = f"conversation.item.input_audio_transcription.{what}"
        await self._send(type, item_id=item, content_index=0, **fields)

    async def _commit(self, event: Json) -> None:
        if len(self._buffer) < _LEAST:
            return await self._error("input_audio_buffer_commit_empty", event)
        if self._text is None:
            self._begin()
        told = self._session["audio"]["input"].get("transcription")
        self._state.turns.append(
            {"bytes": len(self._buffer), "crc": zlib.crc32(self._buffer), "transcription": told}
        )
        text, item, fault = self._text or "", self._item, self._state.fault("turns")
        while self._said < len(text.split(" ")):
            await self._delta()
        self._buffer, self._text = bytearray(), None
        self._unanswered.append(text)
        task = asyncio.create_task(self._answer(text, item, fault, event))
        self._turns.add(task)
        task.add_done_callback(self._turns.discard)
        return None

    async def _answer(self, text: str, item: str, fault: Json, event: Json) -> None:
        kind = fault.get("kind", "")
        if kind == "hang":
            return None
        if kind == "cut":
            self._unhear()
            return await self._websocket.close(1011)
        if kind == "no json":
            self._unhear()
            return await self._websocket.send_text("{no json")
        if kind == "garbage":
            for odd in _GARBAGE:
                await self._websocket.send_text(odd)
        if kind in ("error", "429"):
            self._unanswered.remove(text)
            code = "rate_limit_exceeded" if kind == "429" else "server_fault"
            return await self._error(code, event if kind == "error" else None)
        if kind != "unordered":
            await self._send("input_audio_buffer.committed", item_id=item)
        await asyncio.sleep(float(fault.get("seconds", 0)))
        if text in self._unanswered:
            self._unanswered.remove(text)
        await self._finish(text, item, kind)
        if kind == "twice":
            await asyncio.sleep(0.1)
            await self._finish(text, item, kind)
        if kind == "unordered":
            await self._send("input_audio_buffer.committed", item_id=item)
        return None

    async def _finish(self, text: str, item: str, kind: str) -> None:
        if kind == "failed":
            return await self._transcription(
                "failed", item, error={"code": "audio_unintelligible", "message": "simulated"}
            )
        usage = {"type": "duration", "seconds": 1.0}
        probable = {}
        if self._session.get("include"):
            tokens = [
                {"token": word, "bytes": list(word.encode()), "logprob": math.log(0.9)}
                for word in text.split()
            ]
            probable = {"logprobs": tokens}
        return await self._transcription("completed", item, transcript=text, usage=usage, **probable)

    async def _clear(self, event: Json) -> None:
        if self._text is not None:
            self._state.heard.insert(0, self._text)
        self._buffer, self._text = bytearray(), None
        await self._send("input_audio_buffer.cleared")

    # speaking

    async def _create(self, event: Json) -> None:
        response = f"resp_{next(self._numbers)}"
        self._responses[response] = asyncio.create_task(
            self._speak(response, event, self._state.fault("speech"))
        )

    async def _cancel(self, event: Json) -> None:
        task = self._responses.pop(event.get("response_id", ""), None)
        if task is None or task.done():
            return await self._error("response_cancel_not_active", event)
        task.cancel()
        return await self._send("response.done", response={"id": event["response_id"], "status": "cancelled"})

    async def _speak(self, response: str, event: Json, fault: Json) -> None:
        kind = fault.get("kind", "")
        if kind == "error":
            return await self._error("server_fault", event)
        created = {"id": response, "status": "in_progress", "metadata": event["response"].get("metadata")}
        if kind == "nameless":
            created.pop("metadata")
        if kind != "unordered":
            await self._send("response.created", response=created)
        if kind in ("429", "incomplete"):
            return await self._done(response, kind)
        text = fault.get("say") or event["response"]["input"][-1]["content"][0]["text"]
        slow = "slowly" in str(event["response"].get("instructions"))
        if not await self._words(response, text, fault, WORD * 6 // 5 if slow else WORD):
            return None
        if kind == "unordered":
            await self._send("response.created", response=created)
        return await self._done(response, "completed")

    async def _words(self, response: str, text: str, fault: Json, length: int) -> bool:
        """Say it; False where it was cut."""
        kind = fault.get("kind", "")
        place: Json = {"response_id": response, "item_id": "item_0", "output_index": 0, "content_index": 0}
        sound = b64encode(TONE * (length // len(TONE))).decode()
        for number, word in enumerate(text.split(" ")):
            if kind in ("hang", "cut") and number == fault.get("words", 1):
                if kind == "cut":
                    await self._websocket.close(1011)
                return False
            if kind != "late":
                delta = word if number == 0 else f" {word}"
                await self._send("response.output_audio_transcript.delta", delta=delta, **place)
            if kind != "silent":
                await self._send("response.output_audio.delta", delta=sound, **place)
            await asyncio.sleep(float(fault.get("seconds", 0)))
        await self._send("response.output_audio.done", **place)
        await self._send("response.output_audio_transcript.done", transcript=text, **place)
        return True

    async def _done(self, response: str, kind: str) -> None:
        status, details = kind, None
        if kind == "429":
            status = "failed"
            details = {"type": "failed", "error": {"type": "rate_limit_error", "code": "rate_limit_exceeded"}}
        elif kind == "incomplete":
            details = {"type": "incomplete", "reason": "max_output_tokens"}
        await self._send(
            "response.done", response={"id": response, "status": status, "status_details": details}
        )


def _merged(old: Json, new: Json) -> Json:
    both = dict(old)
    for name, value in new.items():
        inner = both.get(name)
        both[name] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return both


def _problem(event: Json) -> str:
    """Where an event is not of the SDK's type; empty where it is."""
    cls = CLIENT.get(str(event.get("type")))
    if cls is None:
        return "type"
    given = event
    if "input" in event.get("response", {}):
        # The type that knows references to items is there for the sender only.
        items = [one for one in event["response"]["input"] if one.get("type") != "item_reference"]
        given = {**event, "response": {**event["response"], "input": items}}
    try:
        return _unknown(cls.model_validate(given))
    except ValidationError as error:
        return ".".join(str(part) for part in error.errors()[0]["loc"])


def _unknown(value: Any) -> str:
    """The name of a field that the SDK's type does not have."""
    if isinstance(value, list):
        return next((found for one in value if (found := _unknown(one))), "")
    if not isinstance(value, BaseModel):
        return ""
    extra = next(iter(value.model_extra or {}), "")
    return extra or next((found for _, one in value if (found := _unknown(one))), "")
