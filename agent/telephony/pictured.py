"""Pictures in conversations by text message: fetched, kept with the call, and read like those of a chat."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from agent.call import Call
from agent.cards.pictures import BadPicture, picture
from agent.chat.attachments import Filing
from agent.chat.recognising import Recognises
from agent.signals import UNREAD, Utterance
from agent.telephony.media_files import MediaFiles, NotFetched
from fhirserver.kernel.outcomes import Refusal
from fhirserver.ports.chats import Attachment

log = logging.getLogger("credence.telephony")


@dataclass(frozen=True)
class Pictured:
    """Of one conversation; ``name`` is its id, by which what is kept is named."""

    call: Call
    name: str
    files: MediaFiles
    recognises: Recognises

    async def look(self, url: str) -> Utterance:
        """What the caller says by a picture. Never raises: one that cannot be had or read is asked about in words."""
        try:
            content = await self.files.fetch(url)
            kind = picture(content).content_type
            filing = Filing(self.call.client, self.call, self.name)
            reference = await filing.keep(Attachment(content, kind, "Picture message"))
        except (NotFetched, BadPicture, Refusal) as trouble:
            log.error("a picture message was not taken: %s", type(trouble).__name__)
            return Utterance(self.call.clock.now(), UNREAD, picture=UNREAD)
        read = await self.recognises.recognise(content, kind)
        now = self.call.clock.now()
        if not read.said:
            return Utterance(now, UNREAD, picture=reference)
        return Utterance(now, read.said, confidence=read.confidence, picture=reference)
