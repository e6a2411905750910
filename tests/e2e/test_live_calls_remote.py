"""Calls of the telephone's process, seen and acted on through another process: over real HTTP, with passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette

from agent.live.board import LiveBoard
from agent.live.remote import RemoteBoard
from fhirserver.access.desk_passes import DeskPasses, DeskPrincipals
from fhirserver.access.principals import Principals
from fhirserver.access.server_key import ServerKey
from fhirserver.kernel.instants import instant
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.live_calls import LiveEvent
from fhirserver.rest.live_calls import LiveRoutes
from tests.live_call import Held, LiveSite, held_call, live_site
from tests.server_process import free_port

KEY = ServerKey(b"k" * 32)


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[LiveSite]:
    async with live_site(tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def call(site: LiveSite) -> AsyncIterator[tuple[Held, LiveBoard]]:
    board = LiveBoard()
    async with held_call(board, site.client) as held:
        yield held, board


@pytest_asyncio.fixture
async def remote(call: tuple[Held, LiveBoard]) -> AsyncIterator[RemoteBoard]:
    """The board as another process sees it, over a socket."""
    principals = DeskPrincipals(Principals(()), DeskPasses(KEY))
    app = Starlette(routes=LiveRoutes(call[1], principals, asyncio.Event()).router().routes)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    far = RemoteBoard(f"http://127.0.0.1:{port}", DeskPasses(KEY).issue)
    keeping = asyncio.create_task(far.run())
    async with asyncio.timeout(20):
        while not far.calls():
            await asyncio.sleep(0.05)
    yield far
    keeping.cancel()
    server.should_exit = True
    await serving


async def test_calls_are_seen_and_followed(call: tuple[Held, LiveBoard], remote: RemoteBoard) -> None:
    held, _ = call
    (one,) = remote.calls()
    assert one.id == held.id and one == remote.call(held.id) and one.caller == "+14125550142"
    held.line.hear("this is ridiculous")
    kinds = []
    async with asyncio.timeout(20):
        async for event in remote.follow(held.id):
            kinds.append(event.kind)
            if event.data.get("score"):
                break
    assert kinds[0] == "ringing" and "caller" in kinds and event.data["score"] == 12
    await remote.refresh()
    assert remote.calls()[0].reasons[0].kind == "frustration"


async def test_what_has_happened_is_there_for_who_comes_late(
    call: tuple[Held, LiveBoard], remote: RemoteBoard
) -> None:
    held, board = call
    held.line.hear("this is ridiculous")
    async with asyncio.timeout(20):
        while not any(event.kind == "caller" for event in await board.so_far(held.id)):
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    here = await board.so_far(held.id)
    there = await remote.so_far(held.id)
    assert [_plain(event) for event in there][: len(here)] == [_plain(event) for event in here]
    assert not await remote.so_far("none")


def _plain(event: LiveEvent) -> tuple[int, str, str, int, str, list[str]]:
    return event.id, event.kind, event.text, event.turn, instant(event.at), sorted(event.data)


async def test_an_operator_acts_under_his_own_name(call: tuple[Held, LiveBoard], remote: RemoteBoard) -> None:
    held, _ = call
    assert (await remote.act(held.id, "take_over", "ana")).holder == "ana"
    await remote.act(held.id, "say", "ana", "This is Ana at the desk.")
    await held.line.spoken("This is Ana at the desk.")
    with pytest.raises(Refusal) as refused:
        await remote.act(held.id, "hand_back", "ben")
    assert refused.value.category is Category.CONFLICT
    assert "ana holds this call" in refused.value.issues[0].diagnostics
    assert (await remote.act(held.id, "hand_back", "ana")).stage == "handback"


async def test_a_stream_ends_with_its_call(call: tuple[Held, LiveBoard], remote: RemoteBoard) -> None:
    held, _ = call
    await held.end()
    async with asyncio.timeout(20):
        told = [event async for event in remote.follow(held.id)]
    assert told[-1].kind in ("record", "end", "escalation")


async def test_a_telephone_that_is_gone_has_no_calls() -> None:
    remote = RemoteBoard(f"http://127.0.0.1:{free_port()}", DeskPasses(KEY).issue)
    await remote.refresh()
    assert remote.calls() == []
    with pytest.raises(Refusal) as refused:
        await remote.act("x", "listen", "ana")
    assert refused.value.category is Category.BUSY


def test_a_pass_is_good_for_its_operator_and_for_a_minute() -> None:
    now = [1000.0]
    passes = DeskPasses(KEY, lambda: now[0])
    token = passes.issue("ana müller")
    assert passes.operator(token) == "ana müller"
    now[0] += 61
    assert passes.operator(token) == ""


@pytest.mark.parametrize("change", [0, 6, -1])
def test_a_pass_that_was_changed_is_none(change: int) -> None:
    token = DeskPasses(KEY).issue("ana")
    letters = list(token)
    letters[change] = "A" if letters[change] != "A" else "B"
    assert DeskPasses(KEY).operator("".join(letters)) == ""
    assert DeskPasses(ServerKey(b"x" * 32)).operator(token) == ""
    assert DeskPasses(KEY).operator("desk.ünï.1.2") == ""


def test_an_operator_with_a_pass_is_nothing_but_an_operator() -> None:
    principals = DeskPrincipals(Principals(()), DeskPasses(KEY))
    principal = principals.authenticate(f"Bearer {DeskPasses(KEY).issue('ana')}")
    assert principal.name == "ana" and principal.may("operator") and not principal.may("read")
    with pytest.raises(Refusal):
        principals.authenticate("Bearer desk.YW5h.9999999999.00")
