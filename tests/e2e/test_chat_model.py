"""``/chat`` with a language model over real sockets: words as they are made, models that fail, clients cut off."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chat_service import ChatService, ChatUser
from tests.model_server import ModelServer
from tests.server_process import ServerProcess

Event = dict[str, Any]
SENTENCES = (
    "Let me think about that.",
    "You can tell me more about it.",
    "Then I will see what I can do for you.",
)
SAID = " ".join(SENTENCES)
ASKED = "Let me tell you something"
FIRST, WHOLE = 6, 15


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


@pytest.fixture(scope="module")
def service(model: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatService]:
    folder = Path(tmp_path_factory.mktemp("model"))
    (folder / "key").write_text("k")
    (folder / "key").chmod(0o600)
    settings = (
        f'[chat]\nmessages_per_minute = 600\n[llm]\nenabled = true\nbase_url = "{model.url}"\nkey_file = "key"\n'
        f"first_seconds = {FIRST}\nwhole_seconds = {WHOLE}\nfailures = 100\nretries = 0\n"
    )
    with ServerProcess(folder, settings=settings) as process:
        yield ChatService(process)


def begun(service: ChatService, name: str) -> tuple[ChatUser, str]:
    """A patient whom the token proves, greeted."""
    user = service.user(name, patient="Patient/eve")
    id = str(user.post("/conversations").json()["id"])
    deadline = time.monotonic() + 20
    while not user.get(f"/conversations/{id}").json()["unread"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return user, id


def answer(user: ChatUser, id: str, text: str) -> Iterator[tuple[float, Event]]:
    """The events of the answer to a message as they come, with when they did."""
    url, body = f"{user.base}/conversations/{id}/messages", {"text": text}
    headers = {**user.headers, "Accept": "application/x-ndjson"}
    with httpx.stream("POST", url, json=body, headers=headers, timeout=90) as stream:
        for line in stream.iter_lines():
            if line:
                yield time.monotonic(), json.loads(line)


def history(user: ChatUser, id: str) -> list[Event]:
    events: list[Event] = user.get(f"/conversations/{id}/events").json()["events"]
    assert [e["number"] for e in events] == list(range(1, len(events) + 1))
    for event in events:
        if event["kind"] == "message" and event["from"] == "agent":
            assert tokens(events, event["turn"]) == event["text"]
    return events


def tokens(events: list[Event], turn: int) -> str:
    return "".join(e["text"] for e in events if e["kind"] == "token" and e["turn"] == turn)


def said(events: list[Event]) -> list[str]:
    return [e["text"] for e in events if e["kind"] == "message" and e["from"] == "agent"]


def test_words_come_as_they_are_made(service: ChatService, model: ModelServer) -> None:
    model.script([{"say": SAID, "pause": 0.2}])
    user, id = begun(service, "streams")
    came = list(answer(user, id, ASKED))
    at = [when for when, event in came if event["kind"] == "token"]
    assert at[-1] - at[0] > 1.5, "all of it came at its end"
    events = [event for _, event in came]
    assert said(events)[-1].endswith(SAID) and events[-1]["kind"] == "answered"
    assert history(user, id)[-len(events) :] == events


@pytest.mark.parametrize("fault", ["cut", "stall", "failed", "incomplete"])
def test_a_model_that_fails_midway_leaves_the_rest_to_the_policy(
    service: ChatService, model: ModelServer, fault: str
) -> None:
    model.script([{"fault": fault, "say": SAID, "seconds": 60}])
    user, id = begun(service, f"midway-{fault}")
    events = [event for _, event in answer(user, id, ASKED)]
    whole = " ".join(said(events))
    assert [whole.count(one) for one in SENTENCES[:2]] == [1, 1] and whole.count(SENTENCES[2]) <= 1, whole
    assert not whole.endswith(SENTENCES[-1]) and len(whole) > len(SAID) / 2, f"nobody went on: {whole}"
    assert [e["kind"] for e in events].count("answered") == 1
    assert history(user, id)[-len(events) :] == events
    model.script([{"say": "All right."}])
    again = [event for _, event in answer(user, id, "I want to tell you something else")]
    assert said(again) and not any(one in " ".join(said(again)) for one in SENTENCES)


@pytest.mark.parametrize("fault", ["slow", "500", "garbage", "empty"])
def test_a_model_that_does_not_answer_is_answered_for(
    service: ChatService, model: ModelServer, fault: str
) -> None:
    model.script([{"fault": fault, "seconds": 60}])
    user, id = begun(service, f"none-{fault}")
    started = time.monotonic()
    events = [event for _, event in answer(user, id, ASKED)]
    assert time.monotonic() - started < FIRST + 6
    assert len(said(events)) >= 1 and events[-1]["kind"] == "answered"
    history(user, id)


def test_who_is_cut_off_in_the_middle_goes_on_there(service: ChatService, model: ModelServer) -> None:
    model.script([{"say": SAID, "pause": 0.2}])
    user, id = begun(service, "cut-off")
    coming = (event for _, event in answer(user, id, ASKED))
    first = list(islice((e for e in coming), 8))
    assert first[-1]["kind"] == "token"
    coming.close()
    rest = []
    headers = {**user.headers, "Accept": "text/event-stream", "Last-Event-ID": str(first[-1]["number"])}
    url = f"{user.base}/conversations/{id}/events"
    with httpx.stream("GET", url, headers=headers, timeout=90) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                rest.append(json.loads(line[6:]))
                if rest[-1]["kind"] == "answered":
                    break
    whole = first + rest
    assert [e["number"] for e in whole] == list(range(first[0]["number"], rest[-1]["number"] + 1))
    assert said(whole)[-1].endswith(SAID) and history(user, id)[-len(whole) :] == whole


def test_a_server_that_is_killed_in_the_middle_repeats_nothing(
    service: ChatService, model: ModelServer
) -> None:
    model.script([{"say": SAID, "pause": 0.2}, {"say": SAID}])
    user, id = begun(service, "killed")
    before = []
    with pytest.raises(httpx.HTTPError):
        for _, event in answer(user, id, ASKED):
            before.append(event)
            if event["kind"] == "token" and event["text"].strip() == "that.":
                service.server.kill()
    service.server.start()
    deadline = time.monotonic() + 30
    while (events := history(user, id))[-1]["kind"] != "answered":
        assert time.monotonic() < deadline, events
        time.sleep(0.2)
    place = before[0]["number"] - 1
    assert events[place : place + len(before)] == before, "what was shown is as it was"
    whole = " ".join(said(events[place:]))
    assert whole.count(SENTENCES[0]) == 1, whole
