"""Conversations by text message: the real session over lines whose messages come by webhook."""

from __future__ import annotations

import asyncio

import pytest
from fhir_stand_in import StandIn
from practice import EVE, practice

from agent.call import Call, CallRecord
from agent.line import Line
from agent.signals import HangUp, Utterance
from agent.telephony.incoming import Incoming
from agent.telephony.rest import RestFailed
from agent.telephony.settings import TelephonySettings
from agent.telephony.texting import Texting, TextLine
from agent.tools.client import FhirClient
from fhirserver.kernel.instants import SystemClock

OURS = "+15555550100"


class Sender:
    """Takes what is sent by itself; ``broken`` sends nothing."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.broken = False

    async def send(self, to: str, text: str) -> str:
        if self.broken:
            raise RestFailed("Twilio answers 500 (code 20500)", sure=False)
        self.sent.append((to, text))
        return "SM"


def settings(**more: object) -> TelephonySettings:
    return TelephonySettings(**{"auth_token": "t", "public_url": "https://v.example", **more})  # type: ignore[arg-type]


async def test_the_agent_holds_a_conversation_by_text_and_writes_its_record() -> None:
    server: StandIn = practice()
    client = FhirClient("http://server/fhir", "t", server.transport)
    records: list[CallRecord] = []

    async def converse(incoming: Incoming, line: TextLine) -> None:
        whole: Line = line  # it is one
        records.append(await Call(client, whole, incoming.caller, medium="WRITTEN").run())

    texting = Texting(settings(), converse, Sender())
    first = await texting.receive("SM1", EVE, OURS, "I want to talk to a person about my bill")
    assert first.startswith("Thank you for")
    for _ in range(200):
        if records:
            break
        await asyncio.sleep(0.01)
    assert [turn.speaker for turn in records[0].turns].count("caller") == 1
    assert records[0].outcome.startswith(("transfer", "escalate"))
    [communication] = server.of("Communication")
    assert communication["medium"][0]["coding"][0]["code"] == "WRITTEN"
    assert communication["status"] == "completed"
    await texting.close()
    await client.close()


async def collect(line: TextLine, into: list[str]) -> None:
    while isinstance(signal := await line.listen(), Utterance):
        into.append(signal.text)
        await line.say(f"{len(into)}", len(into))


async def test_a_conversation_rests_only_so_long() -> None:
    line = TextLine(SystemClock(), 0.05, lambda text: None)
    assert isinstance(await line.listen(), HangUp)


async def test_two_messages_at_once_are_both_heard_and_answered_once() -> None:
    said: list[str] = []
    texting = Texting(settings(), lambda incoming, line: collect(line, said), Sender())
    answers = await asyncio.gather(
        *(texting.receive(f"SM{i}", EVE, OURS, f"part {i}") for i in range(2)),
        texting.receive("SM0", EVE, OURS, "part 0"),
    )
    assert said == ["part 0", "part 1"]
    assert answers == ["", "1 2", ""]
    await texting.close()


async def test_pairs_of_numbers_do_not_share_a_conversation() -> None:
    heard: dict[str, list[str]] = {}
    texting = Texting(
        settings(), lambda incoming, line: collect(line, heard.setdefault(incoming.caller, [])), Sender()
    )
    await texting.receive("SM1", EVE, OURS, "one")
    await texting.receive("SM2", "+15555550177", OURS, "two")
    assert heard == {EVE: ["one"], "+15555550177": ["two"]}
    await texting.close()


async def test_a_conversation_that_fails_is_apologised_for_and_the_next_one_begins_anew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def converse(incoming: Incoming, line: TextLine) -> None:
        raise RuntimeError("the words of a patient")

    texting = Texting(settings(failed="Sorry."), converse, Sender())
    assert await texting.receive("SM1", EVE, OURS, "hi") == "Sorry."
    assert await texting.receive("SM2", EVE, OURS, "hi") == "Sorry."
    assert "patient" not in caplog.text


async def test_a_late_reply_that_cannot_be_sent_is_told_without_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def converse(incoming: Incoming, line: TextLine) -> None:
        await line.listen()
        await asyncio.sleep(0.05)
        await line.say("your appointment", 1)
        await line.finish()

    sender = Sender()
    sender.broken = True
    texting = Texting(settings(sms_within=0.01), converse, sender)
    assert await texting.receive("SM1", EVE, OURS, "hi") == ""
    await asyncio.sleep(0.1)
    assert "a text message was not sent: Twilio answers 500" in caplog.text
    assert "appointment" not in caplog.text and EVE not in caplog.text


async def test_the_end_of_the_process_ends_conversations_with_their_records() -> None:
    ended: list[str] = []

    async def converse(incoming: Incoming, line: TextLine) -> None:
        while isinstance(await line.listen(), Utterance):
            await line.say("yes", 1)
        ended.append("record")

    texting = Texting(settings(), converse, Sender())
    assert await texting.receive("SM1", EVE, OURS, "hi") == "yes"
    await texting.close()
    assert ended == ["record"]
