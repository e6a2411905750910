"""What became of an attempt that a process left open: by the carrier's own lists, where people share a number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio

from agent.campaigns.by_call import CallChannel
from agent.campaigns.channels import Settled
from agent.campaigns.claims import Claims
from agent.campaigns.contacts import UNMADE, Contact, contact
from agent.campaigns.ledger import Ledger
from agent.errand import Errand
from agent.simulator.town.people import Townsman
from agent.telephony.calls import Calls
from agent.telephony.outbound import order_of
from agent.telephony.rest import TwilioRest
from agent.telephony.settings import TelephonySettings
from agent.telephony.webhooks import ORDER
from agent.text_out import TextSender
from agent.tools.provenance import Speaker
from fhirserver.kernel.instants import FixedClock
from fhirserver.kernel.wall import VARIABLE
from tests.campaign_world import World, campaign_world
from tests.town_process import ACCOUNT, NUMBER, TownProcess, drill_clock

PHONE, PACE = "+12125550101", 100
"""The number of a whole household; the town's seconds are a hundredth."""
WORDS = "Lakeside Clinic: please confirm {name}'s visit: {link}. Reply STOP to get no more messages."


@dataclass
class Site:
    world: World
    town: TownProcess
    api: TwilioRest
    sender: TextSender
    begun: datetime

    async def claimed(self, patient: str, channel: str, words: str = "") -> tuple[Errand, Contact]:
        """An attempt that is on record, and its contact."""
        claims = Claims(self.world.client, FixedClock(self.begun), Speaker())
        name = f"{channel}-{patient}"
        errand = Errand("confirm", f"Patient/{patient}", id=name, contact=f"{patient}.1", channel=channel)
        reference = await claims.claim(errand, PHONE, "ana", words)
        found = contact(await self.world.client.read(reference) or {})
        assert found is not None
        return replace(errand, communication=reference), found

    async def call(self, name: str) -> None:
        """As the process that placed it did before it died."""
        address = f"http://127.0.0.1:9/telephony/status?{ORDER}={order_of(name)}"
        await self.api.call(PHONE, {"url": address, "status_callback": address, "timeout": 20})


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    begun = datetime.now(UTC).replace(microsecond=0)
    town = TownProcess(tmp_path, "http://127.0.0.1:9/telephony/voice", {VARIABLE: drill_clock(begun, PACE)})
    town.start([Townsman(PHONE, call="busy")])
    settings = TelephonySettings("secret", "http://127.0.0.1:9", ACCOUNT, NUMBER, town.url)
    api = TwilioRest(settings)
    async with campaign_world(tmp_path) as world:
        for name in ("ann", "ben", "cleo"):
            await world.person(name, PHONE)
        yield Site(world, town, api, TextSender(Ledger(world.client, world.clock), api), begun)
    await api.close()
    town.stop()


async def test_a_message_is_told_from_others_to_the_same_number(site: Site) -> None:
    said = {name: WORDS.replace("{name}", name.capitalize()) for name in ("ann", "ben", "cleo")}
    _, ann_open = await site.claimed("ann", "form", said["ann"])
    _, ben_open = await site.claimed("ben", "form", said["ben"])
    await site.api.send(PHONE, said["ben"].replace("{link}", "https://clinic.test/forms/a1"))
    await site.api.send(PHONE, "Thank you, see you then.")
    assert (await site.sender.settle(ann_open)) == Settled(UNMADE, False, "it was never sent")
    settled = await site.sender.settle(ben_open)
    assert settled is not None and settled.done and settled.sid.startswith("SM")


async def test_a_message_with_the_same_words_is_that_of_one_attempt_only(site: Site) -> None:
    words = "Lakeside Clinic: please confirm your visits. Reply YES."
    (ann, _), (_, ben_open), (_, cleo_open) = [
        await site.claimed(name, "sms", words) for name in ("ann", "ben", "cleo")
    ]
    await site.sender.send(ann, PHONE, words)
    assert (await site.sender.settle(ben_open)) == Settled(UNMADE, False, "it was never sent")
    await site.api.send(PHONE, f"Sent from your trial account - {words}")
    settled = await site.sender.settle(ben_open)
    assert settled is not None and settled.done
    assert await site.sender.ledger.settle(ben_open, settled, "ana")
    assert (await site.sender.settle(cleo_open)) == Settled(UNMADE, False, "it was never sent")


async def test_a_call_is_told_by_what_the_carrier_asked_of_it(site: Site) -> None:
    _, ann_open = await site.claimed("ann", "call")
    _, ben_open = await site.claimed("ben", "call")
    channel = CallChannel(Calls.__new__(Calls), None, site.api, 0, FixedClock(site.begun))  # type: ignore[arg-type]
    await site.call("call-ben")
    settled = await channel.settle(ben_open)
    for _ in range(100):
        if settled is not None:
            break
        await asyncio.sleep(0.1)
        settled = await channel.settle(ben_open)
    assert settled is not None and settled.outcome == "busy"
    assert (await channel.settle(ann_open)) == Settled(UNMADE, False, "the carrier knows of no such call")


async def test_a_call_that_nothing_is_known_of_counts_as_the_one_in_the_end(site: Site) -> None:
    _, ann_open = await site.claimed("ann", "call")
    await site.api.call(PHONE, {"url": "http://127.0.0.1:9/x", "timeout": 20})
    clock = FixedClock(site.begun)
    channel = CallChannel(Calls.__new__(Calls), None, site.api, 0, clock)  # type: ignore[arg-type]
    made = await site.api.calls(PHONE, site.begun)
    assert len(made) == 1 and not await site.api.asked_of(made[0].sid)
    assert await channel.settle(ann_open) is None
    clock.at += timedelta(minutes=30)
    for _ in range(100):
        if settled := await channel.settle(ann_open):
            break
        await asyncio.sleep(0.1)
    assert settled is not None and settled.outcome == "interrupted"
