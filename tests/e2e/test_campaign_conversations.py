"""What people answer to campaigns, by message and on the telephone, against a real server: each answer belongs to what
it answers, also in a process that has just begun."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from agent.call import Call
from agent.call_record import CallRecord
from agent.campaigns.ledger import Ledger
from agent.campaigns.preferences import barred
from agent.channels.script import Script, parse
from agent.channels.terminal import ScriptedLine
from agent.communication import OUTCOME, coded
from agent.insisting import Insisting
from agent.memory import Setting
from agent.opt_out import OptOuts, bar, unbar
from agent.telephony.settings import TelephonySettings
from agent.telephony.texting import Texting
from fhirserver.kernel.json import JsonObject
from tests.campaign_world import REMINDER, World, campaign_world

ANN = "+12125550101"


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with campaign_world(tmp_path) as made:
        yield made


async def texted(world: World, document: JsonObject = REMINDER) -> None:
    """Ann was sent a message about her appointment."""
    await world.person("ann", ANN, birthDate="1982-03-03")
    await world.visit("v", "ann", days=4)
    await world.start(document)
    await world.settle(world.engine())
    assert len(world.sms.reached) == 1
    world.clock.at += timedelta(minutes=20)


async def write(world: World, *messages: str, number: str = ANN) -> list[str]:
    """The replies to messages, by a process that has just begun."""

    async def converse(incoming, line) -> None:  # type: ignore[no-untyped-def]
        call = Call(
            world.client, line, incoming.caller, Setting(practice="Lakeside Clinic"), world.clock,
            medium="WRITTEN", title="Text messages",
        )  # fmt: skip
        await call.run()

    class Sender:
        async def send(self, to: str, text: str) -> str:
            raise AssertionError("the replies are the webhooks' answers")

    settings = TelephonySettings("t", "http://voice.test", sms_within=20.0)
    texting = Texting(settings, converse, Sender(), world.clock)
    replies = [
        await texting.receive(f"SM{n}-{world.clock.at}", number, "+15555550100", text)
        for n, text in enumerate(messages)
    ]
    await texting.close(20)
    return replies


async def call(world: World, *said: str, number: str = ANN) -> CallRecord:
    """A call that comes in."""
    line = ScriptedLine(Script(parse(list(said))), world.clock)
    return await Call(world.client, line, number, Setting(practice="Lakeside Clinic"), world.clock).run()


async def communication(world: World, reference: str = "") -> JsonObject:
    """The newest answer of Ann's."""
    found = await world.client.search(
        "Communication", [("patient", "Patient/ann"), ("_sort", "-_lastUpdated")]
    )
    return next(one for one in found if not one.get("identifier"))


async def accepted(world: World, id: str = "v") -> bool:
    visit = await world.client.read(f"Appointment/{id}")
    return visit is not None and visit["participant"][0]["status"] == "accepted"


@pytest.mark.parametrize("word", ["YES", "yes please", "Y", "Confirm", "C", "ok yes"])
async def test_a_bare_yes_confirms_the_appointment(world: World, word: str) -> None:
    await texted(world)
    assert await write(world, word) == ["Thank you, your appointment is confirmed. See you then!"]
    assert await accepted(world)
    answer = await communication(world)
    assert coded([answer["statusReason"]], OUTCOME) == "done"
    [one] = await world.client.search("CommunicationRequest", [])
    assert answer["basedOn"][0]["reference"] == f"CommunicationRequest/{one['id']}"
    assert answer["about"] == [{"reference": "Appointment/v"}]
    await world.settle(world.engine())
    assert await world.outcomes() == {"ann": ("completed", "done")}
    assert world.call.reached == [] and len(world.sms.reached) == 1


async def test_a_yes_on_a_shared_telephone_confirms_nothing_by_itself(world: World) -> None:
    await world.person("sam", ANN, birthDate="1990-07-09")
    await world.visit("w", "sam", days=4)
    await world.person("ann", ANN, birthDate="1982-03-03")
    await world.visit("v", "ann", days=4)
    await world.start(REMINDER)
    await world.settle(world.engine())
    assert len(world.sms.reached) == 2
    [reply] = await write(world, "YES")
    assert "full name and date of birth" in reply
    assert not await accepted(world) and not await accepted(world, "w")


async def test_another_time_is_found_only_for_who_is_known(world: World) -> None:
    await texted(world)
    first, second = await write(world, "MOVE", "Laura Whitfield, March 3 1982")
    assert "full name and date of birth" in first
    assert "What day and time would suit you instead" in second
    assert "Sat 5 Dec" in second


async def test_other_words_than_the_telling_ones_begin_with_who_it_is(world: World) -> None:
    await texted(world)
    [reply] = await write(world, "I need to cancel my appointment")
    assert "full name and date of birth" in reply and not await accepted(world)


async def test_stop_is_kept_and_nothing_goes_out_any_more(world: World) -> None:
    await texted(world)
    insisting = Insisting()
    assert await OptOuts(Ledger(world.client, world.clock), insisting).stop(ANN)
    await insisting.close(10)
    flags = await world.client.search("Flag", [("patient", "Patient/ann")])
    assert barred(flags, "sms", ANN) == "opted out" and barred(flags, "call", ANN) == ""
    await bar(Ledger(world.client, world.clock), ANN, "sms")
    assert len(await world.client.search("Flag", [("patient", "Patient/ann")])) == 1
    await unbar(Ledger(world.client, world.clock), ANN, "sms")
    flags = await world.client.search("Flag", [("patient", "Patient/ann")])
    assert barred(flags, "sms", ANN) == ""


async def test_stop_texting_me_in_words(world: World) -> None:
    await texted(world)
    [reply] = await write(world, "Please stop texting me")
    assert "won't contact you" in reply
    await world.settle(world.engine())
    assert await world.outcomes() == {"ann": ("completed", "opted-out")}


async def test_the_wrong_person_is_not_written_to_again(world: World) -> None:
    await texted(world)
    [reply] = await write(world, "you have the wrong number")
    assert "wrong number" in reply or "sorry" in reply
    await world.settle(world.engine())
    assert await world.outcomes() == {"ann": ("completed", "unreached")}


async def test_who_calls_back_is_asked_what_we_wanted(world: World) -> None:
    await texted(world)
    record = await call(
        world,
        "how can i help => hi, i got a message from you",
        "full name and date of birth => Laura Whitfield, March third nineteen eighty two",
        "will you be there => yes",
        ". => goodbye",
    )
    said = " ".join(turn.text for turn in record.turns if turn.speaker == "agent")
    assert "We reached out to you about an appointment." in said
    assert "December 5" not in said.partition("We reached out")[0]
    assert await accepted(world)
    answer = await communication(world)
    assert coded([answer["statusReason"]], OUTCOME) == "done" and answer["basedOn"]


async def test_who_calls_for_something_else_gets_that(world: World) -> None:
    await texted(world)
    record = await call(
        world,
        "how can i help => i have a new phone number",
        "full name and date of birth => Laura Whitfield, March third nineteen eighty two",
        "what is the new phone number => four one two five five five zero one nine nine",
        "is that right => yes",
        ". => goodbye",
    )
    said = " ".join(turn.text for turn in record.turns if turn.speaker == "agent")
    assert "We reached out" not in said and "new number" in said


async def test_a_stranger_on_the_line_learns_nothing(world: World) -> None:
    await texted(world)
    record = await call(world, "how can i help => somebody called me from this number", ". => [hangup]")
    said = " ".join(turn.text for turn in record.turns if turn.speaker == "agent")
    assert "appointment" not in said and "Laura" not in said
    assert not await accepted(world)


async def test_how_it_goes_after_a_visit(world: World) -> None:
    document = {
        **REMINDER,
        "purpose": "follow_up",
        "audience": {"searches": ["Patient?birthdate=gt1900-01-01"]},
    }
    await texted(world, document)
    [reply] = await write(world, "GOOD")
    assert "glad" in reply
    await world.settle(world.engine())
    assert await world.outcomes() == {"ann": ("completed", "done")}


async def test_who_wants_to_be_called_is_given_to_people(world: World) -> None:
    document = {
        **REMINDER,
        "purpose": "follow_up",
        "audience": {"searches": ["Patient?birthdate=gt1900-01-01"]},
    }
    await texted(world, document)
    [reply] = await write(world, "CALL ME")
    assert "will call you" in reply
