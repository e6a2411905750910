"""Operators' programs and a call under way, over real HTTP: what they see, what they do, and who may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from fhirserver.world.vocabulary import OPERATOR_ACTION
from tests.live_call import Held, LiveSite, held_call, live_site

ANA = {"Authorization": "Bearer token-ana"}
BEN = {"Authorization": "Bearer token-ben"}
READER = {"Authorization": "Bearer token-reader"}


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[LiveSite]:
    async with live_site(tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def call(site: LiveSite) -> AsyncIterator[Held]:
    async with held_call(site.board, site.client) as held:
        yield held


@pytest_asyncio.fixture
async def http(site: LiveSite) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=site.url, headers=ANA, timeout=30) as client:
        yield client


async def events(http: httpx.AsyncClient, id: str, until: str, **headers: str) -> list[dict[str, Any]]:
    """Events of a stream up to the first of a kind (or with these words), each with its ``id``."""
    out: list[dict[str, Any]] = []
    last = 0
    async with asyncio.timeout(30), http.stream("GET", f"/live/calls/{id}/events", headers=headers) as stream:
        assert stream.status_code == 200
        async for line in stream.aiter_lines():
            if line.startswith("id: "):
                last = int(line[4:])
            elif line.startswith("data: ") and line != "data: {}":
                out.append({"id": last, **json.loads(line[6:])})
                if until in (out[-1]["kind"], out[-1]["text"]):
                    return out
    return out


async def act(http: httpx.AsyncClient, id: str, action: str, **more: Any) -> httpx.Response:
    headers = more.pop("headers", {})
    return await http.post(f"/live/calls/{id}/actions", json={"action": action, **more}, headers=headers)


async def test_a_call_is_seen_from_its_first_ring_and_goes_on_where_a_reader_left_it(
    call: Held, http: httpx.AsyncClient
) -> None:
    call.line.hear("I want to cancel my appointment")
    told = await events(http, call.id, "caller")
    assert [one["kind"] for one in told][:1] == ["ringing"]
    assert told[-1]["text"] == "I want to cancel my appointment"
    call.line.hear("My name is Bob Jones")
    further = await events(http, call.id, "My name is Bob Jones", **{"Last-Event-ID": str(told[-1]["id"])})
    assert further[0]["id"] == told[-1]["id"] + 1
    assert not {one["id"] for one in told} & {one["id"] for one in further}


async def test_all_calls_are_listed_with_risk_and_reasons(call: Held, http: httpx.AsyncClient) -> None:
    call.line.hear("this is ridiculous")
    await events(http, call.id, "risk")
    (one,) = (await http.get("/live/calls")).json()["calls"]
    assert one["id"] == call.id
    assert one["caller"] == "+14125550142"
    assert one["risk"] == 12
    assert one["reasons"] == [{"kind": "frustration", "text": "Frustrated words", "points": 12, "turn": 2}]


async def test_guidance_is_said_by_the_agent(call: Held, http: httpx.AsyncClient) -> None:
    answer = await act(http, call.id, "guide", text="We close at five today.")
    assert answer.status_code == 200, answer.text
    await call.line.spoken("We close at five today.")


async def test_who_takes_over_speaks_and_the_agent_is_silent_until_it_is_handed_back(
    call: Held, http: httpx.AsyncClient
) -> None:
    assert (await act(http, call.id, "take_over")).json()["holder"] == "ana"
    assert (await act(http, call.id, "say", text="This is Ana at the desk.")).status_code == 200
    await call.line.spoken("This is Ana at the desk.")
    assert call.line.stopped == 1
    before = len(call.line.said)
    call.line.hear("I want to cancel my appointment")
    await events(http, call.id, "caller")
    assert len(call.line.said) == before
    assert (await act(http, call.id, "hand_back")).json()["stage"] == "handback"
    await call.line.spoken("I'm back")
    record = await call.end()
    assert [t.speaker for t in record.turns if "Ana at the desk" in t.text] == ["operator"]


async def test_of_two_who_take_over_at_once_one_gets_the_call_and_the_other_learns_who(
    call: Held, http: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(
        *(act(http, call.id, "take_over", headers=who) for who in (ANA, BEN, ANA, BEN))
    )
    holder = (await http.get(f"/live/calls/{call.id}")).json()["holder"]
    won = [answer for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code == 409]
    assert (len(won), len(lost)) == (2, 2)
    assert {answer.json()["holder"] for answer in won} == {holder}
    assert {answer.json()["issue"][0]["diagnostics"] for answer in lost} == {f"{holder} holds this call"}
    other = BEN if holder == "ana" else ANA
    for action in ({"action": "hand_back"}, {"action": "say", "text": "x"}, {"action": "guide", "text": "x"}):
        refused = await http.post(f"/live/calls/{call.id}/actions", json=action, headers=other)
        assert refused.status_code == 409
        assert holder in refused.text


async def test_nobody_without_the_operators_role_sees_or_does_anything(
    call: Held, http: httpx.AsyncClient
) -> None:
    body = {"action": "take_over"}
    for method, path in (
        ("GET", "/live/calls"),
        ("GET", f"/live/calls/{call.id}"),
        ("GET", f"/live/calls/{call.id}/events"),
        ("GET", f"/live/calls/{call.id}/audio"),
        ("POST", f"/live/calls/{call.id}/actions"),
    ):
        sent = body if method == "POST" else None
        for headers, status in (
            (READER, 403),
            ({"Authorization": "Bearer wrong"}, 401),
            ({"Authorization": ""}, 401),
        ):
            refused = await http.request(method, path, json=sent, headers=headers)
            assert refused.status_code == status, (method, path)
            assert refused.json()["resourceType"] == "OperationOutcome"
    assert call.attended.holder == ""


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"action": "sing"}, 422, "The action is one of"),
        ({"action": "guide"}, 422, "A text is needed"),
        ({"action": "guide", "text": "x" * 1001}, 422, "1000 characters"),
        ({"action": "wrap_up", "text": "done", "disposition": "odd"}, 422, "The disposition is one of"),
        ({"action": "say", "text": "hello"}, 409, "Take the call over first"),
        ({"action": "hand_back"}, 409, "Take the call over first"),
        ({"action": "listen", "extra": "x"}, 400, "There is no member 'extra'"),
        (["listen"], 400, "object of texts"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_its_reason(
    call: Held, http: httpx.AsyncClient, body: Any, status: int, words: str
) -> None:
    refused = await http.post(f"/live/calls/{call.id}/actions", json=body)
    assert refused.status_code == status
    assert words in refused.json()["issue"][0]["diagnostics"]
    assert call.line.stopped == 0


async def test_a_call_that_is_over_ends_its_stream_and_tells_the_reader_not_to_come_back(
    call: Held, http: httpx.AsyncClient
) -> None:
    await call.end()
    told = await events(http, call.id, "nothing of this kind")
    assert told[-1]["kind"] == "record"
    again = await http.get(f"/live/calls/{call.id}/events", headers={"Last-Event-ID": str(told[-1]["id"])})
    assert again.status_code == 204
    assert (await http.get("/live/calls")).json() == {"calls": []}
    assert (await act(http, call.id, "take_over")).status_code == 409
    assert (await http.get("/live/calls/nothing/events")).status_code == 404


async def test_an_escalation_and_what_operators_did_are_in_the_record(
    site: LiveSite, call: Held, http: httpx.AsyncClient
) -> None:
    await act(http, call.id, "listen")
    await act(http, call.id, "take_over")
    await act(http, call.id, "wrap_up", text="Spoke with the caller.", disposition="call_back")
    await call.end()
    (task,) = await found(site, "Task?status=completed")
    assert task["businessStatus"]["coding"][0]["code"] == "completed"
    assert task["owner"] == {"display": "ana"}
    assert task["note"][0]["text"] == "Spoke with the caller."
    assert task["output"][0]["valueCodeableConcept"]["coding"][0]["code"] == "call_back"
    assert task["focus"]["reference"].startswith("Communication/")
    history = (await site.server.ehr.get(f"Task/{task['id']}/_history")).json()["entry"]
    stages = [one["resource"]["businessStatus"]["coding"][0]["code"] for one in reversed(history)]
    assert stages == ["connected", "completed"]
    (said,) = await found(site, f"Provenance?target=Task/{task['id']}&_sort=-recorded&_count=1", "Provenance")
    assert {"display": "ana"} in [agent["who"] for agent in said["agent"]]
    told = f"AuditEvent?subtype={OPERATOR_ACTION}|&_sort=_lastUpdated"
    acts = [one["subtype"][0]["code"] for one in await found(site, told)]
    assert acts == ["listen", "take_over", "finish", "wrap_up"]


async def test_a_hard_concern_of_safety_goes_to_a_person_at_once_and_is_flagged_until_it_is_wrapped_up(
    site: LiveSite, call: Held, http: httpx.AsyncClient
) -> None:
    call.line.hear("I'm going to hurt the doctor, I have a gun")
    await call.line.spoken("connecting you to a person")
    await call.end()
    assert call.line.transferred == "threat words"
    assert call.line.stopped == 1, "nothing is said of what the agent had ready"
    (one,) = (await http.get("/live/calls")).json()["calls"]
    assert (one["stage"], one["priority"], one["level"]) == ("requested", "safety_concern", "escalate")
    (task,) = await found(site, "Task?status=requested")
    assert (task["priority"], task["reasonCode"]["text"]) == ("stat", "threat words")
    assert (
        await act(http, call.id, "wrap_up", text="Security told.", disposition="resolved")
    ).status_code == 200
    assert [t["id"] for t in await found(site, "Task?status=completed")] == [task["id"]]
    assert (await http.get("/live/calls")).json() == {"calls": []}


async def found(site: LiveSite, query: str, type: str = "") -> list[dict[str, Any]]:
    asks = site.server.officer if query.startswith("AuditEvent") else site.server.admin
    answer = (await asks.get(query)).json()
    assert answer["resourceType"] == "Bundle", answer
    return [
        entry["resource"]
        for entry in answer.get("entry", ())
        if entry["resource"]["resourceType"] == (type or query.partition("?")[0])
    ]


async def test_operators_who_take_and_give_back_in_any_order_never_both_hold_the_call(
    call: Held, http: httpx.AsyncClient
) -> None:
    """Twenty rounds at once; the agent is silent exactly while somebody holds the call."""

    async def busy(who: dict[str, str]) -> list[str]:
        held = []
        for _ in range(10):
            taken = await act(http, call.id, "take_over", headers=who)
            if taken.status_code == 200:
                held.append(taken.json()["holder"])
                assert (await act(http, call.id, "hand_back", headers=who)).status_code == 200
        return held

    ana, ben = await asyncio.gather(busy(ANA), busy(BEN))
    assert set(ana) <= {"ana"}
    assert set(ben) <= {"ben"}
    assert ana or ben
    assert call.attended.holder == ""
    call.line.hear("I want to cancel my appointment")
    await call.line.spoken("full name")
    kinds = [event.text for event in call.attended.timeline.events if event.kind == "operator"]
    assert kinds == ["take_over", "hand_back"] * (len(ana) + len(ben))
