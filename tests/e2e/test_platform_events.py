"""The live event stream of a running server: what is told, to whom, from where on, and how it ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.live.escalation_record import About, audit
from tests.event_stream import Listener, Sse
from tests.server_process import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("events"))) as process:
        yield process


def _visit(id: str, status: str, start: str = "2027-01-04T10:00:00Z") -> dict[str, Any]:
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": status,
        "start": start,
        "end": "2027-01-04T10:20:00Z",
        "participant": [{"actor": {"display": "Dr Secret Name"}, "status": "accepted"}],
    }


def _put(server: ServerProcess, resource: dict[str, Any]) -> None:
    url = f"{server.base}/{resource['resourceType']}/{resource['id']}"
    httpx.put(url, headers=server.headers, json=resource).raise_for_status()


def _listen(server: ServerProcess, **params: str) -> Listener:
    return Listener(f"{server.root}/platform/events", server.headers_of("admin"), params)


def _history(server: ServerProcess, who: str = "admin", **params: str) -> httpx.Response:
    return httpx.get(f"{server.root}/platform/events/history", headers=server.headers_of(who), params=params)


def _all(server: ServerProcess, **params: str) -> list[dict[str, Any]]:
    """Every event in pages of three."""
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = _history(server, limit="3", cursor=cursor, **params).raise_for_status().json()
        found += page["items"]
        cursor = page["next"]
    return found


def test_a_visit_is_told_of_by_its_meaning_with_links_and_without_a_word_of_what_it_says(
    server: ServerProcess,
) -> None:
    listener = _listen(server, types="appointment.*")
    stream = listener.once()
    assert next(stream).event == "heartbeat"
    for status in ("booked", "cancelled"):
        _put(server, _visit("v1", status))
    _put(server, {"resourceType": "Patient", "id": "p1", "birthDate": "1970-01-01"})
    _put(server, _visit("v2", "booked"))
    told = [next(stream) for _ in range(3)]
    assert [one.data["type"] for one in told] == [
        "appointment.booked",
        "appointment.cancelled",
        "appointment.booked",
    ]
    assert [one.data["change"] for one in told] == ["created", "updated", "created"]
    first = told[0].data
    assert first["id"] == told[0].id and first["resource"]["reference"] == "Appointment/v1/_history/1"
    assert "Secret" not in json.dumps(first)
    read = httpx.get(first["resource"]["url"], headers=server.headers).raise_for_status().json()
    assert read["status"] == "booked"
    provenance = httpx.get(first["provenance"]["url"], headers=server.headers).raise_for_status().json()
    assert provenance["target"][0]["reference"] == first["resource"]["reference"]
    assert [one.id for one in told] == sorted(one.id for one in told)


def test_a_stream_goes_on_from_any_event_ever_and_from_a_moment(server: ServerProcess) -> None:
    for number in range(5):
        _put(server, {"resourceType": "HealthcareService", "id": f"b{number}"})
    everything = _all(server, resources="HealthcareService")
    assert [one["resource"]["reference"] for one in everything] == [
        f"HealthcareService/b{n}/_history/1" for n in range(5)
    ]
    for behind in (0, 3):
        listener = _listen(server, resources="HealthcareService")
        listener.last = everything[behind]["id"]
        stream = listener.once()
        next(stream)  # the heartbeat at the beginning
        told = [next(stream).data for _ in range(4 - behind)]
        assert told == everything[behind + 1 :]
    since = _listen(server, since=everything[2]["at"], resources="HealthcareService").once()
    next(since)
    told = [next(since).data["id"] for _ in range(3)]
    assert everything[4]["id"] in told or told == [one["id"] for one in everything[2:5]]
    lines = {"Accept": "application/x-ndjson"}
    headers = {**server.headers_of("admin"), **lines}
    url = f"{server.root}/platform/events?after={everything[3]['id']}&resources=HealthcareService"
    with httpx.stream("GET", url, headers=headers, timeout=20) as response:
        assert response.headers["content-type"].startswith("application/x-ndjson")
        read = response.iter_lines()
        assert json.loads(next(read))["type"] == "heartbeat"
        assert json.loads(next(read)) == everything[4]


@pytest.mark.parametrize(
    "params, headers, status",
    [
        ({"types": "appointment.eaten"}, {}, 422),
        ({"resources": "Dog"}, {}, 422),
        ({"since": "2099-01-01T00:00:00Z"}, {}, 400),
        ({"since": "yesterday"}, {}, 422),
        ({"after": "x"}, {}, 422),
        ({"after": "ffffffffffff.000001"}, {}, 400),
        ({}, {"Last-Event-ID": "17"}, 400),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(
    server: ServerProcess, params: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = httpx.get(
        f"{server.root}/platform/events", params=params, headers={**server.headers_of("admin"), **headers}
    )
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["pointer"]


def test_who_may_not_read_is_told_nothing(server: ServerProcess) -> None:
    assert httpx.get(f"{server.root}/platform/events").status_code == 401
    assert _history(server, "privacy-officer").status_code == 403
    types = httpx.get(f"{server.root}/platform/events/types", headers=server.headers_of("ehr")).json()[
        "items"
    ]
    assert "appointment.booked" in {one["type"] for one in types}


def test_audit_events_are_told_to_nobody_without_the_right_to_them(server: ServerProcess) -> None:
    about = About("", "", {"display": "x"})
    written = audit("listen", "Ada", about, datetime.now(UTC))
    agent = server.headers_of("voice-agent")
    httpx.post(f"{server.base}/AuditEvent", headers=agent, json=written).raise_for_status()
    _put(server, {"resourceType": "Location", "id": "behind"})
    told = [one["resource"]["reference"] for one in _all(server)]
    assert told[-1] == "Location/behind/_history/1"
    assert not [one for one in told if one.startswith("AuditEvent")]


def test_a_key_that_is_revoked_ends_its_stream(server: ServerProcess) -> None:
    admin = server.headers_of("admin")
    made = httpx.post(f"{server.root}/platform/keys", headers=admin, json={"name": "ears", "role": "viewer"})
    key = made.raise_for_status().json()
    listener = Listener(f"{server.root}/platform/events", {"Authorization": f"Bearer {key['key']}"})
    stream = listener.once()
    assert next(stream).event == "heartbeat"
    httpx.delete(f"{server.root}/platform/keys/{key['id']}", headers=admin).raise_for_status()
    assert not [one for one in stream if one.event != "heartbeat"], "it went on"
    with pytest.raises(RuntimeError, match="401"):
        next(listener.once())


def test_a_server_that_stops_ends_the_streams_and_they_go_on_with_the_next(tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        listener = _listen(server, resources="Basic")
        got: list[Sse] = []
        begun = threading.Event()

        def hear() -> None:
            for event in listener.once(60):
                begun.set()
                got.append(event)

        hearing = threading.Thread(target=hear)
        hearing.start()
        assert begun.wait(20)
        server.stop()
        hearing.join(20)
        assert not hearing.is_alive() and listener.drops == 0, "the stream was cut off, not ended"
        server.start()
        _put(server, {"resourceType": "Basic", "id": "later", "code": {"text": "x"}})
        told = next(one for one in listener.once() if one.event == "message")
        assert told.data["resource"]["reference"] == "Basic/later/_history/1"
