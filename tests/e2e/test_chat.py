"""``/chat`` on a running server: users of an app, streams that go on where they were cut, several workers."""

from __future__ import annotations

import asyncio
import json
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.chat_service import ChatService
from tests.server_process import ServerProcess


@pytest.fixture(scope="module", params=[1, 2], ids=["alone", "two workers"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ChatService]:
    folder = Path(tmp_path_factory.mktemp("chat"))
    with ServerProcess(folder, workers=request.param) as process:
        yield ChatService(process)


def png() -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        sum = zlib.crc32(kind + data)
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", sum)

    header = struct.pack("!IIBBBBB", 200, 200, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress((b"\x00" + b"\x80" * 200) * 200)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line]


def said(events: list[dict[str, Any]]) -> str:
    return " ".join(e["text"] for e in events if e["kind"] == "message" and e["from"] != "user")


def test_a_conversation_as_json_ndjson_and_server_sent_events(service: ChatService) -> None:
    user = service.user("json")
    first = user.post("/conversations")
    assert first.status_code == 201, first.text
    id = first.json()["id"]
    assert first.headers["location"] == f"/chat/services/clinic/conversations/{id}"
    assert user.post("/conversations").status_code == 200
    answer = user.say(id, "I need to reschedule my appointment").json()
    assert "full name" in said(answer["events"]), answer
    lines = user.say(id, "Eve Adams, March 3rd 1982", accept="application/x-ndjson")
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    assert [e["kind"] for e in events_of(lines.text)][-1] == "answered"
    sent = user.say(id, "when is my appointment?", accept="text/event-stream")
    ids = [int(line[4:]) for line in sent.text.splitlines() if line.startswith("id: ")]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert user.post(f"/conversations/{id}/seen", {"number": ids[-1]}).json()["unread"] == 0
    everything = user.get(f"/conversations/{id}/events").json()
    assert everything["events"][-1]["kind"] == "seen" and everything["events"][-1]["through"] == ids[-1]
    assert [e["number"] for e in everything["events"]] == list(range(1, everything["next"] + 1))
    assert user.post(f"/conversations/{id}/finish").json()["ended"] == "user"
    over = user.get(f"/conversations/{id}/events", {"Accept": "application/x-ndjson"})
    assert [e["number"] for e in events_of(over.text)][: everything["next"]] == list(
        range(1, everything["next"] + 1)
    )
    assert events_of(over.text)[-1]["kind"] == "ended"


def test_any_number_is_a_place_to_go_on_from(service: ChatService) -> None:
    user = service.user("resume")
    id = user.post("/conversations").json()["id"]
    user.say(id, "I need a new appointment")
    whole = user.get(f"/conversations/{id}/events").json()["events"]
    for after in range(len(whole)):
        rest = user.get(f"/conversations/{id}/events", {"Last-Event-ID": str(after)}).json()["events"]
        assert rest == whole[after:]


def test_twenty_at_once_get_one_conversation(service: ChatService) -> None:
    async def ask() -> list[tuple[int, str]]:
        user = service.user("twenty")
        async with httpx.AsyncClient(headers=user.headers, timeout=60) as client:
            answers = await asyncio.gather(*(client.post(f"{user.base}/conversations") for _ in range(20)))
        return [(one.status_code, one.json()["id"]) for one in answers]

    begun = asyncio.run(ask())
    assert len({id for _, id in begun}) == 1
    assert sorted(status for status, _ in begun) == [200] * 19 + [201]


def test_over_a_websocket(service: ChatService) -> None:
    user = service.user("socket")
    id = user.post("/conversations").json()["id"]

    async def talk() -> list[dict[str, Any]]:
        url = f"{user.base}/conversations/{id}/socket".replace("http", "ws", 1)
        found: list[dict[str, Any]] = []
        async with connect(url) as socket:
            await socket.send(json.dumps({"authorize": user.token}))
            await socket.send(json.dumps({"say": {"text": "I want to cancel my appointment", "key": "a"}}))
            await socket.send(json.dumps({"sing": {}}))
            await socket.send(b"\x00\x01")
            problems = []
            while len(problems) < 2 or not found or found[-1]["kind"] != "answered":
                frame = json.loads(await asyncio.wait_for(socket.recv(), 20))
                (problems if "problem" in frame else found).append(frame)
            assert [one["problem"]["status"] for one in problems] == [400, 400]
        async with connect(f"{url}?after={found[-2]['number']}") as socket:
            await socket.send(json.dumps({"authorize": user.token}))
            assert json.loads(await asyncio.wait_for(socket.recv(), 20)) == found[-1]
        async with connect(url) as socket:
            await socket.send(json.dumps({"authorize": "nobody"}))
            assert json.loads(await socket.recv())["problem"]["status"] == 401
        return found

    events = asyncio.run(talk())
    assert [e["number"] for e in events] == list(range(1, len(events) + 1)) and "full name" in said(events)


def test_who_may_not_come_in(service: ChatService) -> None:
    bad = {
        "expired": service.token("x", exp=int(time.time()) - 60),
        "for days": service.token("x", exp=int(time.time()) + 86400),
        "of somebody else": service.token("x", iss="https://evil.example"),
        "for somebody else": service.token("x", aud="other"),
        "without a subject": service.token(""),
        "signed by another key": service.token("x", foreign=True),
        "unsigned": service.unsigned("x"),
    }
    for name, token in bad.items():
        answer = httpx.post(f"{service.base}/conversations", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    for principal in ("admin", "ehr", "voice-agent"):
        headers = {"Authorization": f"Bearer {service.server.tokens[principal]}"}
        assert httpx.post(f"{service.base}/conversations", headers=headers).status_code == 403
    assert httpx.post(f"{service.base}/conversations").status_code == 401


def test_a_conversation_is_its_users_alone(service: ChatService) -> None:
    mine, other = service.user("mine"), service.user("other")
    id = mine.post("/conversations").json()["id"]
    for path in ("", "/events"):
        assert other.get(f"/conversations/{id}{path}").status_code == 404
    assert other.say(id, "hello").status_code == 404
    assert other.get("/conversations").json() == {"conversations": []}


def test_attachments_are_kept_once_and_as_what_they_are(service: ChatService) -> None:
    user = service.user("pictures")
    id = user.post("/conversations").json()["id"]
    picture = png()
    sent = user.attach(id, picture, "image/png", key="p1")
    assert sent.status_code == 200, sent.text
    assert user.attach(id, picture, "image/png", key="p1").json()["message"] == sent.json()["message"]
    (event,) = [e for e in sent.json()["events"] if e["kind"] == "attachment"]
    headers = service.server.headers_of("admin")
    document = httpx.get(f"{service.server.base}/{event['reference']}", headers=headers).json()
    attachment = document["content"][0]["attachment"]
    binary = httpx.get(
        f"{service.server.base}/{attachment['url']}", headers={**headers, "Accept": "image/png"}
    )
    assert binary.content == picture
    assert user.attach(id, picture, "image/jpeg").status_code == 415
    assert user.attach(id, b"", "image/png").status_code == 422
    assert user.attach(id, picture, "text/html").status_code == 415


def test_the_practice_begins(service: ChatService) -> None:
    order = {"id": "reminder-1", "patient": "Patient/eve", "reason": "confirm", "user": "reached"}
    headers = service.server.headers_of("admin")
    url = f"{service.base}/outreach"
    first = httpx.post(url, json=order, headers=headers)
    assert first.status_code == 201, first.text
    assert httpx.post(url, json=order, headers=headers).status_code == 200
    user = service.user("reached", patient="Patient/eve")
    one = user.post("/conversations")
    assert one.status_code == 200 and one.json()["id"] == first.json()["conversation"]
    assert one.json()["reason"] == "confirm" and one.json()["unread"] >= 1
    assert httpx.post(url, json=order, headers=user.headers).status_code in (401, 403)
    assert service.user("stranger", patient="Patient/eve").get("/conversations").json()["conversations"] == []


def test_who_is_related_to_a_patient_speaks_for_them(service: ChatService) -> None:
    service.put(
        {
            "resourceType": "RelatedPerson",
            "id": "adam",
            "active": True,
            "patient": {"reference": "Patient/eve"},
            "name": [{"family": "Adams", "given": ["Adam"]}],
        }
    )
    user = service.user("adam", patient="Patient/eve", related_person="RelatedPerson/adam")
    begun = user.post("/conversations")
    assert begun.status_code == 201, begun.text
    id = begun.json()["id"]
    user.say(id, "Eve has a new phone number, it is 412 555 0188")
    user.say(id, "yes")
    user.post(f"/conversations/{id}/finish")
    headers = service.server.headers_of("admin")
    deadline, record = time.monotonic() + 20, dict[str, Any]()
    while record.get("status") != "completed" and time.monotonic() < deadline:
        record = httpx.get(f"{service.server.base}/Communication/{id}", headers=headers).json()
    assert record["sender"] == {"reference": "RelatedPerson/adam"}, record
    found = httpx.get(f"{service.server.base}/Provenance?target=Communication/{id}", headers=headers).json()
    who = [agent["who"] for one in found["entry"] for agent in one["resource"]["agent"]]
    assert {"reference": "RelatedPerson/adam"} in who, who
    for claims in ({"patient": "Patient/other"}, {"patient": "Patient/eve", "related_person": "nobody"}):
        other = service.user("adam", **{"related_person": "RelatedPerson/adam"} | claims)
        refused = other.post("/conversations")
        assert refused.status_code == 403 and "RelatedPerson" in refused.json()["title"], refused.text
    assert service.user("adam", related_person="adam").post("/conversations").status_code == 401


def test_pages_of_other_origins_are_kept_out(service: ChatService) -> None:
    def preflight(origin: str) -> httpx.Response:
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        return httpx.options(f"{service.base}/conversations", headers=asked)

    assert preflight("https://app.example").headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-origin" not in preflight("https://evil.example").headers


def test_it_describes_itself(service: ChatService) -> None:
    told = httpx.get(f"{service.server.root}/chat/openapi.json").json()
    assert told["info"]["title"] == "Credence chat" and len(told["paths"]) >= 10


def test_operators_see_conversations_and_take_them_over(service: ChatService) -> None:
    user = service.user("person")
    id = user.post("/conversations").json()["id"]
    user.say(id, "I want to talk to a person")
    headers = service.server.headers_of("admin")
    live = f"{service.server.root}/live/calls"
    deadline = time.monotonic() + 15
    while id not in httpx.get(live, headers=headers).text and time.monotonic() < deadline:
        time.sleep(0.1)
    taken = httpx.post(f"{live}/{id}/actions", json={"action": "take_over"}, headers=headers)
    assert taken.status_code == 200, taken.text
    httpx.post(f"{live}/{id}/actions", json={"action": "say", "text": "Here I am."}, headers=headers)
    deadline = time.monotonic() + 15
    while "Here I am." not in user.get(f"/conversations/{id}/events").text and time.monotonic() < deadline:
        time.sleep(0.1)
    events = user.get(f"/conversations/{id}/events").json()["events"]
    assert [e["text"] for e in events if e.get("from") == "operator"] == ["Here I am."]
    assert user.get(f"/conversations/{id}").json()["state"] == "person"


def test_ratings_have_a_pace(service: ChatService) -> None:
    """Each is kept for ever."""
    user = service.user("rater")
    id = user.post("/conversations").json()["id"]
    answers = [user.post(f"/conversations/{id}/rating", {"stars": 5}).status_code for _ in range(40)]
    assert answers[0] == 200 and answers[-1] == 429
