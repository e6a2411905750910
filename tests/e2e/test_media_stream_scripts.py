"""500 random protocol scripts against the media websocket: nothing breaks, and every call ends with its record."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import xml.etree.ElementTree as ET

import httpx
import pytest
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.fuzz.media_streams import StreamScript, script
from tests.tone_agent import TOKEN, Served, serving

SCRIPTS = 500
AT_ONCE = 25


def sign(address: str, form: dict[str, str] | None = None) -> dict[str, str]:
    return {"X-Twilio-Signature": str(RequestValidator(TOKEN).compute_signature(address, form or {}))}


async def post(client: httpx.AsyncClient, served: Served, path: str, **form: str) -> httpx.Response:
    address = f"{served.base}/telephony/{path}"
    return await client.post(address, data=form, headers=sign(address, form))


async def ring(client: httpx.AsyncClient, served: Served, call: str) -> tuple[str, str]:
    """A call comes in; the address of its stream and the token."""
    answer = await post(client, served, "voice", CallSid=call, From="+15555550123", To="+15555550100")
    assert answer.status_code == 200
    stream = ET.fromstring(answer.text).find("Connect/Stream")
    parameter = stream.find("Parameter") if stream is not None else None
    assert stream is not None and parameter is not None
    return stream.attrib["url"], parameter.attrib["value"]


def start(call: str, token: str | None) -> str:
    parameters = {} if token is None else {"token": token}
    return json.dumps(
        {
            "event": "start",
            "start": {"streamSid": f"MZ{call}", "callSid": call, "customParameters": parameters},
        }
    )


async def play(client: httpx.AsyncClient, served: Served, script: StreamScript) -> None:
    """One script from its first ring to its end."""
    call = f"CA{script.seed:032x}"
    url, right = await ring(client, served, call)
    token = {"wrong": "x" * 43, "none": None}.get(script.token, right)
    if script.token == "another":
        _, token = await ring(client, served, f"CB{script.seed:032x}")
    if script.token == "again":
        async with connect(url, additional_headers=sign(url), compression=None) as first:
            await first.send(start(call, right))
            await first.recv()  # the greeting: it is in
            await send(client, served, script, call, token, url)
        return
    await send(client, served, script, call, token, url)


async def send(
    client: httpx.AsyncClient, served: Served, script: StreamScript, call: str, token: str | None, url: str
) -> None:
    async with connect(url, additional_headers=sign(url), compression=None) as socket:
        with contextlib.suppress(ConnectionClosed):
            if script.starts:
                await socket.send('{"event":"connected"}')
                await socket.send(start(call, token))
            for message in script.messages:
                await (asyncio.sleep(0.001) if message is None else socket.send(message))
            await end(client, served, script, call, socket)
        if script.token != "right" and script.starts:
            await socket.wait_closed()
            assert socket.close_code == 1008 or script.end in ("close", "cut")


async def end(
    client: httpx.AsyncClient, served: Served, script: StreamScript, call: str, socket: ClientConnection
) -> None:
    if script.end.startswith("stop"):
        for _ in range(2 if script.end == "stop twice" else 1):
            await socket.send('{"event":"stop"}')
    elif script.end == "close":
        await socket.close()
    elif script.end == "cut":
        socket.transport.abort()
    elif script.end == "status":
        await post(client, served, "status", CallSid=call, CallStatus="completed")


async def test_every_call_ends_with_its_record(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    gate = asyncio.Semaphore(AT_ONCE)
    async with serving(greeting=0.1, stream_within=10.0, most_calls=2 * SCRIPTS + 1) as served:
        async with httpx.AsyncClient(timeout=60) as client:

            async def one(seed: int) -> None:
                async with gate:
                    await asyncio.wait_for(play(client, served, script(seed)), 60)

            async with asyncio.TaskGroup() as group:
                for seed in range(SCRIPTS):
                    group.create_task(one(seed))
            open_calls = [c for i in served.calls if (c := served.telephone.calls.get(i)) is not None]
            await asyncio.wait_for(asyncio.gather(*(call.wait() for call in open_calls)), 30)
        taken = served.calls
    assert len([call for call in taken if call.startswith("CA")]) == SCRIPTS
    assert {call.record for call in taken.values()} == {"written"}
    attached = [call for call in taken.values() if "attached" in call.events]
    assert len(attached) > SCRIPTS // 2
    assert all(call.events[-1].startswith("gone") for call in attached)
    assert [record.getMessage() for record in caplog.records] == []
