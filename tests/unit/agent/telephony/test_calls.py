"""Calls from the first webhook to the record, whatever happens to them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from twilio.request_validator import RequestValidator

from agent.telephony import calls as calls_module
from agent.telephony.incoming import Incoming, number_of
from agent.telephony.media import TwilioMedia
from agent.telephony.settings import TelephonySettings
from agent.telephony.telephone import Telephone
from tests.tone_agent import ToneCall

PUBLIC = "https://voice.example"
PERSON = "+15555550199"
CALLER = "+15555550123"


class Phone:
    """The telephone behind its routes, without sockets."""

    def __init__(self, make: Any = None, look: Any = None, **settings: Any):
        self.made: list[ToneCall] = []
        chosen = TelephonySettings(
            **{
                "auth_token": "t",
                "public_url": PUBLIC,
                "transfer_number": PERSON,
                "answer_within": 0.2,
                **settings,
            }
        )
        self.telephone = Telephone(chosen, make or self._make, look=look)
        transport = httpx.ASGITransport(Starlette(routes=self.telephone.routes()))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://behind-the-proxy")

    def _make(self, incoming: Incoming) -> ToneCall:
        self.made.append(ToneCall(incoming))
        return self.made[-1]

    async def post(self, path: str, **form: str) -> httpx.Response:
        signature = RequestValidator("t").compute_signature(f"{PUBLIC}/telephony/{path}", form)
        return await self.client.post(
            f"/telephony/{path}", data=form, headers={"X-Twilio-Signature": signature}
        )

    async def voice(self, call: str = "CA1", caller: str = CALLER) -> ET.Element:
        return ET.fromstring((await self.post("voice", CallSid=call, From=caller, To="+15555550100")).text)

    async def asked(self, path: str, **form: str) -> ET.Element:
        return ET.fromstring((await self.post(path, **form)).text)

    def token(self, answer: ET.Element) -> str:
        parameter = answer.find("Connect/Stream/Parameter")
        assert parameter is not None
        return parameter.attrib["value"]

    async def connect(self, call: str = "CA1") -> TwilioMedia:
        """The stream of a call has come, as the websocket would say it."""

        async def sent(text: str) -> None:
            return None

        claimed = self.telephone.calls.claim(call, self.token(await self.voice(call)))
        assert claimed is not None
        media = TwilioMedia("MZ1", sent)
        claimed.attach(media)
        await asyncio.sleep(0.01)
        return media

    async def closed(self, call: str = "CA1") -> None:
        found = self.telephone.calls.get(call)
        assert found is not None
        await asyncio.wait_for(found.wait(), 2)


@contextlib.asynccontextmanager
async def phone(make: Any = None, look: Any = None, **settings: Any) -> AsyncIterator[Phone]:
    made = Phone(make, look, **settings)
    try:
        yield made
    finally:
        await made.telephone.close(0.5)
        await made.client.aclose()


async def test_the_same_webhook_again_gets_the_same_answer_and_makes_no_second_call() -> None:
    async with phone() as line:
        first, second = await asyncio.gather(line.voice(), line.voice())
        assert ET.tostring(first) == ET.tostring(second) == ET.tostring(await line.voice())
        assert len(line.made) == 1


async def test_what_is_in_force_is_looked_at_before_a_call_is_made_and_makes_no_second_one() -> None:
    events: list[str] = []

    async def look() -> None:
        events.append("looked")
        await asyncio.sleep(0)

    def make(incoming: Incoming) -> ToneCall:
        events.append("made")
        return ToneCall(incoming)

    async with phone(make, look) as line:
        first, second = await asyncio.gather(line.voice(), line.voice())
        assert ET.tostring(first) == ET.tostring(second)
        assert events[0] == "looked" and events.count("made") == 1


async def test_a_call_is_answered_when_it_is_ready_and_not_much_later_when_it_is_not() -> None:
    def slow(incoming: Incoming) -> ToneCall:
        return ToneCall(incoming, prepare=0.05 if incoming.id == "CA1" else 60)

    async with phone(slow) as line:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        line.token(await line.voice("CA1"))
        assert loop.time() - begun < 0.19
        begun = loop.time()
        line.token(await line.voice("CA2"))
        assert loop.time() - begun > 0.15


async def test_wrong_signatures_are_refused_and_nothing_of_the_call_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with phone(account_sid="AC" + "1" * 32) as line:
        for path in ("voice", "status", "after", "transferred", "machine", "recording", "answered"):
            form = {"CallSid": "CA1", "From": CALLER}
            assert (await line.client.post(f"/telephony/{path}", data=form)).status_code == 403
            wrong = {"X-Twilio-Signature": "x" * 28}
            assert (await line.client.post(f"/telephony/{path}", data=form, headers=wrong)).status_code == 403
            other = await line.post(path, **form, AccountSid="AC" + "2" * 32)
            assert other.status_code == 403
        assert line.made == []
    told = [r.getMessage() for r in caplog.records if r.name.startswith("credence")]
    assert set(told) == {"a webhook without Twilio's signature was refused"}


async def test_bodies_that_are_no_forms_are_refused() -> None:
    async with phone() as line:
        assert (await line.client.post("/telephony/voice", content=b"x" * 70_000)).status_code == 413
        assert (await line.client.post("/telephony/voice", content=b"\xff\xfe=1")).status_code == 400
        assert (await line.client.get("/telephony/voice")).status_code == 405


async def test_a_token_lets_in_the_stream_of_its_call_once() -> None:
    async with phone() as line:
        one, two = line.token(await line.voice("CA1")), line.token(await line.voice("CA2"))
        calls = line.telephone.calls
        assert calls.claim("CA1", two) is None
        assert calls.claim("CA3", one) is None
        assert calls.claim("CA1", one) is not None
        assert calls.claim("CA1", one) is None


async def test_a_call_whose_stream_never_comes_is_closed() -> None:
    async with phone(stream_within=0.05) as line:
        token = line.token(await line.voice())
        await line.closed()
        assert (line.made[0].record, line.made[0].events) == ("written", ["abandoned: no stream came"])
        assert line.telephone.calls.claim("CA1", token) is None


@pytest.mark.parametrize("status", ["completed", "busy", "failed", "no-answer", "canceled"])
async def test_a_call_that_twilio_says_is_over_is_closed(status: str) -> None:
    async with phone() as line:
        await line.voice("CA1")
        await line.post("status", CallSid="CA1", CallStatus="in-progress")
        assert line.made[0].record == ""
        for _ in range(2):
            assert (await line.post("status", CallSid="CA1", CallStatus=status)).status_code == 204
        await line.closed("CA1")
        await line.connect("CA2")
        await line.post("status", CallSid="CA2", CallStatus=status)
        await line.closed("CA2")
        assert [call.record for call in line.made] == ["written"] * 2
        assert line.made[1].events == ["attached", "gone: call over"]
        assert (await line.post("status", CallSid="CA9", CallStatus=status)).status_code == 204


async def test_a_person_takes_over_when_the_stream_has_ended() -> None:
    async with phone(transfers={"billing": "+15555550177"}) as line:
        media = await line.connect()
        line.made[0].reason = "Billing: a bill"
        await media.close()
        first = await line.asked("after", CallSid="CA1")
        assert first.findtext("Dial/Number") == "+15555550177"
        assert first.find("Dial").attrib["callerId"] == CALLER  # type: ignore[union-attr]
        line.made[0].reason = None
        assert ET.tostring(await line.asked("after", CallSid="CA1")) == ET.tostring(first)
        await line.closed()


async def test_who_is_not_served_by_a_person_is_promised_a_call_once() -> None:
    async with phone() as line:
        media = await line.connect()
        line.made[0].reason = "asked for a person"
        await media.close()
        assert (await line.asked("after", CallSid="CA1")).findtext("Dial/Number") == PERSON
        assert (await line.asked("transferred", CallSid="CA1", DialCallStatus="completed")).find(
            "Say"
        ) is None
        for _ in range(2):
            told = await line.asked("transferred", CallSid="CA1", DialCallStatus="no-answer")
            assert told.findtext("Say") == line.telephone.settings.unanswered
        await asyncio.sleep(0.01)
        assert line.made[0].events.count("unanswered: asked for a person") == 1


async def test_without_a_number_for_transfers_the_promise_comes_at_once() -> None:
    async with phone(transfer_number="") as line:
        media = await line.connect()
        line.made[0].reason = "asked for a person"
        await media.close()
        answer = await line.asked("after", CallSid="CA1")
        assert answer.findtext("Say") == line.telephone.settings.unanswered
        await asyncio.sleep(0.01)
        assert "unanswered: asked for a person" in line.made[0].events


async def test_a_call_that_the_agent_ends_is_hung_up() -> None:
    async with phone() as line:
        await (await line.connect()).close()
        answer = await line.asked("after", CallSid="CA1")
        assert [verb.tag for verb in answer] == ["Hangup"]


@pytest.mark.parametrize("reason", ["disconnected", "stalled", "too long", "the carrier takes nothing"])
async def test_a_caller_whose_stream_broke_gets_a_person(reason: str) -> None:
    async with phone() as line:
        (await line.connect()).end(reason)
        assert (await line.asked("after", CallSid="CA1")).findtext("Dial/Number") == PERSON
        await line.closed()


class Failing(ToneCall):
    async def run(self) -> None:
        raise RuntimeError("the words of a patient")


async def test_a_call_that_fails_hands_its_caller_to_a_person(caplog: pytest.LogCaptureFixture) -> None:
    def no_agent(incoming: Incoming) -> ToneCall:
        raise RuntimeError("the words of a patient")

    for make in (Failing, no_agent):
        async with phone(make) as line:
            assert (await line.voice()).findtext("Dial/Number") == PERSON
        async with phone(make, transfer_number="") as line:
            told = (await line.voice()).findtext("Say")
            assert told in (line.telephone.settings.failed, line.telephone.settings.unanswered)
    assert "patient" not in caplog.text


async def test_a_call_unknown_here_gets_a_person() -> None:
    async with phone() as line:
        assert (await line.asked("after", CallSid="CA9")).findtext("Dial/Number") == PERSON
        told = await line.asked("transferred", CallSid="CA9", DialCallStatus="busy")
        assert told.findtext("Say") == line.telephone.settings.failed


async def test_more_calls_than_there_may_be_go_to_a_person() -> None:
    async with phone(most_calls=2) as line:
        for call in ("CA1", "CA2"):
            line.token(await line.voice(call))
        assert (await line.voice("CA3")).findtext("Dial/Number") == PERSON
        assert len(line.made) == 2
        await line.post("status", CallSid="CA1", CallStatus="completed")
        await line.closed("CA1")
        line.token(await line.voice("CA4"))


async def test_a_call_has_an_end() -> None:
    async with phone(most_seconds=0.05) as line:
        await line.connect()
        await line.closed()
        assert line.made[0].events[-1] == "gone: too long"


class Endless(ToneCall):
    """Does not end when its sound does."""

    async def run(self) -> None:
        await asyncio.Event().wait()


async def test_a_call_that_does_not_end_by_itself_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "_LATE", 0.05)
    async with phone(lambda incoming: Endless(incoming)) as line:
        await line.voice()
        await line.post("status", CallSid="CA1", CallStatus="completed")
        await line.closed()


async def test_the_end_of_the_process_closes_all_calls_with_their_records() -> None:
    async with phone() as line:
        await line.voice("CA1")
        await line.connect("CA2")
        await line.telephone.close(2)
        assert [call.record for call in line.made] == ["written", "written"]
        assert [call.events[-1] for call in line.made] == ["abandoned: shutting down", "gone: shutting down"]
        assert (await line.voice("CA3")).findtext("Dial/Number") == PERSON
    async with phone(lambda incoming: Endless(incoming)) as line:
        await line.voice("CA1")
        await asyncio.wait_for(line.telephone.close(0.05), 2)


async def test_where_calls_are_recorded_it_is_said() -> None:
    async with phone(recording=True, notice="Recorded.") as line:
        await line.voice()
        assert (line.made[0].incoming.recorded, line.made[0].incoming.notice) == (True, "Recorded.")
    async with phone(notice="Recorded.") as line:
        await line.voice()
        assert (line.made[0].incoming.recorded, line.made[0].incoming.notice) == (False, "")


@pytest.mark.parametrize(
    ("value", "number"),
    [("+15555550123", "+15555550123"), ("15555550123", "+15555550123"), ("anonymous", ""), ("+266696687", ""),
     ("sip:alice@example.com", ""), ("", ""), ("client:x", "")],
)  # fmt: skip
def test_a_withheld_number_is_none(value: str, number: str) -> None:
    assert number_of(value) == number
