"""Insurance cards in pictures: the port :class:`~agent.chat.recognising.Recognises` by the card reader."""

from __future__ import annotations

import logging

from agent.cards.pictures import BadPicture
from agent.cards.reader import CardReader
from agent.cards.saying import said, shown
from agent.cards.words import NotRead
from agent.chat.recognising import Recognised

log = logging.getLogger("credence.chat")


class CardPictures:
    """What is read is put to the patient, who confirms it. A picture that is no card says nothing."""

    def __init__(self, reader: CardReader | None = None):
        self._reader = reader or CardReader()

    async def recognise(self, content: bytes, content_type: str) -> Recognised:
        try:
            card = await self._reader.read(content)
        except (BadPicture, NotRead) as trouble:
            log.info("a picture was not read: %s", trouble.code)
            return Recognised()
        words, confidence = said(card)
        return Recognised(shown(card), words, max(confidence, 0.3)) if words else Recognised()
