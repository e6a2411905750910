"""Chat and forms of workspaces beside the host: each has its own, in every process, and nothing of one counts in
another."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.chat_service import ChatService
from tests.form_world import ADA, Person, Practice
from tests.server_process import ServerProcess
from tests.workspace import WorkspacePlace


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = Path(tmp_path_factory.mktemp("channels"))
    practice = '\n[voice]\npractice = "Host Practice"\n[chat]\ndemo = true\n'
    with ServerProcess(folder, workers=2, settings=practice) as process:
        yield process


@pytest.fixture(scope="module")
def clinic(server: ServerProcess) -> WorkspacePlace:
    return WorkspacePlace(server, "clinic-b")


@pytest.fixture(scope="module")
def other(server: ServerProcess) -> WorkspacePlace:
    return WorkspacePlace(server, "clinic-c")


@pytest.fixture(scope="module")
def chat(clinic: WorkspacePlace) -> ChatService:
    return ChatService(clinic)


def said(events: list[dict[str, Any]]) -> str:
    return " ".join(e["text"] for e in events if e["kind"] == "message" and e["from"] != "user")


def test_a_conversation_is_held_by_the_workspace_and_recorded_there(
    server: ServerProcess, clinic: WorkspacePlace, chat: ChatService
) -> None:
    user = chat.user("eva", patient="Patient/eve")
    begun = user.post("/conversations")
    assert begun.status_code == 201, begun.text
    id = begun.json()["id"]
    assert begun.headers["location"] == f"/workspaces/{clinic.id}/chat/services/clinic/conversations/{id}", (
        begun.headers
    )
    answer = user.say(id, "When is my appointment?").json()
    assert said(answer["events"]), answer
    everything = said(user.get(f"/conversations/{id}/events").json()["events"])
    assert "Lakeside Clinic" in everything and "Host Practice" not in everything
    assert user.post(f"/conversations/{id}/finish").json()["ended"] == "user"
    until = time.monotonic() + 20
    while not (found := clinic.get("Communication").json()["total"]) and time.monotonic() < until:
        time.sleep(0.2)
    assert found >= 1
    of_host = httpx.get(f"{server.base}/Communication", headers=server.headers_of("admin")).json()
    assert of_host["total"] == 0


def test_an_agent_of_the_settings_does_not_speak_for_another_practice(clinic: WorkspacePlace) -> None:
    token = httpx.post(f"{clinic.root}/chat/demo/token", json={"visitor": "a" * 32}).json()["token"]
    user = {"Authorization": f"Bearer {token}"}
    base = f"{clinic.root}/chat/services/demo/conversations"
    id = httpx.post(base, headers=user, timeout=30).json()["id"]
    events = httpx.get(f"{base}/{id}/events", headers=user, timeout=30)
    assert "Host Practice" not in events.text


def test_over_a_websocket(chat: ChatService) -> None:
    user = chat.user("socket")
    id = user.post("/conversations").json()["id"]

    async def talk() -> list[dict[str, Any]]:
        url = f"{user.base}/conversations/{id}/socket".replace("http", "ws", 1)
        found: list[dict[str, Any]] = []
        async with connect(url) as socket:
            await socket.send(json.dumps({"authorize": user.token}))
            await socket.send(json.dumps({"say": {"text": "I want to cancel my appointment", "key": "a"}}))
            while not any(one.get("kind") == "answered" for one in found):
                found.append(json.loads(await asyncio.wait_for(socket.recv(), 30)))
        return found

    for _ in range(2):
        assert any(one.get("kind") == "message" for one in asyncio.run(talk()))


def test_nothing_of_a_conversation_crosses(
    server: ServerProcess, clinic: WorkspacePlace, other: WorkspacePlace, chat: ChatService
) -> None:
    user = chat.user("eva-2")
    id = user.post("/conversations").json()["id"]
    for place in (other.root, server.root):
        path = f"{place}/chat/services/clinic/conversations"
        assert httpx.post(path, headers=user.headers, timeout=30).status_code == 404  # no such service there
    twin = ChatService(other)  # of the same name, with another app's key
    for path in ("", "/conversations", f"/conversations/{id}", f"/conversations/{id}/events"):
        answer = httpx.get(f"{twin.base}{path}", headers=user.headers, timeout=30)
        assert answer.status_code == 401, path
    same = chat.token("eva-2")
    document = {
        "users": {
            "issuer": "https://app.example",
            "audience": "credence",
            "jwks": {"keys": [{**chat.key.as_dict(private=False), "kid": "k1"}]},
        }
    }
    made = other.platform(
        "POST", "chat-services", {"id": "same-app", "title": "Same app", "document": document}
    )
    assert made.status_code == 201, made.text
    time.sleep(2.5)
    headers = {
        "Authorization": f"Bearer {same}"
    }  # one app, two practices: its user is known, not what they said
    there = f"{other.root}/chat/services/same-app/conversations"
    assert httpx.get(there, headers=headers, timeout=30).json() == {"conversations": []}
    for path in (f"/{id}", f"/{id}/events"):
        assert httpx.get(there + path, headers=headers, timeout=30).status_code == 404
    sent = httpx.post(f"{there}/{id}/messages", json={"text": "hello"}, headers=headers, timeout=30)
    assert sent.status_code == 404
    # what the practice orders, by another's key or token
    order = {"id": "o-1", "patient": "Patient/eve", "reason": "confirm", "user": "eva-2"}
    for token in (other.key, server.tokens["admin"], server.tokens["voice-agent"]):
        ordered = httpx.post(
            f"{chat.base}/outreach", json=order, headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        assert ordered.status_code == 401, ordered.text


def test_widget_and_demo_stand_below_the_workspace(clinic: WorkspacePlace, other: WorkspacePlace) -> None:
    assert httpx.get(f"{clinic.root}/chat/widget.js").status_code == 200
    page = httpx.get(f"{clinic.root}/chat/demo")
    assert page.status_code == 200 and '"/chat' not in page.text, "nothing leads to the host's"
    for path in ("demo/demo.js", "demo/demo.css", "widget/connection.js"):
        assert httpx.get(f"{clinic.root}/chat/{path}").status_code == 200, path
    assert '"/chat' not in httpx.get(f"{clinic.root}/chat/demo/demo.js").text
    token = httpx.post(f"{clinic.root}/chat/demo/token", json={"visitor": "b" * 32}).json()["token"]
    begin = f"{other.root}/chat/services/demo/conversations"
    answer = httpx.post(begin, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert answer.status_code == 401, answer.text


def test_a_form_is_filled_in_the_workspace_and_its_link_opens_nothing_elsewhere(
    server: ServerProcess, clinic: WorkspacePlace, other: WorkspacePlace
) -> None:
    practice = Practice(clinic)
    practice.put({**ADA, "id": "ada"})
    form = practice.form()
    assert form["url"].startswith(f"{clinic.root}/forms/")
    link = form["url"].rpartition("/")[2]
    # the same record in the other: what keeps them apart is the key
    twin = Practice(other)
    twin.put({**ADA, "id": "ada"})
    for kind in ("Questionnaire", "Task"):
        resource = practice.get(f"{kind}/{form['id']}", "admin")
        resource.pop("meta")
        twin.put(resource)
    for place in (other.root, server.root):
        answer = Person(f"{place}/forms/{link}").get()
        assert answer.status_code == 404, (place, answer.status_code)

    person = Person(form["url"])
    page = person.get()
    assert page.status_code == 200 and "date of birth" in page.text
    assert person.identify().status_code == 200
    kept = [(cookie.name, cookie.path) for cookie in person.cookies.jar]
    assert ("credence_form", f"/workspaces/{clinic.id}/forms/{link}") in kept, kept
    assert person.save(phone="(412) 555-0142").json() == {"errors": {}}
    assert person.post("/send").status_code == 200
    response = practice.get(f"QuestionnaireResponse/{form['id']}", "admin")
    assert response["status"] == "completed"
    style = httpx.get(f"{clinic.root}/forms/static/form.css")
    assert style.status_code == 200


def test_a_campaign_speaks_in_the_workspace_alone(server: ServerProcess, clinic: WorkspacePlace) -> None:
    document = {
        "goal": "Appointments are confirmed",
        "purpose": "confirm",
        "audience": {"searches": ["Patient?_id=ada"]},
        "channels": [{"channel": "chat", "service": "default"}],
        "triggers": [{"kind": "cron", "expression": "0 9 * * 1-5", "zone": "America/New_York"}],
        "quiet": {"begin": "00:00", "end": "00:00"},
    }
    made = clinic.platform("POST", "campaigns", {"id": "confirming", "title": "C", "document": document})
    assert made.status_code == 201, made.text
    assert clinic.platform("GET", "campaigns/confirming").status_code == 200
    headers = {"Authorization": f"Bearer {server.tokens['admin']}"}
    assert httpx.get(f"{server.root}/platform/campaigns/confirming", headers=headers).status_code == 404


def test_nothing_is_advertised_that_is_not_served(clinic: WorkspacePlace) -> None:
    assert httpx.get(f"{clinic.root}/fhir/.well-known/smart-configuration").status_code in (401, 404)
    statement = httpx.get(f"{clinic.root}/fhir/metadata").json()
    assert "oauth-uris" not in json.dumps(statement["rest"][0]["security"])
    assert "/auth/" not in json.dumps(statement["rest"][0]["security"])
