"""A connector's connections are served by all workers of a server, and a worker that dies takes nothing along."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from adapters.hl7v2.intake.record import FAILED, RECEIVED
from fhirserver.storage.sqlite.storage import SqliteStorage
from tests.hl7_feed import LISTENER, FeedServer, Wire, adt, code_of, stream

CONNECTIONS = 16
TOGETHER = "another process serves connections too"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeedServer]:
    with FeedServer(tmp_path_factory.mktemp("hl7") / "server", workers=2) as server:
        yield server


@pytest.fixture
def server(running: FeedServer) -> FeedServer:
    """The server, when both workers take part and nobody is connected."""
    until(lambda: joined(running), "the second worker takes part", 90)
    until(lambda: not sum(served(running).values()), "nobody is connected")
    return running


def joined(server: FeedServer) -> bool:
    """Whether the last thing that was said of the listener is that both serve it."""
    said = [line for line in log_of(server).splitlines() if "listening on" in line or TOGETHER in line]
    return bool(said) and TOGETHER in said[-1]


def log_of(server: FeedServer) -> str:
    return (server.directory / "server.log").read_text()


def until(holds: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def workers(server: FeedServer) -> list[psutil.Process]:
    return psutil.Process(server.pid).children()


def served(server: FeedServer) -> Counter[int]:
    """Connections of the listener by the process that has them."""
    return Counter(
        {
            worker.pid: sum(
                1
                for one in worker.net_connections("tcp")
                if one.status == psutil.CONN_ESTABLISHED and one.laddr.port == server.mllp_port
            )
            for worker in workers(server)
        }
    )


def holder(server: FeedServer) -> psutil.Process:
    """The worker that has the port."""
    (found,) = [
        worker
        for worker in workers(server)
        for one in worker.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN and one.laddr.port == server.mllp_port
    ]
    return found


def counted(server: FeedServer, name: str) -> int:
    """A figure of the connector's status."""
    entries = httpx.get(f"{server.base}/Endpoint", headers=server.headers).json()["entry"]
    id = next(e["resource"]["id"] for e in entries if e["resource"]["name"] == LISTENER)
    answer = httpx.get(f"{server.base}/Endpoint/{id}/$connector-status", headers=server.headers_of("admin"))
    counts = [one["part"] for one in answer.json()["parameter"] if one["name"] == "count"]
    return sum(int(count["valueUnsignedInt"]) for code, count in counts if code["valueCode"] == name)


async def _logged(server: FeedServer, kind: str) -> list[str]:
    """The control ids of the log's entries of one kind, in its order."""
    storage = SqliteStorage(server.data / "credence.db")
    await storage.open()
    found: list[str] = []
    position = 0
    try:
        while commits := await storage.read_log(position, 500):
            position = commits[-1].position
            events = [event for commit in commits for event in commit.events]
            found += [event["value"]["control"] for event in events if event.get("kind") == kind]
    finally:
        await storage.close()
    return found


def logged(server: FeedServer, kind: str = RECEIVED) -> list[str]:
    return asyncio.run(_logged(server, kind))


class Lane(threading.Thread):
    """One sender: goes on with the message that it had no answer to. Its number is no other's."""

    def __init__(self, server: FeedServer, number: int, count: int, patients: int):
        super().__init__()
        self.server, self.messages = server, list(stream(count, number, patients))
        self.codes: list[str] = []
        self.refused = 0

    def run(self) -> None:
        deadline = time.monotonic() + 120
        while len(self.codes) < len(self.messages) and time.monotonic() < deadline:
            try:
                with self.server.connect() as wire:
                    self._send(wire)
            except OSError:
                time.sleep(0.05)

    def _send(self, wire: Wire) -> None:
        while len(self.codes) < len(self.messages):
            code = code_of(wire.send(self.messages[len(self.codes)][1]))
            if code.startswith("AR"):
                self.refused += 1  # not stored: the same again
            else:
                self.codes.append(code)


def lanes(server: FeedServer, first: int, count: int, patients: int) -> list[Lane]:
    found = [Lane(server, first + number, count, patients) for number in range(CONNECTIONS)]
    for one in found:
        one.start()
    return found


def ended(senders: list[Lane]) -> None:
    for one in senders:
        one.join()
    for one in senders:
        assert one.codes == [f"AA {id}" for id, _ in one.messages]


def once_and_in_order(server: FeedServer, senders: list[Lane]) -> None:
    """Each message was taken in once, each sender's in its order, and none failed."""
    every = {id for sender in senders for id, _ in sender.messages}
    order = [id for id in logged(server) if id in every]
    assert Counter(order) == Counter(every)
    for sender in senders:
        ids = [id for id, _ in sender.messages]
        mine = set(ids)
        assert [id for id in order if id in mine] == ids
    assert not every & set(logged(server, FAILED))


def test_both_workers_serve_the_connections(server: FeedServer) -> None:
    before = {one.pid: one.cpu_times().user for one in workers(server)}
    taken = counted(server, "taken")
    senders = lanes(server, 0, 40, 200)  # so many that they are still at it when they are counted
    until(lambda: sum(served(server).values()) == CONNECTIONS, "all are connected")
    until(lambda: sorted(served(server).values()) == [8, 8], "each worker has half of them")
    ended(senders)
    spent = [one.cpu_times().user - before[one.pid] for one in workers(server)]
    assert min(spent) > 0.25 * max(spent), spent
    count = 40 * CONNECTIONS
    until(lambda: counted(server, "taken") - taken == count, "the status counts what either took in")
    once_and_in_order(server, senders)


def test_one_patient_on_all_connections_of_both_workers(server: FeedServer) -> None:
    senders = lanes(server, 100, 10, 1)
    ended(senders)
    once_and_in_order(server, senders)


def test_the_same_message_on_connections_of_both_workers_is_taken_in_once(server: FeedServer) -> None:
    wires = [server.connect() for _ in range(4)]
    until(lambda: sorted(served(server).values()) == [2, 2], "each worker has two")
    for number in range(5):
        raw = adt(f"TWICE{number}", "PTWICE", family=f"Family{number}")
        for wire in wires:
            wire.socket.sendall(b"\x0b" + raw + b"\x1c\r")
        assert {code_of(wire.answer()) for wire in wires} == {f"AA TWICE{number}"}
    for wire in wires:
        wire.socket.close()
    assert [id for id in logged(server) if id.startswith("TWICE")] == [f"TWICE{n}" for n in range(5)]


def test_what_is_shared_is_private_to_the_user(server: FeedServer) -> None:
    folder = server.data / "credence.db-listeners"
    assert folder.stat().st_mode & 0o777 == 0o700
    (place,) = folder.iterdir()
    assert place.stat().st_mode & 0o077 == 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stranger:
        stranger.connect(f"/proc/self/fd/{os.open(folder, os.O_PATH)}/{place.name}")
        stranger.settimeout(10)
        stranger.send(b"V another 0")
        assert stranger.recv(100) == b"", "one with other settings is turned away"


def test_all_let_go_when_the_connector_stops(server: FeedServer) -> None:
    wires = [server.connect() for _ in range(4)]
    for number, wire in enumerate(wires):
        assert code_of(wire.send(adt(f"M{number}", f"P{number}"))) == f"AA M{number}"
    assert sorted(served(server).values()) == [2, 2]
    headers = server.headers_of("admin")
    entries = httpx.get(f"{server.base}/Endpoint", headers=headers).json()["entry"]
    endpoint = next(e["resource"] for e in entries if e["resource"]["name"] == LISTENER)
    url = f"{server.base}/Endpoint/{endpoint['id']}"
    off = httpx.put(url, headers=headers, json={**endpoint, "status": "off"})
    assert off.status_code == 200, off.text
    for wire in wires:
        assert wire.socket.recv(1) == b""
        wire.socket.close()
    until(lambda: not listens(server), "the port is free")
    again = httpx.put(url, headers=headers, json={**endpoint, "status": "active"})
    assert again.status_code == 200, again.text
    until(lambda: joined(server) and listens(server), "both take part again")
    wires = [server.connect() for _ in range(4)]
    until(lambda: sorted(served(server).values()) == [2, 2], "they are spread again")
    for wire in wires:
        wire.socket.close()


def listens(server: FeedServer) -> bool:
    try:
        server.connect().socket.close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("whose", ["the other", "the holder"])
def test_a_worker_dies_under_a_feed(server: FeedServer, whose: str) -> None:
    first = holder(server)
    victim = first if whose == "the holder" else next(one for one in workers(server) if one != first)
    senders = lanes(server, 300 + 100 * len(whose), 10, 40)
    until(lambda: sum(len(one.codes) for one in senders) > 40, "some are answered")
    os.kill(victim.pid, signal.SIGKILL)
    ended(senders)
    once_and_in_order(server, senders)


@pytest.mark.slow
def test_two_servers_on_one_port_fail_loudly(server: FeedServer, tmp_path: Path) -> None:
    other = FeedServer(tmp_path / "other", workers=2)
    other.mllp_port = server.mllp_port
    with other:
        until(lambda: "cannot listen on" in log_of(other), "it is said")
        assert TOGETHER not in log_of(other)


@pytest.mark.slow
def test_limits_are_of_the_server_and_not_of_each_worker(tmp_path: Path) -> None:
    with FeedServer(tmp_path, "connections = 4", workers=2) as server:
        until(lambda: joined(server), "the second worker takes part", 90)
        for _ in range(2):  # what ends makes room, wherever it was
            until(lambda: not sum(served(server).values()), "nobody is connected")
            time.sleep(0.6)
            wires = [server.connect() for _ in range(4)]
            until(lambda: sum(served(server).values()) == 4, "all are connected")
            with server.connect() as fifth:
                assert fifth.socket.recv(1) == b""
            for wire in wires:
                wire.socket.close()
