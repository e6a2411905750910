"""Text messages in the town: delivered or not, answered after a while, each webhook until it is taken."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import xml.etree.ElementTree as ET
from typing import Any

import httpx

from agent.simulator.carrier import Line
from agent.simulator.town.contact_log import ContactLog
from agent.simulator.town.people import Mind, Townsman, first_answer
from fhirserver.kernel.wall import waiting

_UNKNOWN_HANDSET = "30003"
_AGAIN, _TAKEN_WITHIN = 0.5, 120.0
"""Seconds until a webhook that was not taken is sent again, and for how long."""
_NEXT_ANSWER, _PATIENCE = 45.0, 1_800.0
"""Seconds of the day until the next message of a conversation is answered, and until no more is waited for."""
_LATE_REPLY = 12.0
"""Seconds of the machine within which a reply that did not come with the webhook comes by itself."""


class TownTexts:
    """All messages of the town."""

    def __init__(self, line: Line, client: httpx.AsyncClient, log: ContactLog):
        self._line, self._client, self._log = line, client, log
        self._address = line.named(line.webhook).rsplit("/", 1)[0] + "/sms"
        self.records: dict[str, dict[str, Any]] = {}
        """Twilio's message resources by MessageSid, for those who ask."""
        self._talking: dict[str, asyncio.Queue[str]] = {}
        self.blocked: set[str] = set()
        """Numbers that have written STOP: Twilio takes no message for them."""

    def answers(self, number: str) -> bool:
        """Whether a message to this number now is part of a conversation."""
        return number in self._talking

    async def sent(self, sid: str, who: Townsman, body: str, callback: str) -> None:
        """A message that was asked for, from the carrier to the end of what comes of it."""
        talk = self._talking.get(who.number)
        fails = who.text == "undelivered"
        if talk is None and not fails:
            talk = self._talking[who.number] = asyncio.Queue()
            following = True
        else:
            following = False
        try:
            status = self.records[sid]["status"] = "undelivered" if fails else "delivered"
            self._log.note("failed" if fails else "delivered", who.number, sid=sid)
            if callback:
                await self._tell(callback, who.number, sid, status)
            if talk is None:
                return
            if following:
                await self._converse(who, talk)
            else:
                talk.put_nowait(body)
        finally:
            if following:
                self._talking.pop(who.number, None)

    async def _converse(self, who: Townsman, talk: asyncio.Queue[str]) -> None:
        words, wish = first_answer(who), "reschedule" if who.text == "reschedule" else ""
        if not words:
            return
        mind = Mind(who, wish)
        await asyncio.sleep(waiting(who.answers_after))
        for _ in range(12):
            reply = await self._write(who, words)
            if words == "STOP":
                return
            if not reply:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LATE_REPLY):
                        reply = await talk.get()
            words = mind.answer(reply) if reply else ""
            if not words:
                return
            await asyncio.sleep(waiting(_NEXT_ANSWER))

    async def _write(self, who: Townsman, words: str) -> str:
        """Write to us until it is taken; the reply that came with it."""
        sid = f"SM{secrets.token_hex(16)}"
        form = {
            "MessageSid": sid,
            "AccountSid": self._line.account,
            "From": who.number,
            "To": self._line.number,
            "Body": words,
            "NumMedia": "0",
            "ApiVersion": "2010-04-01",
        }
        if words == "STOP":
            form["OptOutType"] = "STOP"
            self.blocked.add(who.number)
        self._log.note("wrote", who.number, sid=sid, body=words)
        async with asyncio.timeout(_TAKEN_WITHIN):
            answer = await self._post(self._address, form)
            while answer is None:
                await asyncio.sleep(_AGAIN)
                answer = await self._post(self._address, form)
        self._log.note("taken", who.number, sid=sid, body=words)
        return _message(answer)

    async def _tell(self, callback: str, number: str, sid: str, status: str) -> None:
        told = {
            "MessageSid": sid,
            "MessageStatus": status,
            "AccountSid": self._line.account,
            "From": self._line.number,
            "To": number,
            "ApiVersion": "2010-04-01",
        }
        if status == "undelivered":
            told["ErrorCode"] = _UNKNOWN_HANDSET
        await self._post(callback, told)

    async def _post(self, address: str, form: dict[str, str]) -> str | None:
        """The answer; None where there was none."""
        headers = {"X-Twilio-Signature": self._line.sign(address, form), "User-Agent": "TwilioProxy/1.1"}
        try:
            answer = await self._client.post(self._line.reached(address), data=form, headers=headers)
        except httpx.HTTPError:
            return None
        return answer.text if answer.is_success else None


def _message(twiml: str) -> str:
    if not twiml:
        return ""
    root = ET.fromstring(twiml)  # noqa: S314  (ours, over loopback)
    return " ".join("".join(one.itertext()).strip() for one in root.iter("Message"))
