"""The webhook of text messages (https://www.twilio.com/docs/messaging/guides/webhook-request)."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from agent.telephony import twiml
from agent.telephony.incoming import number_of
from agent.telephony.signatures import Form
from agent.telephony.texting import Texting

_ONLY_TEXT = "I can read text only. Please write what you need."


@dataclass
class TextWebhook:
    """``/telephony/sms``."""

    texting: Texting

    async def sms(self, form: Form, request: Request) -> str:
        """A message has come; the answer holds the reply when it is there in time."""
        id, text = form.get("MessageSid", ""), form.get("Body", "").strip()
        caller, called = number_of(form.get("From", "")), number_of(form.get("To", ""))
        if form.get("OptOutType", "") == "STOP":
            self.texting.stop(caller, called)
            return twiml.written("")
        if not id or not caller:
            return twiml.written("")
        if not text:
            return twiml.written(_ONLY_TEXT if form.get("NumMedia", "0") != "0" else "")
        return twiml.written(await self.texting.receive(id, caller, called, text))
