"""Calls in the town: those that were asked for, and those of people who call back."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from agent.simulator.callee import GREETING, Callee
from agent.simulator.carrier import Line, Outcome, PhoneCarrier
from agent.simulator.outgoing import OutgoingCarrier
from agent.simulator.text_socket import Refused
from agent.simulator.town.contact_log import ContactLog
from agent.simulator.town.people import FIRST_WORDS, Mind, Townsman
from agent.simulator.town.stream import WrittenStream
from agent.simulator.twiml import Stream
from fhirserver.kernel.wall import waiting

_RINGS, _RINGS_IN_VAIN = 8.0, 30.0
"""Seconds of the day that a telephone rings until it is answered, and until the caller gives up."""
_KNOWN_AFTER, _GREETING = 2.4, 6.0
_SECONDS_OF_A_CALL = 60.0
_ANSWERS = {
    "no-answer": "no-answer",
    "later": "no-answer",
    "busy": "busy",
    "failed": "failed",
    "machine": "machine",
}
_NAMES = ("order", "of")
"""How our side names a contact in the addresses it gives: of calls, of messages."""
Form = Mapping[str, Sequence[str]]


class TownCalls:
    """All calls of the town. ``records`` are Twilio's call resources by CallSid, for those who ask."""

    def __init__(self, line: Line, client: httpx.AsyncClient, log: ContactLog):
        self._line, self._client, self._log = line, client, log
        self.records: dict[str, dict[str, Any]] = {}
        self.asked: dict[str, list[str]] = {}
        """By CallSid, our addresses that Twilio asked or told of it."""

    async def made(self, sid: str, form: Form, who: Townsman) -> None:
        """A call that was asked for, from its first ring to its end."""
        record = self.records[sid]
        answers = _ANSWERS.get(who.call, "person")
        rings = waiting(_RINGS_IN_VAIN if who.call in ("no-answer", "later") else _RINGS)
        callee = Callee(answers, rings)
        carrier = OutgoingCarrier(self._line, self._client, sid, form, callee, waiting(_KNOWN_AFTER))
        side = _Side(who, self._log, sid, carrier)
        if answers == "machine":
            side.machine = True
        self.asked[sid] = carrier.asked
        outcome = await carrier.call(sid, who.number, side.carry)
        record["status"] = carrier.told[-1] if carrier.told else "completed"
        how = "machine" if side.machine and side.answered else side.how or record["status"]
        self._log.note("ended", who.number, sid=sid, how=how, heard=side.turns, trouble=outcome.trouble)

    async def back(self, who: Townsman) -> None:
        """Somebody calls us."""
        sid = f"CA{secrets.token_hex(16)}"
        self._log.note("rang", who.number, sid=sid)
        carrier = PhoneCarrier(self._line, self._client)
        side = _Side(who, self._log, sid, None)
        outcome: Outcome = await carrier.call(sid, who.number, side.carry)
        self._log.note("ended", who.number, sid=sid, how=side.how, heard=side.turns, trouble=outcome.trouble)


class _Side:
    """Whoever has the receiver in the town."""

    def __init__(self, who: Townsman, log: ContactLog, sid: str, carrier: OutgoingCarrier | None):
        self._who, self._log, self._sid, self._carrier = who, log, sid, carrier
        self.machine = self.answered = False
        self.turns, self.how = 0, ""

    async def carry(self, call: str, verb: Stream, url: str, signature: str) -> str:
        """Carry one stream; who ended it."""
        self._log.note("answered", self._who.number, sid=self._sid)
        self.answered = True
        stream = WrittenStream(call)
        try:
            await stream.open(url, signature, dict(verb.parameters))
            async with asyncio.timeout(_SECONDS_OF_A_CALL):
                return await (self._plays(stream) if self.machine else self._talks(stream))
        except Refused as refused:
            raise OSError(f"the stream was refused: {refused}") from None
        except TimeoutError:
            self.how = "stuck"
            await stream.hang_up()
            return "caller"
        finally:
            await stream.close()

    async def _plays(self, stream: WrittenStream) -> str:
        """A machine: its greeting, its tone, and whatever is left until the other side hangs up."""
        stream.say(GREETING)
        await asyncio.sleep(waiting(_GREETING))
        if self._carrier is not None:
            self._carrier.recording.set()
        with contextlib.suppress(TimeoutError):
            while await stream.hear(patience=5.0):
                self.turns += 1
            return "server"
        await stream.hang_up()
        return "caller"

    async def _talks(self, stream: WrittenStream) -> str:
        mind, wished = Mind(self._who), False
        while said := await stream.hear():
            self.turns += 1
            if wished:  # it was answered: a line that breaks before that has promised nothing
                self._log.note("taken", self._who.number, sid=self._sid, body=FIRST_WORDS["opt-out"])
                wished = False
            if self._who.call == "hang-up" and self._carrier is not None:
                self.how = "hang-up"
                await stream.hang_up()
                return "caller"
            first = FIRST_WORDS.get(self._who.call, "") if self._carrier is not None else ""
            answer = first if first and self.turns == 1 else mind.answer(said)
            if answer:
                if answer == FIRST_WORDS["opt-out"]:
                    self._log.note("wrote", self._who.number, sid=self._sid, body=answer)
                    wished = True
                stream.say(answer)
        self.how = self._who.call if self._who.call in FIRST_WORDS else "person"
        return "server"


def order_in(addresses: Sequence[str]) -> str:
    """Our side's own name of a contact, from the first address that has one in its query; empty for none."""
    asked = [parse_qs(urlsplit(address).query) for address in addresses]
    found = (names for query in asked for key in _NAMES if (names := query.get(key)))
    return next((names[0].removeprefix("out-") for names in found), "")
