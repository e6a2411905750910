"""Twilio's webhooks: what is asked comes with a signature, and what is answered is TwiML."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from agent.telephony import twiml
from agent.telephony.calls import Calls, PhoneCall
from agent.telephony.incoming import Incoming, number_of
from agent.telephony.settings import TelephonySettings
from agent.telephony.signatures import HEADER, Form, Signatures, form_of

log = logging.getLogger("credence.telephony")

BODY_BYTES = 64 * 1024
ORDER = "order"
"""The query parameter with our own key of a call out."""
_OVER = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_UNREACHED = _OVER - {"completed"}
_TAKEN = frozenset({"completed", "answered"})


class NotTaken(Exception):
    """What was told could not be kept for now: the carrier is to tell it again (503; at Twilio by a number's fallback
    address, or a connection override with retries)."""


Answer: TypeAlias = Callable[[Form, Request], Awaitable[str]]
"""Takes the fields, gives TwiML; empty text for nothing to say."""


def signed(signatures: Signatures, account: str, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that answers only Twilio, 403 to all others."""

    async def endpoint(request: Request) -> Response:
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        try:
            form = form_of(body)
        except ValueError:
            return Response(status_code=400)
        signature = request.headers.get(HEADER, "")
        right = signatures.of_webhook(request.url.path, request.url.query, form, signature)
        if not right or (account and form.get("AccountSid", account) != account):
            log.warning("a webhook without Twilio's signature was refused")
            return Response(status_code=403)
        try:
            text = await answer(form, request)
        except NotTaken:
            return Response(status_code=503)
        return Response(text, media_type="text/xml") if text else Response(status_code=204)

    return endpoint


async def _body(request: Request) -> bytes | None:
    body = b""
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_BYTES:
                return None
    except ClientDisconnect:
        return None
    return body


@dataclass
class VoiceWebhooks:
    """What Twilio asks and tells of calls."""

    settings: TelephonySettings
    calls: Calls
    look: Callable[[], Awaitable[object]] | None = None
    """Awaited before a call that comes in is made ready: to know what is in force now."""

    async def voice(self, form: Form, request: Request) -> str:
        """``/telephony/voice``: somebody calls. Rings until the first words are ready."""
        id = form.get("CallSid", "")
        if not id:
            return twiml.said(self.settings, "")
        call = self.calls.get(id)
        if call is None:
            if self.calls.full:
                log.warning("a call was not taken: there are too many")
                return self._without_agent(form)
            if self.look is not None:
                await self.look()
            call = self.calls.get(id) or self._prepare(self._incoming(id, form))
        return await self.connected(call) if call is not None else self._without_agent(form)

    async def answered(self, form: Form, request: Request) -> str:
        """``/telephony/answered``: a call out was answered."""
        call = self._call(form, request)
        if call is None or not call.incoming.outbound:
            return twiml.said(self.settings, "")
        return await self.connected(call)

    async def connected(self, call: PhoneCall) -> str:
        """Connect a call to its stream once it is ready; the same answer when asked again."""
        if not call.answer:
            await call.ready()
        if not call.answer and not call.over:
            call.answer = twiml.streamed(self.settings, self.calls.token(call.incoming.id))
            call.expect_stream()
        if call.over and call.media is None:
            return self._onward(call)
        return call.answer

    async def after(self, form: Form, request: Request) -> str:
        """``/telephony/after``: the stream has ended. A person takes over, or the call is over."""
        call = self.calls.get(form.get("CallSid", ""))
        if call is None:
            return self._without_agent(form)
        if not call.after:
            call.after = self._onward(call)
        return call.after

    async def transferred(self, form: Form, request: Request) -> str:
        """``/telephony/transferred``: a person took the call, or nobody did."""
        if form.get("DialCallStatus", "") in _TAKEN:
            return twiml.said(self.settings, "")
        call = self.calls.get(form.get("CallSid", ""))
        if call is not None:
            self.calls.promise(call, call.prepared.onward() or "")
        return twiml.said(self.settings, self.settings.unanswered if call else self.settings.failed)

    async def status(self, form: Form, request: Request) -> str:
        """``/telephony/status``: how the call stands."""
        call, status = self._call(form, request), form.get("CallStatus", "")
        if call is not None and status in _OVER:
            unreached = call.incoming.outbound and status in _UNREACHED
            self.calls.end(call.incoming.id, status if unreached else "call over")
        return ""

    async def machine(self, form: Form, request: Request) -> str:
        """``/telephony/machine``: who or what answered a call out."""
        call, answered = self._call(form, request), form.get("AnsweredBy", "")
        if call is not None and call.incoming.outbound and answered and not call.answered_by:
            call.answered_by = answered
            call.prepared.answered_by(answered)
        return ""

    async def recording(self, form: Form, request: Request) -> str:
        """``/telephony/recording``: a recording that Twilio makes has another state."""
        call = self.calls.get(form.get("CallSid", ""))
        if call is not None and form.get("RecordingSid"):
            call.recordings[form["RecordingSid"]] = form.get("RecordingStatus", "")
        return ""

    def _call(self, form: Form, request: Request) -> PhoneCall | None:
        """The call of a webhook: by its CallSid, or for a call out whose CallSid is not known yet by our own key."""
        id, order = form.get("CallSid", ""), request.query_params.get(ORDER, "")
        if order and id:
            self.calls.rename(order, id)
        return self.calls.get(id)

    def _incoming(self, id: str, form: Form) -> Incoming:
        settings = self.settings
        notice = settings.notice if settings.recording else ""
        caller, called = number_of(form.get("From", "")), number_of(form.get("To", ""))
        return Incoming(id, caller, called, recorded=settings.recording, notice=notice)

    def _prepare(self, incoming: Incoming) -> PhoneCall | None:
        try:
            return self.calls.prepare(incoming)
        except Exception as error:  # whatever keeps the agent away, the caller gets a person
            log.error("a call could not be prepared: %s", type(error).__name__)
            return None

    def _onward(self, call: PhoneCall) -> str:
        """What comes after the agent."""
        reason = call.prepared.onward()
        if reason is None and call.broken:
            log.warning("a caller is handed on: the agent's connection was lost")
            reason = ""
        if reason is None:
            return twiml.said(self.settings, "")
        target = self.settings.target(reason)
        if target:
            return twiml.dialled(self.settings, target, self._caller_id(call.incoming))
        self.calls.promise(call, reason)
        return twiml.said(self.settings, self.settings.unanswered)

    def _caller_id(self, incoming: Incoming) -> str:
        """The person who takes over sees who calls; on a call out only our own number may be shown."""
        return self.settings.number if incoming.outbound else incoming.caller or self.settings.number

    def _without_agent(self, form: Form) -> str:
        """The agent cannot take it: a person does, or the line is busy."""
        if self.settings.transfer_number:
            caller = number_of(form.get("From", "")) or self.settings.number
            return twiml.dialled(self.settings, self.settings.transfer_number, caller)
        return twiml.said(self.settings, self.settings.failed)
