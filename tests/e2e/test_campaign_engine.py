"""The engine against a real server in this process: who is reached, who is not and why, and that nobody is twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from agent.campaigns import engine as engine_module
from agent.campaigns.channels import Settled
from agent.campaigns.control import Desk
from agent.campaigns.facts import Found
from agent.campaigns.ledger import Ledger
from agent.campaigns.members import Member
from agent.campaigns.runs import Run
from agent.campaigns.tally import member_page
from agent.tools.client import FhirClient, Unreachable
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.validation import validate
from tests.campaign_world import REMINDER, World, campaign_world


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with campaign_world(tmp_path) as made:
        yield made


async def test_each_is_reached_once_and_the_rest_is_left_out_with_a_reason(world: World) -> None:
    await world.person("ann", "+12125550101")
    await world.person("bob", "+12125550102", consent="deny")
    await world.person("cat", "+12125550103", consent="")
    await world.person("dan", "+12125550104", deceasedBoolean=True)
    await world.person("eve", "")
    await world.person("fay", "+12125550106")
    for id in ("ann", "bob", "cat", "dan", "eve"):
        await world.visit(f"v-{id}", id)
    await world.visit("v-fay", "fay", status="accepted")
    await world.start(REMINDER)
    engine = world.engine()
    await world.settle(engine)
    assert [(e.patient, number) for e, number, _ in world.sms.reached] == [("Patient/ann", "+12125550101")]
    [(errand, _, words)] = world.sms.reached
    assert words == (
        "Lakeside Clinic: you have an appointment on Thursday, December 3 at 12:00 PM. "
        "Reply YES to confirm, or MOVE for another time. Reply STOP to get no more messages."
    )
    assert errand.about == ("Appointment/v-ann",)
    assert await world.outcomes() == {
        "ann": ("active", ""),
        "bob": ("revoked", "no-consent"),
        "cat": ("revoked", "no-consent"),
        "dan": ("revoked", "deceased"),
        "eve": ("revoked", "no-number"),
        "fay": ("revoked", "not-needed"),
    }
    assert (await world.members())["ann"]["occurrenceDateTime"] == "2026-12-01T21:00:00.000Z"
    for type in ("CommunicationRequest", "Communication", "Task", "Group"):
        for resource in await world.client.search(type, []):
            wrong = [one for one in validate(resource) if one.severity == "error"]
            assert not wrong, (type, wrong)


async def test_a_member_whom_something_is_wrong_with_holds_up_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for id, number in (("ann", "+12125550101"), ("bob", "+12125550102")):
        await world.person(id, number)
        await world.visit(f"v-{id}", id)
    asked = engine_module.facts_of

    async def facts_of(client: FhirClient, one: Member, *more: Any) -> Found | None:
        if one.patient == "Patient/ann" and broken:
            raise KeyError("resource")
        return await asked(client, one, *more)

    broken = True
    monkeypatch.setattr(engine_module, "facts_of", facts_of)
    await world.start(REMINDER)
    engine = world.engine()
    await world.settle(engine)
    assert [number for _, number, _ in world.sms.reached] == ["+12125550102"]
    broken = False
    world.clock.at += timedelta(minutes=31)
    await world.settle(engine)
    assert [number for _, number, _ in world.sms.reached] == ["+12125550102", "+12125550101"]


async def test_channels_in_order_until_somebody_is_reached(world: World) -> None:
    await world.person("ann", "+12125550101")
    await world.visit("v", "ann", days=4)
    await world.start(REMINDER)
    engine = world.engine()
    await world.settle(engine)
    assert (len(world.sms.reached), len(world.call.reached)) == (1, 0)
    world.clock.at += timedelta(hours=4)
    await world.settle(engine)
    assert (len(world.sms.reached), len(world.call.reached)) == (1, 1)
    world.call.outcome["+12125550101"] = "done"
    world.clock.at += timedelta(hours=3)
    await world.settle(engine)
    assert len(world.call.reached) == 2
    assert await world.outcomes() == {"ann": ("completed", "done")}
    world.clock.at += timedelta(minutes=1)
    await world.settle(engine)
    runs = await world.client.search("Task", [("code", "campaign-run")])
    assert [run["status"] for run in runs] == ["completed"]


async def test_two_engines_at_once_reach_nobody_twice(world: World) -> None:
    for n in range(12):
        await world.person(f"p{n}", f"+1212555{n:04}")
        await world.visit(f"v{n}", f"p{n}")
    await world.start(REMINDER)
    one, two = world.engine(), world.engine()
    await asyncio.gather(*(world.settle(engine) for engine in (one, two)))
    assert sorted(e.patient for e, _, _ in world.sms.reached) == sorted(f"Patient/p{n}" for n in range(12))


async def test_looked_at_twice_at_once_in_one_process_somebody_is_reached_once(world: World) -> None:
    await world.person("ann", "+12125550101")
    await world.visit("v", "ann")
    await world.start(REMINDER)
    engine = world.engine()
    while not await world.members():
        await engine.turn()
    world.sms.reached.clear()
    await asyncio.gather(*(engine.turn() for _ in range(6)))
    await world.settle(engine)
    assert len(world.sms.reached) <= 1
    assert len(await world.client.search("Communication", [])) == 1


async def test_an_attempt_that_a_dead_process_left_open_is_asked_after_and_not_made_again(
    world: World,
) -> None:
    await world.person("ann", "+12125550101")
    await world.visit("v", "ann", days=4)
    await world.start(REMINDER)
    world.sms.lost.add("+12125550101")
    await world.settle(world.engine())
    assert len(world.sms.reached) == 1
    fresh = world.engine()
    await world.settle(fresh)
    assert len(world.sms.reached) == 1, "it may have been sent"
    world.sms.known = Settled("not-placed", False, "never sent")
    world.sms.lost.clear()
    world.clock.at += timedelta(minutes=3)
    await world.settle(fresh)
    first, second = (errand for errand, _, _ in world.sms.reached)
    assert first.id != second.id and first.contact != second.contact
    made = await world.client.search("Communication", [("patient", "Patient/ann"), ("_sort", "sent")])
    assert [(one["status"], one["statusReason"]["coding"][0]["code"]) for one in made] == [
        ("not-done", "not-placed"),
        ("completed", "sent"),
    ]


async def test_pause_holds_at_once_and_cancel_ends_all(world: World) -> None:
    for n in range(4):
        await world.person(f"p{n}", f"+1212555{n:04}")
        await world.visit(f"v{n}", f"p{n}")
    desk = Desk(world.client, world.clock, "America/New_York")
    await world.start({**REMINDER, "pacing": {"per_minute": 1}})
    engine = world.engine()
    await world.settle(engine, turns=5)
    assert len(world.sms.reached) == 1
    await desk.change("reminder", "pause", "ana")
    world.clock.at += timedelta(minutes=5)
    await world.settle(engine)
    assert len(world.sms.reached) == 1
    await desk.change("reminder", "resume", "ana")
    await world.settle(engine, turns=3)
    assert len(world.sms.reached) == 2
    await desk.change("reminder", "cancel", "ana")
    world.clock.at += timedelta(minutes=5)
    await world.settle(engine)
    assert len(world.sms.reached) == 2
    assert {status for status, _ in (await world.outcomes()).values()} == {"revoked"}


async def test_quiet_hours_are_those_of_the_patient(world: World) -> None:
    world.clock.at = datetime(2026, 12, 1, 14, tzinfo=UTC)  # 9:00 in New York, 6:00 in Los Angeles
    await world.person("east", "+12125550101")
    await world.person("west", "+12125550102", address=[{"use": "home", "state": "CA"}])
    await world.visit("v1", "east")
    await world.visit("v2", "west")
    await world.start(REMINDER)
    engine = world.engine()
    await world.settle(engine)
    assert [e.patient for e, _, _ in world.sms.reached] == ["Patient/east"]
    assert (await world.members())["west"]["occurrenceDateTime"] == "2026-12-01T16:00:00.000Z"
    world.clock.at = datetime(2026, 12, 1, 16, tzinfo=UTC)
    await world.settle(engine)
    assert [e.patient for e, _, _ in world.sms.reached] == ["Patient/east", "Patient/west"]


async def test_limits_hold_over_all_campaigns(world: World) -> None:
    await world.person("ann", "+12125550101")
    await world.visit("v", "ann", days=4)
    document = {**REMINDER, "limits": {"per_day": 1, "spacing_minutes": 0}}
    await world.start(document, "one")
    await world.start(
        {**document, "purpose": "custom", "script": {"en": {"sms": "{practice}: hello"}}}, "two"
    )
    engine = world.engine()
    await world.settle(engine)
    assert len(world.sms.reached) == 1
    world.clock.at += timedelta(days=1)
    await world.settle(engine)
    assert len(world.sms.reached) + len(world.call.reached) == 2


async def test_a_change_in_the_world_begins_an_outreach_once(world: World) -> None:
    await world.person("ann", "+12125550101")
    await world.visit("v", "ann", days=-1)
    document = {
        "goal": "Missed appointments are booked anew",
        "purpose": "rebook",
        "channels": [{"channel": "sms"}],
        "triggers": [{"kind": "event", "type": "Appointment", "filter": "status = 'noshow'", "minutes": 60}],
    }
    world.clock.at = datetime.now(UTC) - timedelta(seconds=5)
    await world.start(document)
    engine = world.engine()
    await world.settle(engine)
    await world.put(
        {
            "resourceType": "Appointment",
            "id": "v",
            "status": "noshow",
            "start": "2026-11-01T10:00:00Z",
            "end": "2026-11-01T10:30:00Z",
            "participant": [{"actor": {"reference": "Patient/ann"}, "status": "accepted"}],
        }
    )
    await world.settle(engine)
    await world.settle(world.engine())
    [one] = (await world.members()).values()
    assert one["about"] == [{"reference": "Appointment/v"}]


async def test_a_command_that_came_half_way_is_given_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The campaign's own Task is changed first: what dies then leaves its runs going."""
    for n in range(3):
        await world.person(f"p{n}", f"+1212555{n:04}")
        await world.visit(f"v{n}", f"p{n}")
    await world.start({**REMINDER, "pacing": {"per_minute": 1}})
    engine = world.engine()
    await world.settle(engine, turns=5)
    desk = Desk(world.client, world.clock, "America/New_York")
    for action in ("pause", "resume", "cancel"):
        with monkeypatch.context() as cut:
            cut.setattr(Desk, "_runs", _unreachable)
            with pytest.raises(Refusal, match="does not answer"):
                await desk.change("reminder", action, "ana")
        await desk.change("reminder", action, "ana")
        with pytest.raises(Refusal, match="The campaign is"):
            await desk.change("reminder", action, "ana")
    world.clock.at += timedelta(minutes=5)
    await world.settle(engine)
    assert len(world.sms.reached) == 1
    assert "active" not in {status for status, _ in (await world.outcomes()).values()}


async def _unreachable(*_: object) -> list[Run]:
    raise Unreachable("cut off")


async def test_more_changes_of_one_moment_than_a_page_has_are_all_acted_upon(world: World) -> None:
    world.clock.at = datetime.now(UTC) - timedelta(seconds=5)
    await world.start(
        {
            "goal": "Missed appointments are booked anew",
            "purpose": "rebook",
            "channels": [{"channel": "sms"}],
            "triggers": [{"kind": "event", "type": "Appointment", "filter": "status = 'noshow'"}],
        }
    )
    engine = world.engine()
    await world.settle(engine)
    await world.person("ann", "+12125550101", consent="")
    for lot, status in ((0, "booked"), (1, "noshow")):
        visits = [_visit(f"v{lot}-{n:03}", status) for n in range(230)]
        assert (await world.server.ehr.transaction(*visits)).status_code == 200
    for _ in range(12):
        await engine.turn()
    found = await world.client.search("CommunicationRequest", [("_count", "500")])
    assert len({one["about"][0]["reference"] for one in found}) == 230


async def test_members_are_told_page_by_page(world: World) -> None:
    for n in range(5):
        await world.person(f"p{n}", f"+1212555010{n}", consent="")
        await world.visit(f"v{n}", f"p{n}")
    await world.start(REMINDER)
    await world.settle(world.engine())
    ledger = Ledger(world.client, world.clock)
    campaign = (await member_page(ledger, "reminder", "", "", 200, "")).items
    assert len(campaign) == 5
    told, cursor, pages = [], "", 0
    while cursor or not pages:
        page = await member_page(ledger, "reminder", "no-consent", "", 2, cursor)
        told += [one.patient for one in page.items]
        cursor, pages = page.next, pages + 1
    assert (pages, sorted(told)) == (3, [f"Patient/p{n}" for n in range(5)])


def _visit(id: str, status: str) -> JsonObject:
    visit = {
        "resourceType": "Appointment", "id": id, "status": status, "start": "2026-11-01T10:00:00Z",
        "end": "2026-11-01T10:30:00Z",
        "participant": [{"actor": {"reference": "Patient/ann"}, "status": "accepted"}],
    }  # fmt: skip
    return {"resource": visit, "request": {"method": "PUT", "url": f"Appointment/{id}"}}
