"""Random protocol scripts for media streams: what a broken carrier, or somebody with a valid token, might send."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ENDS = ("stop", "close", "cut", "status", "stop twice", "silence")
"""How a script ends: by the protocol, by closing, by cutting the connection, by a status webhook, by nothing more."""
_JUNK = (
    "", "{", "null", "[]", '{"event":null}', '{"event":"media"}', '{"event":"start"}', '{"event":"mark","mark":3}',
    '{"event":"dtmf","dtmf":{"digit":"Z"}}', '{"event":"nothing"}', "\u0000", "é" * 50, "[" * 3_000,
)  # fmt: skip


@dataclass(frozen=True)
class StreamScript:
    """``messages`` are texts or bytes in the order in which they are sent; ``None`` lets the other side work."""

    seed: int
    token: str
    """``right``, ``wrong``, ``none``, ``another`` (another call's) or ``again`` (used twice)."""
    starts: bool
    messages: tuple[str | bytes | None, ...]
    end: str


def script(seed: int) -> StreamScript:
    """The script of this seed, always the same."""
    chance = random.Random(seed)
    token = chance.choices(("right", "wrong", "none", "another", "again"), (80, 5, 5, 5, 5))[0]
    count = chance.choice((0, 1, 5, 20, 60))
    messages = list(_messages(chance, count))
    if chance.random() < 0.4:
        chance.shuffle(messages)
    return StreamScript(seed, token, chance.random() < 0.93, tuple(messages), chance.choice(ENDS))


def _messages(chance: random.Random, count: int) -> Iterator[str | bytes | None]:
    at = chunk = 0
    loud = False
    for _ in range(count):
        kind = chance.choices(
            ("media", "twice", "hole", "junk", "bytes", "odd", "key", "mark", "start", "breath"),
            (60, 6, 4, 6, 2, 6, 4, 6, 1, 5),
        )[0]
        if kind == "breath":
            yield None
        elif kind == "junk":
            yield chance.choice(_JUNK)
        elif kind == "bytes":
            yield chance.randbytes(chance.choice((0, 1, 200)))
        elif kind == "key":
            yield json.dumps({"event": "dtmf", "dtmf": {"digit": chance.choice("0123456789")}})
        elif kind == "mark":
            yield json.dumps(
                {"event": "mark", "mark": {"name": chance.choice(("greeting", "answer", "none"))}}
            )
        elif kind == "start":
            yield json.dumps({"event": "start", "start": {"streamSid": "MZ", "callSid": "CA"}})
        elif kind == "odd":
            yield _media(
                chance, chance.choice((-1, 0, 2**40, "x", None)), chance.choice((-5, 2**52, "y", at)), b"\xff"
            )
        else:
            loud = loud != (chance.random() < 0.1)
            chunk += 1
            at += 20 if kind != "hole" else chance.choice((60, 500, 5_000))
            message = _media(
                chance, chunk, at, bytes([0x80 if loud else 0xFF]) * chance.choice((160, 160, 160, 7, 4_000))
            )
            yield message
            if kind == "twice":
                yield message


def _media(chance: random.Random, chunk: Any, at: Any, codes: bytes) -> str:
    payload = base64.b64encode(codes).decode()
    return json.dumps(
        {"event": "media", "media": {"track": "inbound", "chunk": chunk, "timestamp": at, "payload": payload}}
    )
