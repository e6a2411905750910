"""What webhooks may not do: tell a secret again, reach inside, or be asked to repeat without end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fhirserver.rest.platform import webhooks
from tests.e2e.test_platform_webhooks import Hooks, wait_for
from tests.facade import facade
from tests.server_process import ServerProcess
from tests.subscriber_process import SubscriberProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """With the settings that are shipped, but that plain http is allowed."""
    folder = Path(tmp_path_factory.mktemp("webhook-safety"))
    with ServerProcess(folder, settings="\n[subscriptions]\nallow_http = true\n") as process:
        yield process


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SubscriberProcess]:
    with SubscriberProcess(Path(tmp_path_factory.mktemp("inside"))) as process:
        yield process


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "10.0.0.8",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "100.64.0.1",
        "127.1",
        "2130706433",
    ],
)
def test_an_address_inside_is_refused_when_it_is_named(server: ServerProcess, host: str) -> None:
    with Hooks(server) as hooks:
        made = hooks.client.post(
            "/webhooks", json={"url": "https://hooks.invalid/", "types": ["call.*"]}
        ).json()
        for method, path in (("POST", "/webhooks"), ("PATCH", f"/webhooks/{made['id']}")):
            answer = hooks.client.request(method, path, json={"url": f"http://{host}:8098/hook"})
            assert answer.status_code == 422, (method, answer.text)
            assert answer.json()["errors"][0]["pointer"] == "/url"
        hooks.client.delete(f"/webhooks/{made['id']}").raise_for_status()


def test_a_name_that_leads_inside_is_refused_when_it_is_connected_to(
    server: ServerProcess, receiver: SubscriberProcess
) -> None:
    port = receiver.url.rpartition(":")[2]
    with Hooks(server) as hooks:
        made = hooks.make(f"http://localhost:{port}/named", types=["call.*"])
        hooks.client.post(f"/webhooks/{made['id']}/ping").raise_for_status()
        failed = wait_for(lambda: [one for one in hooks.deliveries(made["id"]) if not one["delivered"]])
        assert "loopback" in failed[0]["reason"] and failed[0]["status"] == 0
        assert "127.0.0.1" not in json.dumps(failed) and not receiver.received("/named")
        hooks.client.delete(f"/webhooks/{made['id']}").raise_for_status()


def test_secrets_are_shown_once_and_stand_nowhere_else(server: ServerProcess) -> None:
    with Hooks(server) as hooks:
        key = hooks.client.post("/keys", json={"name": "Told once", "role": "viewer"}).json()
        again = hooks.client.post(f"/keys/{key['id']}/rotate", json={"overlap_seconds": 60}).json()
        hook = hooks.make("https://hooks.invalid/hook", types=["call.*"])
        other = hooks.client.post(f"/webhooks/{hook['id']}/rotate", json={"overlap_seconds": 60}).json()
        secrets = [key["key"], again["key"], hook["secret"], other["secret"]]
        assert len(set(secrets)) == 4
        parts = [part for one in secrets for part in (one, one.removeprefix("whsec_"), one.split("_")[-1])]
        paths = [
            "keys",
            f"keys/{key['id']}",
            "webhooks",
            f"webhooks/{hook['id']}",
            "events/history?limit=200",
        ]
        paths += [f"webhooks/{hook['id']}/deliveries"]
        told = "".join(hooks.client.get(f"/{path}").raise_for_status().text for path in paths)
        url = f"{server.base}/AuditEvent?_count=500"
        trail = httpx.get(url, headers=server.headers_of("privacy-officer"), timeout=30).raise_for_status()
        everything = [told, trail.text, server.log_tail(10**7)]
        assert not [part for part in parts if any(part in text for text in everything)]
    files = [path for path in server.data.rglob("*") if path.is_file()]
    kept = b"".join(path.read_bytes() for path in files)
    assert len(files) > 2 and not [part for part in parts if part.encode() in kept], "a secret is on disk"


def test_replays_that_wait_are_limited(server: ServerProcess) -> None:
    with Hooks(server) as hooks:
        made = hooks.make("https://hooks.invalid/hook", since="2026-01-01T00:00:00Z")
        url = f"/webhooks/{made['id']}/replay"
        asked = [hooks.client.post(url, json={"since": "2026-01-01T00:00:00Z"}) for _ in range(23)]
        assert [one.status_code for one in asked].count(202) == 20
        assert asked[-1].status_code == 409 and "wait already" in asked[-1].json()["title"]
        ahead = {"after": "ffffffffffff.000001"}
        assert hooks.client.post(url, json=ahead).status_code == 422, "there has been no such event"


async def test_a_span_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "LONGEST_SPAN", 5)
    async with facade(tmp_path) as running:
        for number in range(12):
            await running.ehr.put({"resourceType": "Patient", "id": f"p{number}"})
        root = "http://facade.test/platform"
        headers = {"Authorization": "Bearer token-admin"}
        async with httpx.AsyncClient(transport=running.transport, headers=headers) as http:
            hook = {"url": "https://hooks.invalid/hook", "types": ["call.*"]}
            made = (await http.post(f"{root}/webhooks", json=hook)).json()
            page = (await http.get(f"{root}/events/history?resources=Patient&limit=50")).json()
            ids = [one["id"] for one in page["items"]]
            url = f"{root}/webhooks/{made['id']}/replay"
            whole = await http.post(url, json={"after": ids[0]})
            assert whole.status_code == 422 and whole.json()["errors"][0]["pointer"] == "/until"
            part = await http.post(url, json={"after": ids[0], "until": ids[4]})
            assert part.status_code == 202
