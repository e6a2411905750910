"""Sockets on a server of several processes: each has every event, wherever it is open and whoever is killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.facade import patient
from tests.server_process import ServerProcess
from tests.subscribing import (
    ENCOUNTER_TOPIC,
    criteria_subscription,
    encounter,
    encounter_topic,
    numbers,
    status_of,
    topic_subscription,
)

WORKERS = 2
SOCKETS = 6


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    with ServerProcess(tmp_path_factory.mktemp("sockets"), workers=WORKERS) as process:
        yield process


@pytest.fixture
async def http(process):
    async with httpx.AsyncClient(base_url=process.base, headers=process.headers, timeout=30) as http:
        yield http


async def active(http: httpx.AsyncClient, subscription: dict[str, Any]) -> str:
    """The id of a websocket Subscription that the server has taken up."""
    subscription["channel"].pop("endpoint")
    subscription["channel"]["type"] = "websocket"
    answer = await http.post("/Subscription", json=subscription)
    assert answer.status_code == 201, answer.text
    id = answer.json()["id"]
    async with asyncio.timeout(20):
        while (await http.get(f"/Subscription/{id}")).json()["status"] != "active":
            await asyncio.sleep(0.05)
    return str(id)


async def token(http: httpx.AsyncClient, *ids: str) -> tuple[str, str]:
    """A binding token, and where the server says that sockets are opened."""
    query = "&".join(f"id={id}" for id in ids)
    answer = await http.get(f"/Subscription/$get-ws-binding-token?{query}")
    assert answer.status_code == 200, answer.text
    found = {part["name"]: part for part in answer.json()["parameter"]}
    return found["token"]["valueString"], found["websocket-url"]["valueUrl"]


async def heard(socket: ClientConnection, seconds: float = 20.0) -> str:
    async with asyncio.timeout(seconds):
        return str(await socket.recv())


async def finish(http: httpx.AsyncClient, *names: str) -> None:
    """Events of the topic."""
    for name in names:
        for status in ("in-progress", "finished"):
            answer = await http.put(f"/Encounter/{name}", json=encounter(name, status))
            assert answer.status_code in (200, 201), answer.text


@pytest.fixture
async def topic(http):
    await http.put("/Patient/p1", json=patient("p1"))
    answer = await http.put("/SubscriptionTopic/encounter-complete", json=encounter_topic())
    assert answer.status_code in (200, 201), answer.text
    return await active(http, topic_subscription("", ENCOUNTER_TOPIC))


async def events(socket: ClientConnection, count: int) -> list[int]:
    """The numbers of the next events."""
    found: list[int] = []
    while len(found) < count:
        found += numbers([json.loads(await heard(socket))])
    return found


async def test_every_socket_has_every_event_in_order(process, http, topic):
    ticket, url = await token(http, topic)
    async with contextlib.AsyncExitStack() as stack:
        open = [await stack.enter_async_context(connect(url, proxy=None)) for _ in range(SOCKETS)]
        for socket in open:
            await socket.send(f"bind-with-token {ticket}")
            assert status_of(json.loads(await heard(socket)))["type"] == "handshake"
        await finish(http, *(f"a{n}" for n in range(15)))
        assert [await events(socket, 15) for socket in open] == [list(range(1, 16))] * SOCKETS


async def test_r4_criteria_are_bound_by_id_and_pinged(process, http):
    id = await active(http, criteria_subscription("", "Observation?code=x"))
    url = process.base.replace("http", "ws") + "/ws"
    async with connect(
        url, proxy=None, additional_headers={"Authorization": process.headers["Authorization"]}
    ) as socket:
        await socket.send(f"bind {id}")
        assert await heard(socket) == f"bound {id}"
        observation = {"resourceType": "Observation", "status": "final", "code": {"coding": [{"code": "x"}]}}
        assert (await http.post("/Observation", json=observation)).status_code == 201
        assert await heard(socket) == f"ping {id}"


async def test_after_kill_9_the_token_holds_and_the_numbers_go_on(process, http, topic):
    ticket, url = await token(http, topic)
    async with connect(url, proxy=None) as socket:
        await socket.send(f"bind-with-token {ticket}")
        await heard(socket)
        await finish(http, "b1", "b2")
        assert await events(socket, 2) == [1, 2]
        process.kill()
    process.start()
    async with connect(url, proxy=None) as socket:
        await socket.send(f"bind-with-token {ticket}")
        handshake = status_of(json.loads(await heard(socket)))
        assert handshake["events-since-subscription-start"] == "2"
        await finish(http, "b3")
        assert await events(socket, 1) == [3]


async def test_the_statement_says_where_sockets_are_opened(process, http):
    [rest] = (await http.get("/metadata")).json()["rest"]
    url = "http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket"
    assert {"url": url, "valueUri": process.base.replace("http", "ws") + "/ws"} in rest["extension"]


async def test_others_get_no_token_and_no_socket(process, http, topic):
    other = process.headers_of("voice-agent")
    answer = await http.get(f"/Subscription/{topic}/$get-ws-binding-token", headers=other)
    assert answer.status_code == 403
    url = process.base.replace("http", "ws") + "/ws"
    async with connect(
        url, proxy=None, additional_headers={"Authorization": other["Authorization"]}
    ) as socket:
        await socket.send(f"bind {topic}")
        await socket.wait_closed()
        assert socket.close_code == 1008


async def test_the_server_stops_in_order_with_sockets_open(process, http, topic):
    ticket, url = await token(http, topic)
    async with connect(url, proxy=None) as socket:
        await socket.send(f"bind-with-token {ticket}")
        await heard(socket)
        assert await asyncio.to_thread(process.stop) == 0
        await socket.wait_closed()
        assert socket.close_code in (1001, 1012)
    process.start()
