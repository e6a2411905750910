"""Campaigns over MongoDB: the same as over the embedded storage, and with two processes over one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from agent.campaigns.control import Desk
from fhirserver.app.wiring import Part, make_application
from fhirserver.kernel.instants import FixedClock
from fhirserver.kernel.outcomes import Refusal
from tests.campaign_world import NOON, REMINDER, World, campaign_world, world_of
from tests.contracts.places import MongoPlace
from tests.e2e import test_campaign_conversations as conversations
from tests.e2e import test_campaign_engine as engine
from tests.e2e import test_campaign_operators as operators
from tests.facade import served, settings

pytestmark = pytest.mark.mongo
ZONE = "America/New_York"
AS_ELSEWHERE: tuple[Callable[[World], Awaitable[None]], ...] = (
    engine.test_each_is_reached_once_and_the_rest_is_left_out_with_a_reason,
    engine.test_two_engines_at_once_reach_nobody_twice,
    engine.test_an_attempt_that_a_dead_process_left_open_is_asked_after_and_not_made_again,
    engine.test_pause_holds_at_once_and_cancel_ends_all,
    engine.test_limits_hold_over_all_campaigns,
    engine.test_a_change_in_the_world_begins_an_outreach_once,
    operators.test_nobody_is_called_while_no_operator_is_there_and_the_run_says_so,
    conversations.test_stop_is_kept_and_nothing_goes_out_any_more,
)


@pytest_asyncio.fixture
async def world(mongo_place: MongoPlace, tmp_path: Path) -> AsyncIterator[World]:
    database = mongo_place.database[-40:]
    async with campaign_world(tmp_path, "mongo", mongodb_url=mongo_place.url, database=database) as made:
        yield made


@pytest.mark.parametrize("told", AS_ELSEWHERE, ids=lambda told: told.__name__.removeprefix("test_"))
async def test_as_elsewhere(world: World, told: Callable[[World], Awaitable[None]]) -> None:
    await told(world)


@pytest_asyncio.fixture
async def worlds(mongo_place: MongoPlace, tmp_path: Path) -> AsyncIterator[tuple[World, World]]:
    """The same practice as two processes have it."""
    chosen = replace(
        settings(tmp_path, "mongo"), mongodb_url=mongo_place.url, database=mongo_place.database[-40:]
    )
    clock = FixedClock(NOON)
    async with AsyncExitStack() as stack:
        parts = (Part.FIRST, Part.FURTHER)
        running = [await stack.enter_async_context(served(make_application(chosen, one))) for one in parts]
        made = [world_of(server, clock) for server in running]
        for one in made:
            stack.push_async_callback(one.client.close)
        yield made[0], made[1]


async def test_engines_of_two_processes_reach_each_once(worlds: tuple[World, World]) -> None:
    one, other = worlds
    for n in range(10):
        await one.person(f"p{n}", f"+1212555{n:04}")
        await one.visit(f"v{n}", f"p{n}")
    await one.start(REMINDER)
    await asyncio.gather(one.settle(one.engine()), other.settle(other.engine()))
    reached = [errand.patient for world in worlds for errand, _, _ in world.sms.reached]
    assert sorted(reached) == sorted(f"Patient/p{n}" for n in range(10))


async def test_each_process_obeys_what_the_other_was_told(worlds: tuple[World, World]) -> None:
    one, _ = worlds
    for n in range(4):
        await one.person(f"p{n}", f"+1212555{n:04}")
        await one.visit(f"v{n}", f"p{n}")
    await one.start({**REMINDER, "pacing": {"per_minute": 1}})
    here, there = (Desk(world.client, world.clock, ZONE) for world in worlds)
    runs = one.engine()
    await one.settle(runs)
    assert len(one.sms.reached) == 1
    assert (await there.change("reminder", "pause", "ben")).status == "on-hold"
    assert (await here.standing("reminder")).status == "on-hold"
    one.clock.at += timedelta(minutes=2)
    await one.settle(runs)
    assert len(one.sms.reached) == 1, "held by the other process"
    with pytest.raises(Refusal):
        await here.change("reminder", "pause", "ana")
    await here.change("reminder", "resume", "ana")
    await one.settle(runs)
    assert len(one.sms.reached) == 2
    await there.change("reminder", "cancel", "ben")
    one.clock.at += timedelta(minutes=2)
    await one.settle(runs)
    assert len(one.sms.reached) == 2
    assert {outcome for _, outcome in (await one.outcomes()).values()} == {"cancelled"}
    with pytest.raises(Refusal):
        await here.change("reminder", "resume", "ana")


async def test_both_are_told_to_begin_at_once_and_it_begins_once(worlds: tuple[World, World]) -> None:
    one, _ = worlds
    await one.person("ann", "+12125550101")
    await one.visit("v", "ann")
    await one.start(REMINDER, "first")
    desks = [Desk(world.client, world.clock, ZONE) for world in worlds]
    begun = await asyncio.gather(
        *(desk.start("first", "ana", "again") for desk in desks), return_exceptions=True
    )
    assert all(isinstance(told, Refusal) for told in begun), begun
    await desks[0].change("first", "cancel", "ana")
    begun = await asyncio.gather(
        *(desk.start("first", "ana", "again") for desk in desks * 3), return_exceptions=True
    )
    references = {told for told in begun if isinstance(told, str)}
    assert len(references) == 1, begun
    assert all(isinstance(told, (str, Refusal)) for told in begun), begun
