"""The limits of ``/chat`` over a real socket: what is too much is refused with its place, and who reads slowly is no
burden to anybody else."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.chat_service import ChatService, ChatUser
from tests.e2e.test_chat import png
from tests.server_process import ServerProcess

NARROW = """
[chat]
messages_per_minute = 6
conversations_per_hour = 6
streams_per_user = 3
attachment_megabytes = 1
"""
WIDE = "[chat]\nmessages_per_minute = 6000\n"
LONG = "\U0001f600" * 4000
"""16 kB of UTF-8 in one message."""
SAID = 20


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatService]:
    with ServerProcess(Path(tmp_path_factory.mktemp("narrow")), settings=NARROW) as process:
        yield ChatService(process)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatService]:
    with ServerProcess(Path(tmp_path_factory.mktemp("wide")), settings=WIDE) as process:
        yield ChatService(process)


def refused(answer: httpx.Response, status: int, place: str) -> None:
    """That it is a problem of this status, which names the place and, for 429, when to come again."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status and [e["pointer"] for e in problem["errors"]] == [place], problem
    assert all(e["detail"] for e in problem["errors"])
    if status == 429:
        assert int(answer.headers["retry-after"]) >= 1


def begun(user: ChatUser) -> str:
    return str(user.post("/conversations").json()["id"])


def test_more_messages_than_may_be_come_again_later(narrow: ChatService) -> None:
    user = narrow.user("many")
    id = begun(user)
    answers = [user.say(id, f"hello {n}") for n in range(11)]
    assert [a.status_code for a in answers[:10]] == [200] * 10
    refused(answers[10], 429, "messages")
    refused(user.attach(id, png(), "image/png"), 429, "messages")
    for stars in (1, 2):
        rated = user.post(f"/conversations/{id}/rating", {"stars": stars})
        refused(rated, 429, "messages")
    with _socket(narrow, user, id) as talking:
        talking.send(json.dumps({"say": {"text": "hello"}}))
        problem = next(m["problem"] for m in map(json.loads, talking) if "problem" in m)
        assert problem["status"] == 429 and problem["errors"][0]["pointer"] == "messages"
        assert problem["retryAfter"] >= 1
    other = narrow.user("other")
    assert other.say(begun(other), "hello").status_code == 200, "it is one user's limit"


def test_more_conversations_than_may_be_come_again_later(narrow: ChatService) -> None:
    user = narrow.user("often")
    for _ in range(5):
        assert user.post("/conversations").status_code == 201
        assert user.post("/conversations").status_code == 200, "one that there is counts no more"
        user.post(f"/conversations/{begun(user)}/finish")
    refused(user.post("/conversations"), 429, "conversations")
    assert len(user.get("/conversations").json()["conversations"]) == 5


def test_a_message_that_is_too_long_or_empty_is_refused_with_its_place(narrow: ChatService) -> None:
    user = narrow.user("long")
    id = begun(user)
    refused(user.say(id, "x" * 4001), 422, "/text")
    refused(user.say(id, " "), 422, "/text")
    refused(user.post(f"/conversations/{id}/rating", {"stars": 9}), 422, "/stars")
    with _socket(narrow, user, id) as talking:
        talking.send(json.dumps({"say": {"text": "x" * 4001}}))
        problem = next(m["problem"] for m in map(json.loads, talking) if "problem" in m)
        assert problem["status"] == 422 and problem["errors"][0]["pointer"] == "/say/text"
    events = user.get(f"/conversations/{id}/events").json()["events"]
    assert not [e for e in events if e.get("from") == "user"], "nothing of it was taken"


def test_a_body_that_is_too_large_is_refused(narrow: ChatService) -> None:
    user = narrow.user("large")
    id = begun(user)
    large = png() + b"\x00" * 1024 * 1024
    refused(user.attach(id, large, "image/png"), 413, "http.body")
    url = f"{user.base}/conversations/{id}/messages"
    whole = {"text": "x" * (9 * 1024 * 1024)}
    refused(httpx.post(url, json=whole, headers=user.headers, timeout=60), 413, "http.body")


def test_more_streams_than_may_be_come_again_later(narrow: ChatService) -> None:
    user = narrow.user("streams")
    id = begun(user)
    url = f"{user.base}/conversations/{id}/events"
    headers = {**user.headers, "Accept": "text/event-stream"}
    with contextlib.ExitStack() as open, httpx.Client(timeout=30) as client:
        read = []  # an iterator that is dropped closes its stream
        for _ in range(3):
            stream = open.enter_context(client.stream("GET", url, headers=headers))
            assert stream.status_code == 200
            read.append(stream.iter_bytes())
            next(read[-1])
        refused(user.get(f"/conversations/{id}/events", {"Accept": "text/event-stream"}), 429, "events")
        refused(user.say(id, "hello", accept="application/x-ndjson"), 429, "events")
        with _socket(narrow, user, id) as talking:
            problem = json.loads(talking.recv(20))["problem"]
            assert problem["status"] == 429 and problem["errors"][0]["pointer"] == "events"
        told = user.get(f"/conversations/{id}/events").json()["events"]
        assert not [e for e in told if e.get("from") == "user"], "what was refused was not taken"
        assert user.say(id, "hello").status_code == 200, "one document is no stream"
        assert narrow.user("another").post("/conversations").status_code == 201
    deadline = time.monotonic() + 20
    while user.say(id, "again", accept="application/x-ndjson").status_code != 200:
        assert time.monotonic() < deadline, "a stream that was closed still counts"
        time.sleep(0.2)


def test_who_does_not_read_delays_nobody_and_finds_everything_at_last(wide: ChatService) -> None:
    user, other = wide.user("slow"), wide.user("quick")
    id, others = begun(user), begun(other)
    user.say(id, "I want to talk to a person")
    for n in range(SAID):
        user.say(id, LONG[:-1] + str(n % 10))
    before, quick = _resident(wide), _seconds(other, others)
    stuck = [_unread(user, id) for _ in range(8)]
    try:
        time.sleep(1.0)
        for _ in range(SAID):
            user.say(id, LONG)
        grown = _resident(wide) - before
        assert grown < 20 * 2**20, f"{grown / 2**20:.0f} MB more"
        assert _seconds(other, others) < max(4 * quick, 0.5)
        # One of them reads at last: everything is there, once and in order.
        numbers = _numbers(stuck[0])
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 2 * SAID
    finally:
        for one in stuck:
            one.close()


def _socket(service: ChatService, user: ChatUser, id: str) -> ClientConnection:
    url = f"{service.base}/conversations/{id}/socket".replace("http://", "ws://")
    return connect(url, additional_headers=user.headers, open_timeout=30)


def _unread(user: ChatUser, id: str) -> socket.socket:
    """A stream of everything, of which nothing is read."""
    url = httpx.URL(f"{user.base}/conversations/{id}/events")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((url.host, url.port))
    sock.sendall(
        f"GET {url.path} HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: Bearer {user.token}\r\n"
        "Accept: application/x-ndjson\r\n\r\n".encode()
    )
    return sock


def _numbers(sock: socket.socket) -> list[int]:
    """The numbers of the events that come until all messages of the user have."""
    sock.settimeout(30)
    text, numbers, messages = b"", list[int](), 0
    while messages < 2 * SAID + 1:
        text += sock.recv(1 << 20)
        *lines, text = text.split(b"\n")
        for line in lines:
            if line.startswith(b'{"number"'):
                event = json.loads(line)
                numbers.append(event["number"])
                messages += event.get("from") == "user"
    return numbers


def _resident(service: ChatService) -> int:
    status = Path(f"/proc/{service.server.pid}/status").read_text()
    (line,) = [one for one in status.splitlines() if one.startswith("VmRSS")]
    return int(line.split()[1]) * 1024


def _seconds(user: ChatUser, id: str) -> float:
    """How long the middle one of some answers takes."""
    taken = []
    for n in range(5):
        started = time.monotonic()
        assert user.say(id, f"hello {n}").status_code == 200
        taken.append(time.monotonic() - started)
    return sorted(taken)[2]
