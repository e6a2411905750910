"""Calls out and text messages, through Twilio's own SDK and a server of its protocol in another process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from twilio.request_validator import RequestValidator

from agent.errand import Errand
from agent.signals import HangUp, Utterance
from agent.telephony.incoming import Incoming
from agent.telephony.rest import RestFailed
from agent.telephony.texting import TextLine
from tests.tone_agent import TOKEN, Served, serving

ACCOUNT = "AC" + "1" * 32
OURS = "+15555550100"
PATIENT = "+15555550123"
REMINDER = Errand("confirm", "Patient/p")


@contextlib.asynccontextmanager
async def rest_api() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "agent.simulator.rest_api", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def echo(incoming: Incoming, line: TextLine) -> None:
    """Greets, says back what is written, and ends on "bye"."""
    await line.say("Hello.", 1)
    while isinstance(signal := await line.listen(), Utterance):
        if signal.text == "slow":
            await asyncio.sleep(0.6)
        await line.say(f"You wrote {signal.text}.", 2)
        if signal.text == "bye":
            break
    assert isinstance(signal, HangUp | Utterance)
    await line.finish()


@contextlib.asynccontextmanager
async def phone(**settings: object) -> AsyncIterator[tuple[Served, str, httpx.AsyncClient]]:
    async with rest_api() as api, httpx.AsyncClient(timeout=20) as client:
        chosen = {"account_sid": ACCOUNT, "number": OURS, "api_url": api, "sms_within": 0.3, **settings}
        async with serving(converse=echo, **chosen) as served:
            yield served, api, client


async def post(client: httpx.AsyncClient, address: str, form: dict[str, str]) -> str:
    signature = RequestValidator(TOKEN).compute_signature(address, form)
    answer = await client.post(address, data=form, headers={"X-Twilio-Signature": signature})
    assert answer.is_success, answer.status_code
    return answer.text


async def text(client: httpx.AsyncClient, served: Served, id: str, body: str, **more: str) -> str:
    form = {"MessageSid": id, "From": PATIENT, "To": OURS, "Body": body, "AccountSid": ACCOUNT, **more}
    answer = await post(client, f"{served.base}/telephony/sms", form)
    return ET.fromstring(answer).findtext("Message") or ""


async def sent(client: httpx.AsyncClient, api: str) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = (await client.get(f"{api}/admin/requests")).json()
    return made


async def test_a_conversation_by_text_is_one_for_a_pair_of_numbers() -> None:
    async with phone() as (served, api, client):
        assert await text(client, served, "SM1", "hi") == "Hello. You wrote hi."
        assert await text(client, served, "SM2", "again") == "You wrote again."
        assert await text(client, served, "SM2", "again") == "You wrote again."  # Twilio asks again
        assert (
            await text(client, served, "SM3", "", NumMedia="1")
            == "I can read text only. Please write what you need."
        )
        assert await text(client, served, "SM4", "bye") == "You wrote bye."
        await asyncio.sleep(0.05)
        assert await text(client, served, "SM5", "hi") == "Hello. You wrote hi."  # a new one
        assert await sent(client, api) == []


async def test_a_reply_that_takes_longer_goes_by_the_rest_api() -> None:
    async with phone() as (served, api, client):
        assert await text(client, served, "SM1", "slow") == ""
        await asyncio.sleep(1.0)
        [message] = await sent(client, api)
        assert (message["To"], message["From"]) == (PATIENT, OURS)
        assert message["Body"] == "Hello. You wrote slow."
        assert await text(client, served, "SM1", "slow") == ""  # the same message again says nothing twice
        assert len(await sent(client, api)) == 1


async def test_who_wants_no_more_messages_gets_none() -> None:
    async with phone() as (served, api, client):
        await text(client, served, "SM1", "hi")
        assert await text(client, served, "SM2", "STOP", OptOutType="STOP") == ""
        await asyncio.sleep(0.05)
        assert served.telephone.texting is not None
        assert not served.telephone.texting._open
        assert await sent(client, api) == []


async def test_a_call_out_is_placed_once_and_connected_when_answered() -> None:
    async with phone() as (served, api, client):
        out = served.telephone.outbound
        placed = await asyncio.gather(*(out.place("task/7", PATIENT, REMINDER) for _ in range(3)))
        assert len(set(placed)) == 1
        [request] = await sent(client, api)
        assert (request["To"], request["From"], request["AsyncAmd"]) == (PATIENT, OURS, "true")
        [prepared] = served.calls.values()
        assert (prepared.incoming.errand, prepared.incoming.outbound) == (REMINDER, True)
        answer = await post(client, request["Url"], {"CallSid": placed[0], "CallStatus": "in-progress"})
        assert ET.fromstring(answer).find("Connect/Stream") is not None
        again = await post(client, request["Url"], {"CallSid": placed[0], "CallStatus": "in-progress"})
        assert again == answer
        assert len(await sent(client, api)) == 1


async def test_who_answered_is_told_once_with_the_message_that_a_machine_may_have() -> None:
    async with phone(voicemail="Please call us back.") as (served, api, client):
        sid = await served.telephone.outbound.place("1", PATIENT, REMINDER)
        [request] = await sent(client, api)
        assert request["MachineDetection"] == "DetectMessageEnd"
        for _ in range(2):
            machine = {"CallSid": sid, "AnsweredBy": "machine_end_beep"}
            await post(client, request["AsyncAmdStatusCallback"], machine)
        [prepared] = served.calls.values()
        assert prepared.events == ["answered by: machine_end_beep"]
        assert prepared.incoming.errand is not None
        assert prepared.incoming.errand.message == "Please call us back."


async def test_a_call_that_nobody_answers_is_closed_with_its_record() -> None:
    async with phone() as (served, api, client):
        sid = await served.telephone.outbound.place("1", PATIENT, REMINDER)
        [request] = await sent(client, api)
        await post(client, request["StatusCallback"], {"CallSid": sid, "CallStatus": "no-answer"})
        call = served.telephone.calls.get(sid)
        assert call is not None
        await asyncio.wait_for(call.wait(), 5)
        [taken] = served.calls.values()
        assert (taken.record, taken.events) == ("written", ["abandoned: no-answer"])


async def test_a_call_that_twilio_refuses_may_be_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with phone() as (served, api, client):
        await client.post(f"{api}/admin/faults", json=[{"status": 429, "code": 20429}])
        with pytest.raises(RestFailed, match="Twilio answers 429"):
            await served.telephone.outbound.place("1", PATIENT, REMINDER)
        sid = await served.telephone.outbound.place("1", PATIENT, REMINDER)
        _, request = await sent(client, api)
        answer = await post(client, request["Url"], {"CallSid": sid, "CallStatus": "in-progress"})
        assert ET.fromstring(answer).find("Connect/Stream") is not None
    told = " ".join(
        r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpcore", "asyncio"))
    )
    assert PATIENT not in told


async def test_a_call_of_unknown_outcome_is_looked_for_and_not_placed_twice() -> None:
    async with phone() as (served, api, client):
        await client.post(f"{api}/admin/faults", json=[{"drop": True}])
        sid = await served.telephone.outbound.place("1", PATIENT, REMINDER)
        assert sid.startswith("CA")
        assert await served.telephone.outbound.place("1", PATIENT, REMINDER) == sid
        assert len(await sent(client, api)) == 1
