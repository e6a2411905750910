"""Webhooks of a running server, with a receiver in a process of its own that verifies signatures and misbehaves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.server_process import ServerProcess
from tests.subscriber_process import Received, SubscriberProcess

SETTINGS = "\n[subscriptions]\nallow_private = true\nallow_http = true\nretry_cap_seconds = 0.5\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(Path(tmp_path_factory.mktemp("webhooks")), settings=SETTINGS) as process:
        yield process


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubscriberProcess]:
    with SubscriberProcess(Path(tmp_path_factory.mktemp("receiver"))) as process:
        yield process


def wait_for(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)
    return found


class Hooks:
    """The API as an administrator uses it."""

    def __init__(self, server: ServerProcess):
        headers = server.headers_of("admin") | {"Content-Type": "application/json"}
        self.client = httpx.Client(base_url=f"{server.root}/platform", headers=headers, timeout=20)
        self._server = server

    def __enter__(self) -> Hooks:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def make(self, url: str, **more: Any) -> dict[str, Any]:
        answer = self.client.post("/webhooks", json={"url": url, **more})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def read(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"/webhooks/{id}").raise_for_status().json()
        return found

    def deliveries(self, id: str, **params: Any) -> list[dict[str, Any]]:
        page = self.client.get(f"/webhooks/{id}/deliveries", params=params).raise_for_status().json()
        found: list[dict[str, Any]] = page["items"]
        return found

    def service(self, id: str, **more: Any) -> None:
        body = {"resourceType": "HealthcareService", "id": id, **more}
        url = f"{self._server.base}/HealthcareService/{id}"
        httpx.put(url, headers=self._server.headers, json=body).raise_for_status()


@pytest.fixture(scope="module")
def hooks(server: ServerProcess) -> Iterator[Hooks]:
    with Hooks(server) as made:
        yield made


def taken(receiver: SubscriberProcess, path: str) -> list[Received]:
    return [one for one in receiver.received(path) if 200 <= one.status < 300]


def told(found: list[Received]) -> list[str]:
    return [one.json["data"].get("resource", {}).get("reference", "").split("/")[1] for one in found]


def test_an_event_is_sent_signed_by_the_standard_and_says_nothing_but_links(
    hooks: Hooks, receiver: SubscriberProcess
) -> None:
    made = hooks.make(f"{receiver.url}/signed", resources=["HealthcareService"])
    receiver.fault("verify", path="/signed", secrets=[made["secret"]])
    hooks.service("s1", name="Dr Secret Name", comment="words")
    (sent,) = wait_for(lambda: receiver.received("/signed"))
    assert sent.status == 204, "the receiver did not take the signature"
    assert sent.json["type"] == "resource.created" and sent.json["data"]["id"] == sent.headers["webhook-id"]
    assert b"Secret" not in sent.body and b"words" not in sent.body
    forged = sent.body.replace(b"created", b"deleted")
    with pytest.raises(WebhookVerificationError):
        Webhook(made["secret"]).verify(forged, dict(sent.headers))
    assert not [name for name in sent.headers if name.startswith("x-credence")]
    assert "secret" not in hooks.read(made["id"])
    (attempt,) = wait_for(lambda: hooks.deliveries(made["id"]))
    assert attempt["status"] == 204 and attempt["delivered"] and attempt["latency"] >= 0
    assert set(attempt) == {
        *("at", "event", "type", "number", "status", "latency", "delivered", "reason", "replay")
    }


def test_types_conditions_and_a_moment_choose_what_is_sent(hooks: Hooks, receiver: SubscriberProcess) -> None:
    hooks.service("c0", active=True)
    made = hooks.make(
        f"{receiver.url}/chosen",
        types=["resource.created", "resource.updated"],
        resources=["HealthcareService"],
        condition="active = true and (%previous.empty() or %previous.active = false)",
        since="2026-01-01T00:00:00Z",
    )
    hooks.service("c1", active=False)
    hooks.service("c1", active=True)
    hooks.service("c1", active=True, name="no news")
    hooks.service("c2", active=True)
    wait_for(lambda: "c2" in told(taken(receiver, "/chosen")))
    assert [one for one in told(taken(receiver, "/chosen")) if one[0] == "c"] == ["c0", "c1", "c2"]
    hooks.client.delete(f"/webhooks/{made['id']}").raise_for_status()
    hooks.service("c3", active=True)
    assert hooks.client.get(f"/webhooks/{made['id']}").status_code == 404


def test_what_fails_is_tried_again_and_the_order_is_kept(hooks: Hooks, receiver: SubscriberProcess) -> None:
    made = hooks.make(f"{receiver.url}/order", resources=["HealthcareService"])
    for kind in ("drop", "garbage", "redirect"):
        more = {"location": "http://127.0.0.1/"} if kind == "redirect" else {}
        receiver.fault(kind, path="/order", times=1, **more)
    receiver.fault("status", path="/order", times=2, status=503)
    names = [f"o{number}" for number in range(8)]
    for name in names:
        hooks.service(name)
    wait_for(lambda: list(dict.fromkeys(told(taken(receiver, "/order")))) == names)
    wait_for(lambda: hooks.read(made["id"])["delivered"] == len(names))
    log = hooks.deliveries(made["id"], limit=100)
    failed = [one for one in log if not one["delivered"]]
    assert len(failed) == 5 and len({one["event"] for one in failed}) == 1
    assert sorted(one["number"] for one in failed) == [1, 2, 3, 4, 5]
    assert hooks.read(made["id"])["failures"] == 0 and hooks.read(made["id"])["status"] == "active"
    pages: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = hooks.client.get(
            f"/webhooks/{made['id']}/deliveries", params={"limit": 3, "cursor": cursor}
        ).json()
        pages += page["items"]
        cursor = page.get("next")
    assert pages == log


def test_a_receiver_that_is_gone_is_disabled_and_comes_back_without_a_loss(
    hooks: Hooks, receiver: SubscriberProcess
) -> None:
    made = hooks.make(f"{receiver.url}/gone", resources=["HealthcareService"])
    receiver.fault("status", path="/gone", status=410)
    hooks.service("g1")
    off = wait_for(lambda: (now := hooks.read(made["id"]))["status"] == "disabled" and now)
    assert "gone" in off["reason"]
    assert hooks.client.post(f"/webhooks/{made['id']}/ping").status_code == 409
    hooks.service("g2")
    receiver.fault("status", path="/gone", status=200)
    hooks.client.patch(f"/webhooks/{made['id']}", json={"status": "active"}).raise_for_status()
    wait_for(lambda: told(taken(receiver, "/gone")) == ["g1", "g2"])


def test_two_secrets_count_while_one_takes_over(hooks: Hooks, receiver: SubscriberProcess) -> None:
    made = hooks.make(f"{receiver.url}/rotated", resources=["HealthcareService"])
    body = {"overlap_seconds": 600}
    shown = hooks.client.post(f"/webhooks/{made['id']}/rotate", json=body).raise_for_status().json()
    assert shown["secret"] != made["secret"] and shown["overlap"]

    def signed_with(name: str) -> tuple[bool, bool]:
        hooks.service(name)
        (sent,) = wait_for(lambda: [one for one in taken(receiver, "/rotated") if name in told([one])])
        return _fits(shown["secret"], sent), _fits(made["secret"], sent)

    wait_for(lambda: signed_with(f"r{time.monotonic_ns()}") == (True, True), 20)
    again = hooks.client.post(f"/webhooks/{made['id']}/rotate", json={"overlap_seconds": 0}).json()
    assert again.get("overlap") is None
    wait_for(lambda: signed_with(f"r{time.monotonic_ns()}") == (False, False), 20)


def _fits(secret: str, sent: Received) -> bool:
    try:
        Webhook(secret).verify(sent.body, dict(sent.headers))
    except WebhookVerificationError:
        return False
    return True


def test_a_ping_and_replays_have_their_ids(hooks: Hooks, receiver: SubscriberProcess) -> None:
    made = hooks.make(f"{receiver.url}/again", resources=["HealthcareService"])
    asked = hooks.client.post(f"/webhooks/{made['id']}/ping").raise_for_status().json()
    (sent,) = wait_for(lambda: taken(receiver, "/again"))
    assert sent.json["type"] == "webhook.ping" and sent.headers["webhook-id"] == asked["id"]
    for number in range(30):
        hooks.service(f"a{number}")
    wait_for(lambda: len(taken(receiver, "/again")) == 31)
    ids = [one.headers["webhook-id"] for one in taken(receiver, "/again")][1:]
    url = f"/webhooks/{made['id']}/replay"
    hooks.client.post(url, json={"event": ids[7]}).raise_for_status()
    wait_for(lambda: len(taken(receiver, "/again")) == 32)
    assert taken(receiver, "/again")[-1].headers["webhook-id"] == ids[7]
    hooks.client.post(url, json={"after": ids[2], "until": ids[28]}).raise_for_status()
    wait_for(lambda: len(taken(receiver, "/again")) == 58)
    replayed = [one.headers["webhook-id"] for one in taken(receiver, "/again")][32:]
    assert replayed == ids[3:29]
    wait_for(lambda: sum(one["replay"] for one in hooks.deliveries(made["id"], limit=200)) == 28)
    for wrong in ({}, {"event": "ffffffffffff.000001"}, {"after": ids[0], "event": ids[1]}, {"event": "x"}):
        assert hooks.client.post(url, json=wrong).status_code == 422, wrong


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({"url": "ftp://example.org"}, "/url"),
        ({"url": "http://user:word@127.0.0.1/"}, "/url"),
        ({"url": "http://127.0.0.1:22/"}, "/url"),
        ({"url": "http://127.0.0.1/", "types": ["dog.bark"]}, "/types"),
        ({"url": "http://127.0.0.1/", "resources": ["Dog"]}, "/resources"),
        ({"url": "http://127.0.0.1/", "condition": "status = "}, "/condition"),
        ({"url": "http://127.0.0.1/", "colour": "red"}, "/colour"),
    ],
)
def test_what_cannot_be_served_is_refused_with_its_place(
    hooks: Hooks, body: dict[str, Any], pointer: str
) -> None:
    answer = hooks.client.post("/webhooks", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_only_who_configures_sees_them_and_changes_meet_their_etag(
    hooks: Hooks, server: ServerProcess, receiver: SubscriberProcess
) -> None:
    assert httpx.get(f"{server.root}/platform/webhooks", headers=server.headers_of("ehr")).status_code == 403
    made = hooks.make(f"{receiver.url}/tagged", types=["call.*"])
    url = f"/webhooks/{made['id']}"
    etag = hooks.client.get(url).headers["etag"]
    change = {"status": "paused", "description": "for a while"}
    first = hooks.client.patch(url, json=change, headers={"If-Match": etag})
    assert first.status_code == 200 and first.json()["status"] == "paused"
    assert hooks.client.patch(url, json=change, headers={"If-Match": etag}).status_code == 412
    assert made["id"] in {one["id"] for one in hooks.client.get("/webhooks").json()["items"]}


def test_what_was_sent_is_in_the_audit(
    hooks: Hooks, server: ServerProcess, receiver: SubscriberProcess
) -> None:
    hooks.make(f"{receiver.url}/audited", resources=["HealthcareService"])
    hooks.service("audited-1")
    wait_for(lambda: taken(receiver, "/audited"))
    url = f"{server.base}/AuditEvent?subtype=notification&_count=50&_sort=-date"

    def noted() -> bool:
        found = httpx.get(url, headers=server.headers_of("privacy-officer")).raise_for_status().json()
        return "HealthcareService/audited-1" in json.dumps(found)

    wait_for(noted, 20)


def test_nothing_is_lost_when_the_server_is_killed_again_and_again(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path / "server", settings=SETTINGS) as server,
        SubscriberProcess(tmp_path / "receiver") as receiver,
        Hooks(server) as hooks,
    ):
        made = hooks.make(f"{receiver.url}/hook", resources=["HealthcareService"])
        receiver.fault("verify", path="/hook", secrets=[made["secret"]])
        names = [f"k{number}" for number in range(60)]
        for number, name in enumerate(names):
            hooks.service(name)
            if number in (15, 30, 45):
                server.kill()
                server.start()
        wait_for(lambda: names[-1] in told(taken(receiver, "/hook")))
        found = taken(receiver, "/hook")
        once = list(dict.fromkeys(one.headers["webhook-id"] for one in found))
        first = {one.headers["webhook-id"]: told([one])[0] for one in reversed(found)}
        assert [first[id] for id in once] == names, "an event was lost, or came out of order"
        assert once == sorted(once)
        bodies = {(one.headers["webhook-id"], one.body) for one in found}
        assert len(bodies) == len(names), "an event came again with another id or body"
        assert not [one for one in receiver.received("/hook") if one.status == 401]
