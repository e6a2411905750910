"""A picture that a patient sends, as a DocumentReference."""

from __future__ import annotations

import asyncio
import base64
import logging
from datetime import datetime
from hashlib import sha1
from typing import Protocol

from agent.cards.pictures import BadPicture, picture
from agent.cards.reading import Card
from agent.cards.words import NotRead
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject

MOST_BYTES = 6 * 1024 * 1024
LONGEST_READING = 20.0
"""Seconds that the page waits for what is read from a picture; it can be typed as well."""
_KIND = "https://credence.health/fhir/CodeSystem/document-kind"
_SUREST = 0.6
"""What is read less surely than this is not put before the patient: a wrong digit is easily overlooked."""
_READ = {"coverage-payer": "payer", "coverage-member": "member", "coverage-group": "group"}
log = logging.getLogger("credence.forms")


class Cards(Protocol):
    """Reads insurance cards (:class:`agent.cards.reader.CardReader`)."""

    async def read(self, data: bytes) -> Card:
        """Raises :class:`~agent.cards.pictures.BadPicture` and :class:`~agent.cards.words.NotRead`."""
        ...


def kind_of(content: bytes) -> str:
    """The media type by what the file is; empty for what is no picture that we take."""
    try:
        found = picture(content, MOST_BYTES).content_type
    except BadPicture:
        return ""
    return found if found.startswith("image/") else ""


async def read_off(cards: Cards | None, content: bytes) -> dict[str, str]:
    """What is read from a card, by link id: for the patient to look at, who alone can state it. Nothing where nothing
    can be read, or not in time."""
    if cards is None:
        return {}
    try:
        card = await asyncio.wait_for(cards.read(content), LONGEST_READING)
    except (BadPicture, NotRead, TimeoutError) as error:
        log.info("a card was not read: %s", getattr(error, "code", "late"))
        return {}
    fields = {link: getattr(card, name) for link, name in _READ.items()}
    return {link: field.value for link, field in fields.items() if field and field.confidence >= _SUREST}


def document(id: str, patient: str, content: bytes, kind: str, at: datetime) -> JsonObject:
    """The DocumentReference of an insurance card."""
    attachment = {
        "contentType": kind,
        "data": base64.b64encode(content).decode(),
        "size": len(content),
        "hash": base64.b64encode(sha1(content, usedforsecurity=False).digest()).decode(),
        "title": "Insurance card",
    }
    return {
        "resourceType": "DocumentReference",
        "id": id,
        "status": "current",
        "docStatus": "preliminary",
        "type": {
            "coding": [{"system": "http://loinc.org", "code": "64290-0", "display": "Health insurance card"}]
        },
        "category": [{"coding": [{"system": _KIND, "code": "insurance-card"}]}],
        "subject": {"reference": patient},
        "author": [{"reference": patient}],
        "date": instant(at),
        "description": "Insurance card",
        "content": [{"attachment": attachment}],
    }
