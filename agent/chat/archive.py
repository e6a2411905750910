"""Conversations whose journal is removed, as their record in FHIR has them: Communication and transcript.

What was said is there, with its times; how far the user had read it, how they liked it and by what numbers a client
knew the events is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from agent.communication import PURPOSE, coded
from agent.tools.client import FhirClient, Unreachable
from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.chats import ARCHIVED, ChatEvent, ChatService, Conversation
from fhirserver.ports.judge import Turn
from fhirserver.world.judge.transcript import InvalidTranscript, evidence

_FROM = {"caller": "user"}


class Archived(NamedTuple):
    """``events`` are numbered anew."""

    conversation: Conversation
    events: Sequence[ChatEvent]


class Archive:
    """Reads them as any client does."""

    def __init__(self, client: FhirClient):
        self._client = client

    async def find(self, service: ChatService, id: str) -> Archived | None:
        """None where there is no record any more. Refuses (503) where it cannot be read now."""
        try:
            record = await self._client.read(f"Communication/{id}")
            document = await self._client.read(f"DocumentReference/{id}-transcript") if record else None
        except Unreachable:
            raise refuse(Category.BUSY, "transient", "The record cannot be read; ask again") from None
        if record is None:
            return None
        events = _events(_turns(document), parse_instant(record["received"]))
        return Archived(_conversation(service, id, record, len(events)), events)


def gone() -> Refusal:
    """Nothing but the record is left, and that does not have what is asked for."""
    text = "The events of this conversation are no longer kept; asked for from the first, its messages are"
    return refuse(Category.GONE, "deleted", text, "after")


def _turns(document: JsonObject | None) -> Sequence[Turn]:
    try:
        return evidence(document).turns if document else ()
    except InvalidTranscript:
        return ()


def _events(turns: Sequence[Turn], ended: datetime) -> list[ChatEvent]:
    said = [
        ChatEvent(number, turn.at, "message", _message(turn))
        for number, turn in enumerate((turn for turn in turns if turn.text), 1)
    ]
    return [*said, ChatEvent(len(said) + 1, ended, "ended", {"reason": ARCHIVED})]


def _message(turn: Turn) -> JsonObject:
    said: JsonObject = {"from": _FROM.get(turn.speaker, turn.speaker), "text": turn.text}
    return said if turn.speaker == "caller" else said | {"turn": turn.number}


def _conversation(service: ChatService, id: str, record: JsonObject, last: int) -> Conversation:
    started = parse_instant(record["sent"])
    reason = coded(record.get("reasonCode", ()), PURPOSE)
    return Conversation(id, service.id, service.title, started, ended=ARCHIVED, last=last, reason=reason)
