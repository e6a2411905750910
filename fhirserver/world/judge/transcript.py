"""A transcript as a DocumentReference: written by the agent, read by the judge.

Two attachments: ``text/plain`` for people, ``application/json`` for machines, which holds::

    {"communication": "Communication/…", "timeZone": "America/New_York", "started": "…Z",
     "turns": [{"turn": 1, "speaker": "agent", "text": "…", "at": "…Z"}, …]}
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime

from fhirserver.kernel.instants import instant, parse_instant
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, dumps, loads
from fhirserver.ports.judge import Evidence, Turn


class InvalidTranscript(ValueError):
    """The document holds no transcript in the agreed form. The message names the place, not the content."""


def attachments(turns: Sequence[Turn], communication: str, zone: str, started: datetime) -> list[JsonObject]:
    """The two ``content`` entries of the DocumentReference."""
    content = {
        "communication": communication,
        "timeZone": zone,
        "started": instant(started),
        "turns": [
            {"turn": t.number, "speaker": t.speaker, "text": t.text, "at": instant(t.at)} for t in turns
        ],
    }
    lines = "".join(f"{t.number} [{instant(t.at)}] {t.speaker}: {t.text}\n" for t in turns)
    return [
        _attachment("application/json", dumps(content), "Transcript with turns"),
        _attachment("text/plain; charset=utf-8", lines.encode(), "Transcript"),
    ]


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
        return Evidence(turns, str(content.get("timeZone", "UTC")), str(content.get("communication", "")))
    except (binascii.Error, InvalidJson, KeyError, TypeError, ValueError, AttributeError):
        raise InvalidTranscript(f"{place} is not a transcript") from None
