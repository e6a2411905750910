"""The webhook of text messages (https://www.twilio.com/docs/messaging/guides/webhook-request)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from agent.cards.pictures import TYPES
from agent.telephony import twiml
from agent.telephony.incoming import number_of
from agent.telephony.media_files import MOST_MEDIA
from agent.telephony.signatures import Form
from agent.telephony.texting import ONLY_TEXT, Texting
from agent.telephony.webhooks import NotTaken

STOP = frozenset(["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"]) - {
    "cancel",
    "end",
}
"""Words that end messages when they are all that is written (https://www.twilio.com/docs/messaging/tutorials/advanced-
opt-out). Not ``cancel`` and ``end``: here they may be about a visit."""
START = frozenset({"start", "unstop"})
_STOP_ES = frozenset({"alto", "baja", "parar", "pare", "paren", "detener"})
"""Not ``cancelar``, which may be about a visit: it is asked back (:mod:`agent.policy.spanish_replies`)."""
_START_ES = frozenset({"iniciar", "reanudar", "comenzar"})
_TOLD_ES = {
    "STOP": "Entendido. No le enviaremos más mensajes. Responda INICIAR para recibirlos de nuevo.",
    "START": "Le enviaremos mensajes de nuevo. Responda BAJA para no recibir más.",
}
"""What the carrier does not answer itself, since the words are none of its own."""


class Preferences(Protocol):
    """Who keeps what people say of messages to their number."""

    async def stop(self, number: str) -> bool:
        """No more of them. True once that is kept; False where it takes longer: then it is gone with this process."""
        ...

    async def start(self, number: str) -> bool:
        """Messages are welcome again."""
        ...


class Delivery(Protocol):
    """Who keeps what became of messages that were sent."""

    async def told(self, id: str, status: str) -> None: ...


@dataclass
class TextWebhook:
    """``/telephony/sms``, and what is told of messages that were sent."""

    texting: Texting
    preferences: Preferences | None = None
    delivery: Delivery | None = None

    async def status(self, form: Form, request: Request) -> str:
        """``/telephony/text-status``: how a message that we sent goes on."""
        if self.delivery is not None:
            await self.delivery.told(request.query_params.get("of", ""), form.get("MessageStatus", ""))
        return ""

    async def sms(self, form: Form, request: Request) -> str:
        """A message has come; the answer holds the reply when it is there in time."""
        id, text = form.get("MessageSid", ""), form.get("Body", "").strip()
        caller, called = number_of(form.get("From", "")), number_of(form.get("To", ""))
        told = form.get("OptOutType", "")
        wish, spanish = (told, False) if told else _wish(text)
        reply = _TOLD_ES[wish] if spanish else ""
        if wish == "STOP":
            self.texting.stop(caller, called)
            if self.preferences is not None and caller and not await self.preferences.stop(caller):
                raise NotTaken
            return twiml.written(reply)
        if wish == "START" and self.preferences is not None and caller:
            if not await self.preferences.start(caller):
                raise NotTaken
            return twiml.written(reply)
        if not id or not caller:
            return twiml.written("")
        pictures = _pictures(form)
        if not text and not pictures:
            return twiml.written(ONLY_TEXT if form.get("NumMedia", "0") != "0" else "")
        return twiml.written(await self.texting.receive(id, caller, called, text, pictures))


def _wish(text: str) -> tuple[str, bool]:
    """``STOP``, ``START`` or nothing; and whether it was said in Spanish."""
    word = "".join(c for c in text.casefold() if c.isalpha())
    if word in STOP | _STOP_ES:
        return "STOP", word in _STOP_ES
    return ("START", word in _START_ES) if word in START | _START_ES else ("", False)


def _pictures(form: Form) -> list[str]:
    """The addresses of what is sent along that may be read (https://www.twilio.com/docs/messaging/guides/webhook-request)."""
    count = form.get("NumMedia", "0")
    places = range(min(int(count), MOST_MEDIA) if count.isdecimal() else 0)
    return [
        form.get(f"MediaUrl{place}", "")
        for place in places
        if form.get(f"MediaContentType{place}", "").lower() in TYPES and form.get(f"MediaUrl{place}")
    ]
