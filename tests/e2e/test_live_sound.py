"""The sound of a call over real sockets: between the processes with passes, and from the server to a page's script."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.audio.frames import Pcm, of_bytes
from agent.live.board import LiveBoard
from agent.live.bridge import SoundBridge
from agent.live.remote import RemoteBoard
from agent.live.remote_sound import far_sound
from fhirserver.access.desk_passes import CallPasses, DeskPasses, DeskPrincipals
from fhirserver.access.principals import Principals
from fhirserver.access.server_key import ServerKey
from fhirserver.console.sessions import COOKIE
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.live_calls import OperatorSound, SoundState
from fhirserver.rest.live_calls import LiveRoutes
from tests.live_call import Held, LiveSite, held_call, live_site
from tests.server_process import free_port

KEY = ServerKey(b"k" * 32)
PIECE = np.full(800, 1234, dtype="<i2").tobytes()


@dataclass
class Caller:
    """Both sides' sound goes on for ever; what the caller hears of the operator is kept."""

    heard: list[Pcm] = field(default_factory=list)

    async def listen(self) -> AsyncIterator[bytes]:
        while True:
            yield np.full(1600, 77, dtype="<i2").tobytes()
            await asyncio.sleep(0.05)

    async def hear(self, pcm: Pcm) -> bool:
        self.heard.append(pcm)
        return True


@dataclass
class Sounding:
    """A call with sound, on the board of a site's server."""

    site: LiveSite
    call: Held
    caller: Caller

    @property
    def holder(self) -> str:
        return self.call.attended.holder


@contextlib.asynccontextmanager
async def sounding(site: LiveSite, board: LiveBoard) -> AsyncIterator[Sounding]:
    caller = Caller()
    bridge = SoundBridge(caller, caller, patience=0.5)
    async with held_call(board, site.client, ear=caller, bridge=bridge) as held:
        yield Sounding(site, held, caller)


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[LiveSite]:
    async with live_site(tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def near(site: LiveSite) -> AsyncIterator[Sounding]:
    """A call of the server's own process."""
    async with sounding(site, site.board) as call:
        yield call


@pytest_asyncio.fixture
async def far(site: LiveSite) -> AsyncIterator[tuple[Sounding, RemoteBoard]]:
    """A call of another process, and its board from here."""
    board, port = LiveBoard(), free_port()
    routes = (
        LiveRoutes(board, DeskPrincipals(Principals(()), DeskPasses(KEY)), asyncio.Event()).router().routes
    )
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=routes), port=port, log_level="error", lifespan="off")
    )
    async with sounding(site, board) as call:
        serving = asyncio.create_task(server.serve())
        remote = RemoteBoard(f"http://127.0.0.1:{port}", DeskPasses(KEY).issue)
        keeping = asyncio.create_task(remote.run())
        await until(remote.calls)
        yield call, remote
        keeping.cancel()
        server.should_exit = True
        await serving


async def until(true: Any) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def state(sound: OperatorSound, wanted: str) -> None:
    """Receive until this state is told, with sound before it or not."""
    async with asyncio.timeout(20):
        while (told := await sound.receive()) != SoundState(wanted):
            assert told is not None, f"it ended before it was {wanted}"


async def test_sound_goes_both_ways_between_processes(far: tuple[Sounding, RemoteBoard]) -> None:
    call, remote = far
    assert remote.calls()[0].hears and remote.calls()[0].speaks
    sound = await remote.sound(call.call.id, "ana")
    assert await sound.receive() == SoundState("listening")
    chunk = await sound.receive()
    assert isinstance(chunk, bytes) and np.all(of_bytes(chunk) == 77)
    await sound.send(PIECE)
    await remote.act(call.call.id, "take_over", "ana")
    await state(sound, "yours")
    assert call.caller.heard == [], "the caller heard somebody who does not hold the call"
    await sound.send(PIECE)
    await until(lambda: call.caller.heard)
    assert np.all(call.caller.heard[0] == 1234) and len(call.caller.heard[0]) == 800
    await remote.act(call.call.id, "hand_back", "ana")
    await state(sound, "listening")
    await sound.close(left=True)
    await until(lambda: call.call.attended.listeners == [])


async def test_a_process_that_dies_gives_the_call_back_and_leave_keeps_it(
    far: tuple[Sounding, RemoteBoard],
) -> None:
    call, remote = far
    sound = await remote.sound(call.call.id, "ana")
    await remote.act(call.call.id, "take_over", "ana")
    await sound.close(left=True)
    await asyncio.sleep(0.8)
    assert call.holder == "ana"
    sound = await remote.sound(call.call.id, "ana")
    await state(sound, "yours")
    sound._connection.transport.abort()  # type: ignore[attr-defined]
    await until(lambda: call.holder == "")
    await call.call.line.spoken("I'm back with you")


async def test_a_sound_ends_with_its_call(far: tuple[Sounding, RemoteBoard]) -> None:
    call, remote = far
    sound = await remote.sound(call.call.id, "ana")
    ending = asyncio.create_task(call.call.end())
    with pytest.raises(Refusal) as refused:
        await ending
        await remote.sound(call.call.id, "ana")
    assert refused.value.category is Category.CONFLICT
    await sound.close()


async def test_no_such_call_and_no_telephone(far: tuple[Sounding, RemoteBoard]) -> None:
    with pytest.raises(Refusal) as refused:
        await far[1].sound("none", "ana")
    assert refused.value.category is Category.NOT_FOUND
    with pytest.raises(Refusal) as refused:
        await far_sound(f"http://127.0.0.1:{free_port()}/live/calls/none/sound", {})
    assert refused.value.category is Category.BUSY


@pytest.mark.parametrize(
    ("token", "status"), [("token-ana", 0), ("token-agent", 403), ("nobody", 401), ("", 401)]
)
async def test_programs_come_in_with_an_operators_token(near: Sounding, token: str, status: int) -> None:
    url = f"ws{near.site.url.removeprefix('http')}/live/calls/{near.call.id}/sound"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if status:
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers=headers, proxy=None)
        assert refused.value.response.status_code == status
        assert near.call.attended.listeners == []
        return
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        assert await socket.recv() == '{"state":"listening"}'
        assert near.call.attended.listeners == ["ana"]


# the page's way in


class Page:
    """What the script of a call's page does."""

    def __init__(self, call: Sounding, cookie: str, form_token: str):
        self.call, self.cookie, self.form_token = call, cookie, form_token

    async def ask(self, form_token: str = "") -> httpx.Response:
        async with httpx.AsyncClient(cookies={COOKIE: self.cookie}, trust_env=False) as http:
            url = f"{self.call.site.url}/console/live/{self.call.call.id}/pass"
            return await http.post(url, data={"form_token": form_token or self.form_token})

    async def opened(self, first: str | bytes | None, cookie: str | None = None) -> ClientConnection:
        url = f"ws{self.call.site.url.removeprefix('http')}/console/live/{self.call.call.id}/sound"
        headers = {"Cookie": f"{COOKIE}={self.cookie if cookie is None else cookie}"}
        socket = await connect(url, additional_headers=headers, proxy=None)
        if first is not None:
            await socket.send(first)
        return socket


@pytest_asyncio.fixture
async def page(near: Sounding) -> Page:
    async with near.site.server.browser() as http:
        await http.post("/console/sign-in", data={"token": "token-ana"})
        text = (await http.get(f"/console/live/{near.call.id}")).text
        form_token = text.partition('data-form-token="')[2].partition('"')[0]
        return Page(near, http.cookies[COOKIE], form_token)


async def test_a_page_listens_and_speaks_with_a_pass(page: Page) -> None:
    answer = await page.ask()
    socket = await page.opened(answer.json()["pass"])
    assert await socket.recv() == '{"state":"listening"}'
    assert isinstance(await socket.recv(), bytes)
    await page.call.site.board.act(page.call.call.id, "take_over", "ana")
    async with asyncio.timeout(20):
        while await socket.recv() != '{"state":"yours"}':
            pass
    await socket.send("neither JSON nor sound")
    await socket.send(PIECE)
    await until(lambda: page.call.caller.heard)
    await socket.close()
    await until(lambda: page.call.holder == "")


async def test_a_pass_opens_once_and_for_its_call_and_operator(page: Page) -> None:
    given = (await page.ask()).json()["pass"]
    first = await page.opened(given)
    assert await first.recv() == '{"state":"listening"}'
    for wrong in (given, CallPasses(KEY).issue("ana", page.call.call.id), "", "x" * 400, b"\x01\x02"):
        socket = await page.opened(wrong)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1008
    await first.close()


async def test_another_site_and_a_stranger_get_nothing(page: Page) -> None:
    assert (await page.ask("guessed")).status_code == 403
    with pytest.raises(InvalidStatus):
        await page.opened("x", cookie="nobody")
    assert page.call.call.attended.listeners == []


async def test_who_signs_out_hears_nothing_more(page: Page) -> None:
    socket = await page.opened((await page.ask()).json()["pass"])
    assert await socket.recv() == '{"state":"listening"}'
    async with httpx.AsyncClient(cookies={COOKIE: page.cookie}, trust_env=False) as http:
        await http.post(f"{page.call.site.url}/console/sign-out", data={"form_token": page.form_token})
    with pytest.raises(ConnectionClosed):
        async with asyncio.timeout(20):
            while True:
                await socket.recv()


def test_a_pass_is_good_for_one_call_one_operator_half_a_minute_and_once() -> None:
    now = [1000.0]
    passes = CallPasses(KEY, lambda: now[0])
    token = passes.issue("ana", "c1")
    assert not passes.redeem(token, "ben", "c1") and not passes.redeem(token, "ana", "c2")
    assert not CallPasses(ServerKey(b"x" * 32)).redeem(token, "ana", "c1")
    assert passes.redeem(token, "ana", "c1") and not passes.redeem(token, "ana", "c1")
    late = passes.issue("ana", "c1")
    now[0] += 31
    assert not passes.redeem(late, "ana", "c1")
    assert not passes.redeem("ünï.x.y", "ana", "c1") and not passes.redeem("", "ana", "c1")
