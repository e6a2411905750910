"""The answers that tell Twilio what to do with a call (https://www.twilio.com/docs/voice/twiml)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.telephony.settings import TelephonySettings

ROOT = "/telephony"
MEDIA = f"{ROOT}/media"
AFTER = f"{ROOT}/after"
TRANSFERRED = f"{ROOT}/transferred"
TOKEN = "token"  # noqa: S105  (the name of a parameter)


def streamed(settings: TelephonySettings, token: str) -> str:
    """Connect the caller to the agent; when the stream ends, ask what comes next."""
    from twilio.twiml.voice_response import Connect, VoiceResponse

    connect = Connect(action=f"{settings.base}{AFTER}", method="POST")
    stream = connect.stream(url=f"{settings.socket_base}{MEDIA}")
    stream.parameter(name=TOKEN, value=token)
    response = VoiceResponse()
    response.append(connect)
    return str(response)


def dialled(settings: TelephonySettings, target: str, caller_id: str) -> str:
    """Ring a person; what comes of it is told to ``/telephony/transferred``."""
    from twilio.twiml.voice_response import Dial, VoiceResponse

    dial = Dial(
        action=f"{settings.base}{TRANSFERRED}",
        method="POST",
        timeout=round(settings.ring_seconds),
        answer_on_bridge=True,
        caller_id=caller_id or None,
    )
    dial.number(target)
    response = VoiceResponse()
    response.append(dial)
    return str(response)


def said(settings: TelephonySettings, text: str) -> str:
    """Say something and hang up. Twilio's own voice: this is for when ours is not there."""
    from twilio.twiml.voice_response import VoiceResponse

    response = VoiceResponse()
    if text:
        response.say(text, language=settings.language)
    response.hangup()
    return str(response)


def busy() -> str:
    """Do not answer the call at all."""
    from twilio.twiml.voice_response import VoiceResponse

    response = VoiceResponse()
    response.reject(reason="busy")
    return str(response)


def written(text: str) -> str:
    """The answer to a text message; empty for none."""
    from twilio.twiml.messaging_response import MessagingResponse

    response = MessagingResponse()
    if text:
        response.message(text)
    return str(response)
