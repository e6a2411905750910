"""A transcript as a DocumentReference: written by the agent, read by the judge.

Two attachments: ``text/plain`` for people, ``application/json`` for machines, which holds::

    {"communication": "Communication/…", "timeZone": "America/New_York", "started": "…Z",
     "turns": [{"turn": 1, "speaker": "agent", "text": "…", "at": "…Z"}, …]}

What a second recogniser heard after the call is a document of its own, which leaves the transcript as it was. A
transcript that is followed by one says so by ``"second": "awaited"``; the document comes also where nothing differs::

    {"communication": "Communication/…", "recogniser": "openai",
     "turns": [{"turn": 8, "first": "…", "second": "…", "differs": ["number"]}, …]}
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, dumps, loads
from fhirserver.ports.judge import Evidence, Turn


@dataclass(frozen=True, slots=True)
class Reading:
    """A turn that a second recogniser heard otherwise; ``differs``: the kinds of what differs."""

    turn: int
    first: str
    second: str
    differs: tuple[str, ...]


class InvalidTranscript(ValueError):
    """The document holds no transcript in the agreed form. The message names the place, not the content."""


def attachments(
    turns: Sequence[Turn], communication: str, zone: str, started: datetime, awaited: bool = False
) -> list[JsonObject]:
    """The two ``content`` entries of the DocumentReference. ``awaited``: a second reading will follow."""
    content: JsonObject = {
        "communication": communication,
        "timeZone": zone,
        "started": instant(started),
        "turns": [
            {"turn": t.number, "speaker": t.speaker, "text": t.text, "at": instant(t.at)} for t in turns
        ],
    }
    if awaited:
        content["second"] = "awaited"
    lines = "".join(f"{t.number} [{instant(t.at)}] {t.speaker}: {t.text}\n" for t in turns)
    return [
        _attachment("application/json", dumps(content), "Transcript with turns"),
        _attachment("text/plain; charset=utf-8", lines.encode(), "Transcript"),
    ]


def second_attachment(readings: Sequence[Reading], communication: str, recogniser: str) -> list[JsonObject]:
    """The ``content`` of the DocumentReference with the second reading."""
    turns = [
        {"turn": r.turn, "first": r.first, "second": r.second, "differs": [*r.differs]} for r in readings
    ]
    content = {"communication": communication, "recogniser": recogniser, "turns": turns}
    return [_attachment("application/json", dumps(content), "Turns that were heard otherwise")]


def second_reading(document: JsonObject) -> tuple[Reading, ...]:
    """The turns of a second reading. Raises :class:`InvalidTranscript`."""
    try:
        content = loads(base64.b64decode(document["content"][0]["attachment"]["data"], validate=True))
        return tuple(
            Reading(int(t["turn"]), str(t["first"]), str(t["second"]), tuple(map(str, t["differs"])))
            for t in content["turns"]
        )
    except (binascii.Error, InvalidJson, LookupError, TypeError, ValueError, AttributeError):
        raise InvalidTranscript("DocumentReference.content[0] is no second reading") from None


def _attachment(content_type: str, data: bytes, title: str) -> JsonObject:
    encoded = base64.b64encode(data).decode()
    return {"attachment": {"contentType": content_type, "data": encoded, "title": title}}


def evidence(document: JsonObject) -> Evidence:
    """The turns of a transcript DocumentReference. Raises :class:`InvalidTranscript`."""
    for i, content in enumerate(document.get("content", ())):
        attachment = content.get("attachment", {})
        if str(attachment.get("contentType", "")).startswith("application/json"):
            return _parsed(attachment.get("data", ""), f"DocumentReference.content[{i}].attachment.data")
    raise InvalidTranscript("DocumentReference.content has no application/json attachment")


def _parsed(data: Json, place: str) -> Evidence:
    try:
        content = loads(base64.b64decode(data, validate=True))
        turns = tuple(
            Turn(int(t["turn"]), str(t["speaker"]), str(t["text"]), parse_instant(t["at"]))
            for t in content["turns"]
        )
        return Evidence(
            turns,
            str(content.get("timeZone", "UTC")),
            str(content.get("communication", "")),
            awaited=content.get("second") == "awaited",
        )
    except (binascii.Error, InvalidJson, KeyError, TypeError, ValueError, AttributeError):
        raise InvalidTranscript(f"{place} is not a transcript") from None
