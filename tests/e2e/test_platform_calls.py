"""``/platform/calls``: a call under way, the same call on record, and what an operator does on one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from adapters.platform_client.api.calls import (
    act_on_call,
    create_call,
    list_calls,
    list_live_calls,
    read_call,
    read_call_timeline,
    read_live_call,
)
from adapters.platform_client.client import AuthenticatedClient
from adapters.platform_client.models.call_action import CallAction
from adapters.platform_client.models.call_detail import CallDetail
from adapters.platform_client.models.live_state import LiveState
from adapters.platform_client.models.new_call import NewCall
from adapters.platform_client.models.page_call_listed import PageCallListed
from adapters.platform_client.models.page_live_state import PageLiveState
from adapters.platform_client.models.problem import Problem
from adapters.platform_client.models.timeline import Timeline
from adapters.platform_client.types import UNSET
from agent.communication import called_out, communication
from agent.errand import Errand
from agent.tools.provenance import Speaker
from fhirserver.kernel.json import JsonObject
from tests.live_call import LiveSite, held_call, live_site
from tests.past_call import past_call
from tests.platform_client import key_of


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[LiveSite]:
    async with live_site(tmp_path) as running:
        yield running


async def _operating(site: LiveSite) -> AuthenticatedClient:
    return (await key_of(site.server, "operator"))[1]


async def test_a_call_that_is_over_is_told_by_links_to_all_that_belongs_to_it(
    site: LiveSite, tmp_path: Path
) -> None:
    record = await past_call(site, tmp_path)
    _, client = await key_of(site.server, "viewer")
    page = await list_calls.asyncio(client=client, patient=record.patient)
    assert isinstance(page, PageCallListed) and len(page.items) == 1
    listed = page.items[0]
    assert listed.communication.reference == record.communication and listed.status == "completed"
    assert (listed.channel, listed.direction, listed.live) == ("phone", "inbound", "")
    detail = await read_call.asyncio(listed.id, client=client)
    assert isinstance(detail, CallDetail)
    for link in (detail.transcript, detail.summary, detail.composition, detail.quality, detail.recording):
        assert link, detail
        answer = await site.server.reader.get(link.reference)
        assert answer.status_code == 200 and link.url.endswith(link.reference)
    assert detail.emotion and detail.sound.endswith(f"/recordings/{listed.id}.wav")
    timeline = await read_call_timeline.asyncio(listed.id, client=client)
    assert isinstance(timeline, Timeline) and not timeline.live
    state = await read_live_call.asyncio(listed.id, client=await _operating(site))
    assert isinstance(state, Problem) and state.status == 409, "it is over"
    kinds = [moment.kind for moment in timeline.moments]
    assert kinds.count("turn") >= 8 and "emotion" in kinds
    assert [m.at for m in timeline.moments] == sorted(m.at for m in timeline.moments)
    assert any("cancel my appointment" in moment.text for moment in timeline.moments)


async def test_the_list_is_filtered(site: LiveSite, tmp_path: Path) -> None:
    record = await past_call(site, tmp_path)
    _, client = await key_of(site.server, "viewer")

    async def found(**asked: object) -> int:
        page = await list_calls.asyncio(client=client, **asked)  # type: ignore[arg-type]
        assert isinstance(page, PageCallListed), page
        return len(page.items)

    assert await found(channel="phone", direction="inbound", status="completed") == 1
    assert await found(from_=record.started, to=record.ended) == 1
    assert await found(to=record.started) == 0 and await found(from_=record.ended) == 0
    assert await found(direction="outbound") == 0 and await found(channel="sms") == 0
    assert await found(patient="Patient/nobody") == 0 and await found(status="not-done") == 0


def _records() -> list[JsonObject]:
    """A Communication for each way and direction, as the agent writes them."""
    at, agent = datetime(2026, 11, 30, 9, tzinfo=UTC), Speaker()

    def out(channel: str, name: str, request: str = "") -> JsonObject:
        errand = Errand("confirm", "Patient/eve", id=name, request=request, channel=channel)
        return called_out(errand, "", agent, at)

    incoming: JsonObject = {"sender": {"display": "+14125550142"}, "recipient": [agent.reference()]}
    made = [
        ("call-out", out("call", "a.1")),
        ("text-out", out("sms", "a.2")),
        ("form-out", out("form", "a.3")),
        ("chat-out", out("chat", "", "CommunicationRequest/r")),
        ("call-in", communication("Call", "PHONE", at) | incoming),
        ("chat-in", communication("Chat", "WRITTEN", at) | incoming),
        ("text-in", communication("Text messages", "SMSWRIT", at) | incoming),
    ]
    return [record | {"id": id} for id, record in made]


async def test_way_and_direction_are_those_of_the_record(site: LiveSite) -> None:
    await site.server.ehr.put({"resourceType": "Patient", "id": "eve"})
    await site.server.ehr.put(
        {
            "resourceType": "CommunicationRequest",
            "id": "r",
            "status": "active",
            "subject": {"reference": "Patient/eve"},
        }
    )
    for record in _records():
        answer = await site.server.agent.put(record)
        assert answer.status_code == 201, answer.text
    _, client = await key_of(site.server, "viewer")

    async def found(**asked: object) -> dict[str, tuple[object, str]]:
        page = await list_calls.asyncio(client=client, **asked)  # type: ignore[arg-type]
        assert isinstance(page, PageCallListed), page
        return {one.id: (one.channel, one.direction) for one in page.items}

    ways = {"call": "phone", "text": "sms", "form": "sms", "chat": "chat"}
    sides = {"out": "outbound", "in": "inbound"}
    names = [str(record["id"]).split("-") for record in _records()]
    whole = {f"{way}-{side}": (ways[way], sides[side]) for way, side in names}
    assert await found() == whole
    for side in sides.values():
        assert await found(direction=side) == {id: told for id, told in whole.items() if told[1] == side}
    for way in set(ways.values()):
        assert await found(channel=way) == {id: told for id, told in whole.items() if told[0] == way}
    assert set(await found(channel="sms", direction="outbound")) == {"text-out", "form-out"}


async def test_a_call_under_way_is_followed_and_taken_over_by_operators_only(site: LiveSite) -> None:
    _, viewer = await key_of(site.server, "viewer")
    key, operator = await key_of(site.server, "operator")
    async with held_call(site.board, site.client) as held:
        page = await list_live_calls.asyncio(client=operator)
        assert isinstance(page, PageLiveState) and [one.id for one in page.items] == [held.id]
        assert isinstance(await list_live_calls.asyncio(client=viewer), Problem)
        assert isinstance(await read_call_timeline.asyncio(held.id, client=viewer), Problem)
        timeline = await read_call_timeline.asyncio(held.id, client=operator)
        assert isinstance(timeline, Timeline) and timeline.live
        assert any("Thank you for calling" in moment.text for moment in timeline.moments)
        taken = await act_on_call.asyncio(held.id, client=operator, body=CallAction("take_over"))
        assert isinstance(taken, LiveState) and taken.holder == f"key:{key.id}"
        _, other = await key_of(site.server, "operator")
        refused = await act_on_call.asyncio(held.id, client=other, body=CallAction("take_over"))
        assert isinstance(refused, Problem) and refused.status == 409
        wrong = await act_on_call.asyncio(held.id, client=operator, body=CallAction("say"))
        assert isinstance(wrong, Problem) and wrong.status == 422
        async with asyncio.timeout(20):
            await held.attended.call.keeper.opened.wait()
        state = await read_live_call.asyncio(held.id, client=operator)
        assert isinstance(state, LiveState) and state.communication and state.state
        by_record = state.communication.reference.removeprefix("Communication/")
        again = await read_live_call.asyncio(by_record, client=operator)
        assert isinstance(again, LiveState) and again.id == held.id
        page_of = await list_calls.asyncio(client=viewer)
        assert isinstance(page_of, PageCallListed) and page_of.items[0].live == held.id


async def test_the_events_of_a_call_come_as_a_stream_until_its_end(site: LiveSite) -> None:
    key, _ = await key_of(site.server, "operator")
    headers = {"Authorization": f"Bearer {key.key}"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=30) as http,
        held_call(site.board, site.client) as held,
    ):
        url = f"{site.url}/platform/calls/{held.id}/events"
        async with http.stream("GET", url) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            await held.end()
            lines = [line async for line in answer.aiter_lines()]
        ids = [int(line.removeprefix("id: ")) for line in lines if line.startswith("id: ")]
        assert ids == sorted(set(ids)) and "event: end" in lines
        async with http.stream("GET", url, headers={"Last-Event-ID": str(ids[2])}) as answer:
            later = [line async for line in answer.aiter_lines() if line.startswith("id: ")]
        assert [int(line.removeprefix("id: ")) for line in later] == ids[3:]
        last = {"Last-Event-ID": str(ids[-1])}
        assert (await http.get(url, headers=last)).status_code in (200, 204)


async def test_a_server_without_a_telephone_says_so(site: LiveSite) -> None:
    _, client = await key_of(site.server, "member")
    order = NewCall(to="+14125550142", patient="Patient/eve", reason="confirm")
    refused = await create_call.asyncio(client=client, body=order, idempotency_key=UNSET)
    assert isinstance(refused, Problem) and refused.status == 409
    missing = await read_call.asyncio("nothing", client=client)
    assert isinstance(missing, Problem) and missing.status == 404
