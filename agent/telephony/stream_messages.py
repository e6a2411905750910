"""Messages of a media stream, read and written (https://www.twilio.com/docs/voice/media-streams/websocket-messages).

Pure. What cannot be read is :class:`Garbage`, never an error: a stream must survive whatever comes.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import msgspec

MOST_SOUND = 16_000
"""Bytes of sound in one message (2 s); Twilio sends 160."""
_KEYS = frozenset("0123456789*#")
_ENCODING = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}


@dataclass(frozen=True, slots=True)
class Connected:
    """The first message; it says nothing."""


@dataclass(frozen=True, slots=True)
class Started:
    """The stream begins. ``parameters`` are those of the TwiML's ``<Stream>``."""

    stream: str
    call: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sound:
    """Mu-law of the caller: the ``chunk``-th piece (from 1), ``at`` milliseconds from the start of the stream."""

    chunk: int
    at: int
    codes: bytes


@dataclass(frozen=True, slots=True)
class Pressed:
    digit: str


@dataclass(frozen=True, slots=True)
class Marked:
    name: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """The stream ends: the call is over, or its TwiML goes on elsewhere."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """A message that cannot be read; ``why`` has none of its content."""

    why: str


StreamMessage: TypeAlias = Connected | Started | Sound | Pressed | Marked | Stopped | Garbage


class _Piece(msgspec.Struct):
    payload: bytes
    chunk: str | int
    timestamp: str | int
    track: str = "inbound"


class _Media(msgspec.Struct, tag_field="event", tag="media"):
    media: _Piece


_media = msgspec.json.Decoder(_Media).decode


def read(text: str) -> StreamMessage:
    """One message."""
    try:  # nearly all are sound, fifty a second from each call; what is out of the ordinary is read in full below
        piece = _media(text).media
        return _piece(piece.track, piece.payload, piece.chunk, piece.timestamp)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _read(text)


def _read(text: str) -> StreamMessage:
    try:
        message = json.loads(text)
        event = message["event"]
        if event not in _READERS:
            return Garbage("unknown event")
        return _READERS[event](message)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return Garbage("malformed")


def _connected(message: dict[str, Any]) -> StreamMessage:
    return Connected()


def _stopped(message: dict[str, Any]) -> StreamMessage:
    return Stopped()


def _started(message: dict[str, Any]) -> StreamMessage:
    start = message["start"]
    form = start.get("mediaFormat", _ENCODING)
    if form.get("encoding") != _ENCODING["encoding"] or int(form.get("sampleRate", 8000)) != 8000:
        return Garbage("not 8 kHz mu-law")
    parameters = {str(k): str(v) for k, v in (start.get("customParameters") or {}).items()}
    return Started(str(start.get("streamSid") or message["streamSid"]), str(start["callSid"]), parameters)


def _sound(message: dict[str, Any]) -> StreamMessage:
    media = message["media"]
    try:
        codes = base64.b64decode(media["payload"], validate=True)
    except binascii.Error:
        return Garbage("sound that is not base64")
    return _piece(media.get("track", "inbound"), codes, media["chunk"], media["timestamp"])


def _piece(track: str, codes: bytes, number: str | int, began: str | int) -> StreamMessage:
    if track != "inbound":
        return Garbage("a track that is not the caller's")
    chunk, at = int(number), int(began)
    if not codes or len(codes) > MOST_SOUND or not 0 < chunk < 2**53 or not 0 <= at < 2**53:
        return Garbage("sound out of bounds")
    return Sound(chunk, at, codes)


def _pressed(message: dict[str, Any]) -> StreamMessage:
    digit = message["dtmf"]["digit"]
    return Pressed(digit) if digit in _KEYS else Garbage("no key")


def _marked(message: dict[str, Any]) -> StreamMessage:
    name = message["mark"]["name"]
    return Marked(name) if isinstance(name, str) else Garbage("a mark without a name")


_READERS: Mapping[str, Callable[[dict[str, Any]], StreamMessage]] = {
    "connected": _connected,
    "start": _started,
    "media": _sound,
    "dtmf": _pressed,
    "mark": _marked,
    "stop": _stopped,
}


def sound(stream: str, codes: bytes) -> str:
    """A message with sound to be played."""
    payload = base64.b64encode(codes).decode("ascii")
    return f'{{"event":"media","streamSid":{json.dumps(stream)},"media":{{"payload":"{payload}"}}}}'


def mark(stream: str, name: str) -> str:
    """A message that comes back when everything before it has been played."""
    return json.dumps({"event": "mark", "streamSid": stream, "mark": {"name": name}})


def clear(stream: str) -> str:
    """A message that drops what has not been played."""
    return json.dumps({"event": "clear", "streamSid": stream})
