"""Sockets on a real server, spoken to by a real client; the record of events is in memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket as sockets
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fhirserver.access.binding_tokens import BindingTokens
from fhirserver.access.owners import Owner
from fhirserver.access.principals import Principal, Principals, token_digest
from fhirserver.access.server_key import ServerKey
from fhirserver.kernel.instants import FixedClock
from fhirserver.rest import taking
from fhirserver.rest.protocol import FhirHttpProtocol
from fhirserver.rest.socket_protocol import MESSAGE_BYTES, FhirSocketProtocol
from fhirserver.world.sources import Source
from subscriptions.channels.channel import Delivery, Target
from subscriptions.channels.feed import News, Standing
from subscriptions.channels.socket_session import SocketLimits
from subscriptions.channels.websocket import PATH, Sockets, refusal, url_of

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Record:
    """A Feed over lists. `ana` owns everything but what is called `bens`."""

    def __init__(self) -> None:
        self.events_of: dict[str, list[bytes]] = {"t1": [], "t2": [], "r4": [], "bens": [], "beats": []}
        self.off: set[str] = set()
        self.unowned: set[str] = set()
        self.log: list[str] = []
        self.reads = 0
        self._news = asyncio.Condition()

    async def happens(self, subscription: str, body: bytes = b"") -> None:
        events = self.events_of[subscription]
        events.append(body or json.dumps({"is": subscription, "number": len(events) + 1}).encode())
        await self.moves(subscription)

    async def moves(self, subscription: str) -> None:
        self.log.append(subscription)
        async with self._news:
            self._news.notify_all()

    async def standing(self, subscription: str) -> Standing | None:
        events = self.events_of.get(subscription)
        if events is None:
            return None
        beat = 0.3 if subscription == "beats" else 0.0
        return Standing(subscription not in self.off, len(events), subscription != "r4", beat)

    async def may_bind(self, subscription: str, owner: Owner) -> bool:
        return (
            owner.principal == ("ben" if subscription == "bens" else "ana")
            and subscription not in self.unowned
        )

    async def handshake(self, subscription: str) -> Delivery:
        return self._delivery(
            subscription, len(self.events_of[subscription]), b'"handshake %s"' % subscription.encode()
        )

    async def heartbeat(self, subscription: str) -> Delivery:
        return self._delivery(subscription, len(self.events_of[subscription]), b'"heartbeat"')

    async def events(self, subscription: str, after: int, limit: int) -> Sequence[Delivery]:
        self.reads += 1
        found = self.events_of[subscription][after : after + limit]
        return [self._delivery(subscription, after + n, body) for n, body in enumerate(found, 1)]

    def _delivery(self, subscription: str, number: int, body: bytes) -> Delivery:
        target = Target(subscription, "websocket", "")
        return Delivery(target, body, "application/fhir+json", number, "event-notification", "k")

    async def position(self) -> int:
        return len(self.log) + 1

    async def news(self, position: int, seconds: float) -> News:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: len(self.log) + 1 > position)
        return News(len(self.log) + 1, frozenset(self.log[position - 1 :]))


class Server:
    """One process's sockets on a port."""

    def __init__(self, record: Record, tokens: BindingTokens, limits: SocketLimits):
        principals = (
            (token_digest(f"token-{name}"), Principal(name, Source(name, "app"), frozenset({"read"})))
            for name in ("ana", "ben")
        )
        self.sockets = Sockets(record, tokens, Principals(principals), limits)
        self._listening = sockets.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listening.getsockname()[1]}{PATH}"
        app = Starlette(routes=[WebSocketRoute(PATH, self.sockets.serve)])
        config = uvicorn.Config(
            app,
            http=FhirHttpProtocol,
            ws=FhirSocketProtocol,
            ws_max_size=MESSAGE_BYTES,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Server]:
        following = asyncio.create_task(self.sockets.run())
        serving = asyncio.create_task(self._server.serve([self._listening]))
        while not self._server.started:
            await asyncio.sleep(0.01)
        try:
            yield self
        finally:
            self._server.should_exit = True
            await serving
            following.cancel()
            self._listening.close()


@pytest.fixture
def clock():
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def tokens(clock):
    return BindingTokens(ServerKey(b"k" * 32), clock)


@pytest.fixture
def record():
    return Record()


LIMITS = SocketLimits(sockets=3, bindings=3, bind_seconds=0.6, send_seconds=0.5, check_seconds=0.4)


@pytest.fixture
async def server(record, tokens):
    async with Server(record, tokens, LIMITS).running() as running:
        yield running


@contextlib.asynccontextmanager
async def opened(server: Server, token: str = "", **more: object) -> AsyncIterator[ClientConnection]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with connect(server.url, additional_headers=headers, proxy=None, **more) as socket:  # type: ignore[arg-type]
        yield socket


async def heard(socket: ClientConnection, seconds: float = 3.0) -> str:
    async with asyncio.timeout(seconds):
        return str(await socket.recv())


async def bound(
    socket: ClientConnection, tokens: BindingTokens, *subscriptions: str, name: str = "ana"
) -> None:
    await socket.send(f"bind-with-token {tokens.issue(Owner(name), subscriptions)[0]}")
    for one in subscriptions:
        assert await heard(socket) == (f"bound {one}" if one == "r4" else f'"handshake {one}"')


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """Why the server closed it, after whatever else it said."""
    with pytest.raises(ConnectionClosed):
        while True:
            await heard(socket)
    return socket.close_code or 0, socket.close_reason or ""


async def test_r4_bind_and_ping(server, record):
    async with opened(server, "token-ana") as socket:
        await socket.send("bind r4")
        assert await heard(socket) == "bound r4"
        await record.happens("r4")
        assert await heard(socket) == "ping r4"


async def test_bind_with_token_brings_a_handshake_and_then_the_events(server, record, tokens):
    await record.happens("t1")  # before the socket: for $events, not for it
    async with opened(server) as socket:
        await bound(socket, tokens, "t1", "t2")
        for number in (2, 3):
            await record.happens("t1")
            assert json.loads(await heard(socket)) == {"is": "t1", "number": number}
        await record.happens("t2")
        assert json.loads(await heard(socket)) == {"is": "t2", "number": 1}


async def test_many_events_come_whole_and_in_order(server, record, tokens):
    async with opened(server) as socket:
        await bound(socket, tokens, "t1")
        for _ in range(500):
            await record.happens("t1")
        numbers = [json.loads(await heard(socket))["number"] for _ in range(500)]
        assert numbers == list(range(1, 501))


async def test_several_sockets_have_every_event_of_one_subscription(server, record, tokens):
    async with opened(server) as one, opened(server) as other:
        await bound(one, tokens, "t1")
        await bound(other, tokens, "t1")
        await record.happens("t1")
        assert await heard(one) == await heard(other) == '{"is": "t1", "number": 1}'


async def test_sockets_of_several_processes_have_every_event(record, tokens):
    """Each has nothing but the record: what was numbered in one process is told by all."""
    async with (
        Server(record, tokens, LIMITS).running() as first,
        Server(record, tokens, LIMITS).running() as second,
        opened(first) as one,
        opened(second) as other,
    ):
        await bound(one, tokens, "t1")
        await bound(other, tokens, "t1")
        for _ in range(20):
            await record.happens("t1")
        for socket in (one, other):
            assert [json.loads(await heard(socket))["number"] for _ in range(20)] == list(range(1, 21))


async def test_binding_once_more_goes_on_where_it_was(server, record, tokens, clock):
    async with opened(server) as socket:
        await bound(socket, tokens, "t1")
        await record.happens("t1")
        assert json.loads(await heard(socket))["number"] == 1
        clock.at += timedelta(minutes=5)
        await bound(socket, tokens, "t1")
        await record.happens("t1")
        assert json.loads(await heard(socket))["number"] == 2


async def test_heartbeats_where_there_is_nothing_else(server, tokens):
    async with opened(server) as socket:
        await bound(socket, tokens, "beats")
        assert [await heard(socket) for _ in range(3)] == ['"heartbeat"'] * 3


@pytest.mark.parametrize(
    "message", ["bind r4", "bind", "", "hello", "bind-with-token", "BIND t1", "x" * 30_000]
)
async def test_who_did_not_say_who_he_is_binds_nothing(server, message):
    async with opened(server) as socket:
        await socket.send(message)
        assert (await closed(socket))[0] == 1008


async def test_a_socket_that_is_opened_with_a_wrong_token_is_none(server):
    with pytest.raises(InvalidStatus) as caught:
        async with opened(server, "wrong"):
            pass
    assert caught.value.response.status_code == 401


async def test_others_subscriptions_and_those_that_are_not_look_the_same(server):
    reasons = set()
    for id in ("bens", "none", "../x"):
        async with opened(server, "token-ana") as socket:
            await socket.send(f"bind {id}")
            reasons.add(await closed(socket))
    assert len(reasons) == 1 and reasons.pop()[0] == 1008


async def test_a_token_is_for_its_subscriptions_and_its_owner(server, tokens):
    async with opened(server) as socket:
        await socket.send(f"bind-with-token {tokens.issue(Owner('ben'), ['t1'])[0]}")
        assert (await closed(socket))[0] == 1008
    foreign = BindingTokens(ServerKey.random()).issue(Owner("ana"), ["t1"])[0]
    async with opened(server) as socket:
        await socket.send(f"bind-with-token {foreign}")
        code, reason = await closed(socket)
        assert code == 1008 and "not a token" in reason


async def test_an_expired_token_binds_nothing(server, tokens, clock):
    clock.at -= timedelta(hours=2)
    token, _ = tokens.issue(Owner("ana"), ["t1"])
    clock.at += timedelta(hours=2)
    async with opened(server) as socket:
        await socket.send(f"bind-with-token {token}")
        code, reason = await closed(socket)
        assert code == 1008 and "expired" in reason


async def test_a_binding_ends_with_its_token(server, tokens):
    async with opened(server) as socket:
        token, _ = tokens.issue(Owner("ana"), ["t1"], seconds=2)
        await socket.send(f"bind-with-token {token}")
        assert "handshake" in await heard(socket)
        assert await closed(socket) == (1000, "the token has expired")


async def test_a_subscription_that_ends_leaves_the_socket(server, record, tokens):
    async with opened(server) as socket:
        await bound(socket, tokens, "t1", "t2")
        record.off.add("t1")
        await record.moves("t1")
        await record.happens("t2")
        assert json.loads(await heard(socket))["is"] == "t2"
        del record.events_of["t2"]
        await record.moves("t2")
        assert (await closed(socket))[0] == 1000


async def test_access_that_is_taken_away_ends_the_binding(server, record, tokens):
    async with opened(server) as socket:
        await bound(socket, tokens, "t1")
        record.unowned.add("t1")
        assert await closed(socket) == (1000, "the subscription is no longer yours")


async def test_a_socket_that_binds_nothing_is_closed(server):
    async with opened(server, "token-ana") as socket:
        assert await closed(socket) == (1008, "nothing was bound in time")


async def test_one_socket_has_so_many_bindings(server, record, tokens):
    record.events_of |= {f"m{n}": [] for n in range(4)}
    async with opened(server) as socket:
        await socket.send(f"bind-with-token {tokens.issue(Owner('ana'), [f'm{n}' for n in range(4)])[0]}")
        assert (await closed(socket))[0] == 1008


async def test_one_process_has_so_many_sockets(server, tokens):
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(3):
            await bound(await stack.enter_async_context(opened(server)), tokens, "t1")
        with pytest.raises(InvalidStatus) as caught:
            await stack.enter_async_context(opened(server))
        assert caught.value.response.status_code == 503


async def test_messages_that_are_too_large_or_no_text_close_the_socket(server, tokens):
    async with opened(server) as socket:
        await socket.send("x" * (MESSAGE_BYTES + 1))
        assert (await closed(socket))[0] == 1009
    async with opened(server) as socket:
        await socket.send(b"\x00")
        assert (await closed(socket))[0] == 1003


async def test_a_client_that_reads_nothing_is_cut_off_and_holds_up_nobody(
    server, record, tokens, monkeypatch
):
    monkeypatch.setattr(taking, "WRITE_SECONDS", 0.3)
    async with opened(server) as quick:
        await bound(quick, tokens, "t1")
        async with opened(server, max_queue=1) as slow:
            await bound(slow, tokens, "t2")
            slow.transport.pause_reading()
            for _ in range(200):
                await record.happens("t2", b'"%s"' % (b"x" * 200_000))
            for number in range(1, 101):
                await record.happens("t1")
                assert json.loads(await heard(quick))["number"] == number
            await asyncio.sleep(1.5)
            assert record.reads < 115, "no more is read than the client takes"
            assert len(server.sockets._open) == len(server._server.server_state.connections) == 1
            slow.transport.abort()


async def test_nothing_is_missed_between_binding_and_following(server, record, tokens):
    """Events that come while sockets are bound are told, whichever moment they fall into."""
    for round in range(30):
        async with opened(server) as socket:
            happening = asyncio.create_task(record.happens("t1"))
            await socket.send(f"bind-with-token {tokens.issue(Owner('ana'), ['t1'])[0]}")
            assert "handshake" in await heard(socket)
            await happening
            await record.happens("t1")
            numbers = [json.loads(await heard(socket))["number"]]
            while numbers[-1] < 2 * (round + 1):
                numbers.append(json.loads(await heard(socket))["number"])
            assert numbers == list(range(numbers[0], 2 * (round + 1) + 1))


def test_what_a_websocket_subscription_may_say():
    assert refusal(Target("s", "websocket", "")) is None
    assert "endpoint" in (refusal(Target("s", "websocket", "https://x.example")) or "")
    assert "header" in (refusal(Target("s", "websocket", "", ("A: b",))) or "")


def test_the_url_of_sockets_is_that_of_the_base():
    assert url_of("https://credence.example/fhir") == "wss://credence.example/fhir/ws"
    assert url_of("http://127.0.0.1:8080/fhir") == "ws://127.0.0.1:8080/fhir/ws"
