"""Somebody who wants no calls and then no messages either, in whatever order it is said, gets neither."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.campaigns.facts import number_flags
from agent.campaigns.flagging import put_flag
from agent.campaigns.ledger import Ledger
from agent.campaigns.preferences import barred, opt_out
from agent.opt_out import bar, unbar
from agent.tools.provenance import Speaker
from tests.campaign_world import World, campaign_world

ANN, ANNS = "+12125550101", "Patient/ann"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with campaign_world(tmp_path) as made:
        await made.person("ann", ANN)
        yield made


def desk(world: World) -> Ledger:
    return Ledger(world.client, world.clock, Speaker())


async def said(world: World, *channels: str, whole: bool = True) -> None:
    ledger = desk(world)
    wish = opt_out(ANNS, ANN, channels, ledger.speaker.reference(), world.clock.now(), whole)
    await put_flag(ledger, wish)


async def kept(world: World, channel: str, number: str = ANN) -> str:
    return barred(await world.client.search("Flag", [("patient", ANNS)]), channel, number)


@pytest.mark.parametrize("first", ["call", "sms"])
async def test_who_wants_no_contact_at_all_had_one_wish_before(world: World, first: str) -> None:
    await said(world, first)
    await said(world, "call", "sms")
    assert await kept(world, "call") == await kept(world, "sms") == "opted out"
    assert await kept(world, "chat") == "opted out"


async def test_a_patients_own_wish_is_more_than_that_of_a_number(world: World) -> None:
    await said(world, "sms", whole=False)
    assert await kept(world, "sms", "+12125550199") == ""
    await said(world, "sms")
    assert await kept(world, "sms", "+12125550199") == "opted out"
    await said(world, "sms", whole=False)
    assert await kept(world, "sms", "+12125550199") == "opted out", "a lesser wish takes nothing back"


async def test_the_same_wish_again_after_several_is_still_taken(world: World) -> None:
    await said(world, "sms")
    await said(world, "call", "sms")
    await bar(desk(world), ANN, "sms")
    assert await kept(world, "sms") == "opted out"


async def test_start_asks_for_messages_and_for_no_calls(world: World) -> None:
    await said(world, "call", "sms")
    await unbar(desk(world), ANN, "sms")
    assert await kept(world, "sms") == ""
    assert await kept(world, "call") == "opted out"
    await bar(desk(world), ANN, "sms")
    assert await kept(world, "sms") == await kept(world, "call") == "opted out"


async def test_a_number_of_no_record_is_barred_for_whoever_has_it_later(world: World) -> None:
    number = "+12125550188"
    for _ in range(2):
        await bar(desk(world), number, "sms")
    assert len(await number_flags(world.client, "sms", number)) == 1
    await world.person("bob", number)
    assert barred(await number_flags(world.client, "sms", number), "sms", number) == "number opted out"
    await unbar(desk(world), number, "sms")
    assert barred(await number_flags(world.client, "sms", number), "sms", number) == ""
    await bar(desk(world), number, "sms")
    assert barred(await number_flags(world.client, "sms", number), "sms", number) == "opted out"
