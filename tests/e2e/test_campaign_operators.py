"""Calls of a campaign wait for operators, who are there or not as they say themselves at ``/platform/operators``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio

from agent.campaigns.engine import Engine
from agent.campaigns.operators import Attendance
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.live_calls import LiveCall
from tests.campaign_world import REMINDER, World, campaign_world

CALLS: JsonObject = {
    **REMINDER,
    "channels": [{"channel": "call", "attempts": 2, "then_minutes": 180}],
    "pacing": {"operators": True},
}


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with campaign_world(tmp_path) as made:
        yield made


async def people(world: World, count: int) -> None:
    for n in range(count):
        await world.person(f"p{n}", f"+1212555{n:04}")
        await world.visit(f"v{n}", f"p{n}")


async def turns(engine: Engine, count: int = 16) -> None:
    """A turn that only looks at who has to wait is followed by others, as in :meth:`Engine.run`."""
    for _ in range(count):
        await engine.turn()
        await asyncio.sleep(0.01)


async def why(world: World) -> list[str]:
    runs = await world.client.search("Task", [("code", "campaign-run")])
    return [run.get("statusReason", {}).get("text", "") for run in runs]


async def test_who_has_said_to_be_available_and_has_no_call_is_free(world: World) -> None:
    rota = world.rota()
    assert await rota.look() == Attendance(0, 0)
    await world.present("ana", "available")
    await world.present("ben", "busy")
    assert await rota.look() == Attendance(1, 1)
    await world.present("ben", "available")
    begun = datetime.now(UTC)
    calls = [
        LiveCall("CommunicationRequest/a", "Call", "", begun, holder="ana", stage="connected"),
        LiveCall("CommunicationRequest/b", "Call", "", begun, stage="requested"),
        LiveCall("CommunicationRequest/c", "Call", "", begun),
    ]
    told = await world.rota(lambda: calls[:1]).look()
    assert told == Attendance(2, 1, frozenset({"CommunicationRequest/a"}))
    told = await world.rota(lambda: calls).look()
    assert told == Attendance(2, 0, frozenset({"CommunicationRequest/a", "CommunicationRequest/b"}))


async def test_nobody_is_called_while_no_operator_is_there_and_the_run_says_so(world: World) -> None:
    await people(world, 3)
    await world.start(CALLS)
    engine = world.engine(world.rota())
    await turns(engine)
    assert world.call.reached == []
    assert await why(world) == ["calls wait: no operator is present"]
    versions = [one["meta"]["versionId"] for one in (await world.members()).values()]
    assert set(versions) == {"1"}, "nothing is written while they wait"
    await world.present("ana", "available")
    await turns(engine)
    assert len(world.call.reached) == 3
    assert await why(world) == [""]


async def test_as_many_are_called_at_once_as_operators_are_free(world: World) -> None:
    await people(world, 5)
    await world.present("ana", "available")
    await world.present("ben", "available")
    world.call.holds = asyncio.Event()
    await world.start(CALLS)
    engine = world.engine(world.rota())
    await turns(engine)
    assert len(world.call.reached) == engine.in_hand == 2
    world.call.holds.set()
    await turns(engine)
    assert len(world.call.reached) == 5


async def test_who_is_written_to_does_not_wait_for_operators(world: World) -> None:
    await people(world, 30)
    rolling = {**REMINDER["audience"], "mode": "rolling", "every_minutes": 60}
    await world.start({**REMINDER, "audience": rolling, "pacing": {"operators": True}, "expires_hours": 6})
    engine = world.engine(world.rota())
    await turns(engine)
    assert len(world.sms.reached) == 30
    world.clock.at += timedelta(hours=4)
    await world.person("late", "+12125559999")
    await world.visit("v-late", "late")
    await turns(engine)
    assert len(world.sms.reached) == 31 and world.call.reached == []
    world.clock.at += timedelta(hours=3)
    await turns(engine)
    assert {outcome for _, outcome in (await world.outcomes()).values()} == {"unreached", ""}


async def test_where_nobody_can_tell_who_is_there_calls_wait(world: World) -> None:
    await people(world, 1)
    await world.start(CALLS)
    await world.settle(world.engine())
    assert world.call.reached == []
    assert await why(world) == ["calls wait: it is not known whether an operator is free"]
