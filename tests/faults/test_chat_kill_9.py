"""The server is killed between and in messages, clients are cut off in the middle of answers: nothing is lost, nothing
is told or written twice."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.chat import person, world
from tests.chat_service import ChatService, ChatUser
from tests.server_process import ServerProcess

DELAYS = (0.0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.4)
"""Seconds after a message is sent at which the server dies."""


def script(n: int) -> list[str]:
    given, family, born = person(n)
    return [
        "I need to reschedule my appointment",
        f"{given} {family}, {born.strftime('%B')} {born.day}, {born.year}",
        "as soon as possible in the morning",
        "the first one",
        "yes",
        "I also have a new insurance, it's Aetna, member ID W123456789",
        "there is no group number",
        "yes that's right",
        "no thanks, goodbye",
    ]


def told(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Who said what."""
    return [(e["from"], e["text"]) for e in events if e["kind"] == "message"]


def everything(user: ChatUser, id: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = user.get(f"/conversations/{id}/events").json()["events"]
    assert [e["number"] for e in events] == list(range(1, len(events) + 1))
    return events


def found(server: ServerProcess, query: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{server.base}/{query}", headers=server.headers_of("admin"), timeout=60).json()
    return [entry["resource"] for entry in answer.get("entry", ())]


def insist(user: ChatUser, id: str, text: str) -> None:
    """Say it until it is answered, under one key: as an app does whose connection breaks."""
    deadline = time.monotonic() + 90
    while True:
        try:
            answer = user.say(id, text, key=text)
            if answer.status_code == 200 and answer.json()["events"][-1]["kind"] in ("answered", "ended"):
                return
            assert answer.status_code in (200, 503), answer.text
        except (httpx.HTTPError, json.JSONDecodeError):
            pass
        assert time.monotonic() < deadline, text
        time.sleep(0.05)


@pytest.mark.parametrize(("workers", "every"), [(1, 1), (2, 4), pytest.param(2, 1, marks=pytest.mark.slow)])
def test_the_server_dies_in_every_message(tmp_path: Path, workers: int, every: int) -> None:
    """Two workers take longer to start: `make test` kills them in the first, fifth and ninth message, and the test that
    is marked as slow in each."""
    with ServerProcess(tmp_path, workers=workers) as server:
        world(server, 2)
        service = ChatService(server)
        plain, killed = service.user("plain"), service.user("killed")
        first = plain.post("/conversations").json()["id"]
        for text in script(0):
            insist(plain, first, text)
        id = killed.post("/conversations").json()["id"]
        for place, text in enumerate(script(1)):
            url = f"{killed.base}/conversations/{id}/messages"
            headers = {**killed.headers, "Idempotency-Key": text, "Accept": "application/x-ndjson"}
            if place % every == 0:
                _send_and_kill(server, url, headers, text, DELAYS[place % len(DELAYS)])
                server.start()
            insist(killed, id, text)
        expected, events = everything(plain, first), everything(killed, id)
        assert [text for who, text in told(events) if who == "user"] == script(1)
        assert len(told(events)) == len(told(expected)), (told(events), told(expected))
        assert events[-1]["kind"] == "ended"
        visits = found(server, "Appointment?patient=Patient/p1&_count=50")
        assert sorted(one["status"] for one in visits) == ["booked", "cancelled"]
        assert len(found(server, "Coverage?patient=Patient/p1")) == 1
        deadline = time.monotonic() + 30
        while not found(server, f"Communication?_id={id}&status=completed") and time.monotonic() < deadline:
            time.sleep(0.1)
        (record,) = found(server, f"Communication?_id={id}")
        assert record["status"] == "completed" and len(record["payload"]) == 2
        assert len(found(server, f"DocumentReference?related=Communication/{id}")) == 2


def _send_and_kill(server: ServerProcess, url: str, headers: dict[str, str], text: str, delay: float) -> None:
    """Send a message, and let the server die so many seconds later, whatever has come by then."""
    try:
        with (
            httpx.Client(timeout=30) as client,
            client.stream("POST", url, json={"text": text}, headers=headers),
        ):
            time.sleep(delay)
            server.kill()
    except httpx.HTTPError:
        server.kill()


def test_a_client_that_is_cut_off_anywhere_goes_on_from_there(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        world(server, 1)
        user = ChatService(server).user("cut")
        id = user.post("/conversations").json()["id"]
        url = f"{user.base}/conversations/{id}"
        seen: list[dict[str, Any]] = []
        for place, text in enumerate(script(0)):
            headers = {**user.headers, "Accept": "application/x-ndjson", "Idempotency-Key": str(place)}
            with (
                httpx.Client(timeout=30) as client,
                client.stream("POST", f"{url}/messages", json={"text": text}, headers=headers) as answer,
            ):
                for line, _ in zip(answer.iter_lines(), range(place * 2 + 1), strict=False):
                    _note(seen, line)
            after = {**user.headers, "Accept": "text/event-stream", "Last-Event-ID": str(seen[-1]["number"])}
            with (
                httpx.Client(timeout=30) as client,
                client.stream("GET", f"{url}/events", headers=after) as answer,
            ):
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        _note(seen, line[6:])
                    if seen[-1]["kind"] in ("answered", "ended") and seen[-1].get("message", 0):
                        break
                    if seen[-1]["kind"] == "ended":
                        break
        assert seen[-1] in everything(user, id)
        kept = {e["number"]: e for e in everything(user, id)}
        assert all(kept[e["number"]] == e for e in seen)
        numbers = [e["number"] for e in seen]
        assert len(numbers) == len(set(numbers)), "nothing twice"
        first = min(numbers)
        assert sorted(numbers) == list(range(first, max(numbers) + 1)), "nothing lost"


def _note(seen: list[dict[str, Any]], line: str) -> None:
    if line.strip():
        seen.append(json.loads(line))
