"""Line breaks, dots and foreign hosts in what comes from outside: none reaches a header, a file or a link."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from fhirserver.app.voice.settings import VoiceSettings
from tests.facade import BASE, Facade, facade, patient

EVIL = "x\r\nX-Evil: 1\r\nSet-Cookie: a=b"
QUOTED = "x%0d%0aX-Evil:%201%0d%0aSet-Cookie:%20a=b"


@dataclass(frozen=True)
class Raw:
    """What the application sent, byte for byte."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value.decode("latin-1") for key, value in self.headers if key == name.encode()), "")


async def ask(
    server: Facade, method: str, path: str, token: str = "", body: bytes = b"", **headers: str
) -> Raw:
    """A request whose path is sent as it stands, dots and all."""
    sent: list[Any] = []
    if token:
        headers["authorization"] = f"Bearer token-{token}"
    raw = path.partition("?")[0].encode()
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw.decode()),
        "raw_path": raw,
        "query_string": path.partition("?")[2].encode(),
        "headers": [
            (b"host", b"facade.test"),
            *((name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()),
        ],
        "client": ("203.0.113.7", 1),
        "root_path": "",
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await server.application(scope, receive, send)
    text = b"".join(message.get("body", b"") for message in sent[1:])
    return Raw(sent[0]["status"], list(sent[0]["headers"]), text)


def clean(answer: Raw) -> None:
    """No header is split, and none is there that nobody of us sent."""
    for name, value in answer.headers:
        assert not set(name + value) & set(b"\r\n\0"), (name, value)
        assert name.lower() not in (b"x-evil",)
        assert name.lower() != b"set-cookie" or b"credence_session" in value


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Facade]:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    (tmp_path / "secret.wav").write_bytes(b"RIFF-of-somebody-else")
    (recordings / "c1.wav").write_bytes(b"RIFF")
    async with facade(tmp_path, voice=VoiceSettings(recordings=recordings)) as running:
        await running.ehr.put(patient("p"))
        yield running


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/fhir/Patient/{QUOTED}"),
        ("PUT", f"/fhir/Patient/{QUOTED}"),
        ("GET", f"/fhir/{QUOTED}"),
        ("GET", f"/fhir/Patient/p/_history/{QUOTED}"),
        ("GET", f"/fhir/Patient?_format={QUOTED}"),
        ("GET", f"/fhir/Patient?name={QUOTED}"),
        ("GET", f"/fhir/Patient?_sort={QUOTED}"),
        ("POST", f"/fhir/Patient/{QUOTED}/$meta-add"),
        ("GET", f"/fhir/_async/{QUOTED}"),
        ("GET", f"/recordings/{QUOTED}.wav"),
        ("GET", f"/live/calls/{QUOTED}"),
        ("POST", f"/notify/{QUOTED}"),
        ("POST", f"/webhooks/{QUOTED}"),
        ("GET", f"/console/patient/{QUOTED}"),
        ("GET", f"/console?next=/console/{QUOTED}"),
        ("GET", f"/{QUOTED}"),
    ],
)
async def test_line_breaks_in_addresses(server: Facade, method: str, path: str) -> None:
    for token in ("", "ehr", "ana"):
        answer = await ask(server, method, path, token, b"{}", content_type="application/fhir+json")
        clean(answer)
        assert answer.status < 500


@pytest.mark.parametrize(
    "name", ["x_request_id", "origin", "if_match", "if_none_exist", "prefer", "x_security_context", "accept"]
)
async def test_what_is_echoed_of_headers(server: Facade, name: str) -> None:
    for value in (EVIL, "a\0b", "ä" * 200, "x" * 5000):
        answer = await ask(
            server, "POST", "/fhir/Patient", "ehr", b'{"resourceType":"Patient"}', **{name: value}
        )
        clean(answer)


async def test_line_breaks_in_resources_that_become_headers(server: Facade) -> None:
    data = base64.b64encode(b"<script>alert(1)</script>").decode()
    body = {"resourceType": "Binary", "id": "b", "contentType": f"text/html\r\n{EVIL}", "data": data}
    stored = await server.ehr.put(body)
    if stored.status_code in (200, 201):
        answer = await ask(server, "GET", "/fhir/Binary/b", "ehr", accept="*/*")
        clean(answer)
        assert answer.header("content-type") == "application/octet-stream"
    context = {"reference": f"Patient/p\r\n{EVIL}"}
    body = {
        "resourceType": "Binary",
        "id": "c",
        "contentType": "text/html",
        "securityContext": context,
        "data": data,
    }
    if (await server.ehr.put(body)).status_code in (200, 201):
        answer = await ask(server, "GET", "/fhir/Binary/c", "ehr", accept="text/html")
        clean(answer)
        assert answer.header("content-disposition").startswith("attachment")
        assert answer.header("content-security-policy").startswith("sandbox")


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/console",
        "/console/..//evil.example",
        "/console\r\nX-Evil: 1",
        "/consoleevil",
        "/console/%0d%0aX-Evil:1",
        "/console?next=//evil.example",
        "javascript:alert(1)",
    ],
)
async def test_after_signing_in_nobody_is_led_elsewhere(server: Facade, place: str) -> None:
    async with server.browser() as browser:
        answer = await browser.post("/console/sign-in", data={"token": "token-ana", "next": place})
    assert answer.status_code == 303
    target = httpx.URL("http://facade.test/console").join(answer.headers["location"])
    assert (target.host, target.path.startswith("/console")) == (
        "facade.test",
        True,
    ) or "evil" not in target.host
    assert target.host == "facade.test"
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "/recordings/../secret.wav",
        "/recordings/..%2fsecret.wav",
        "/recordings/%2e%2e%2fsecret.wav",
        "/recordings/..%5csecret.wav",
        "/recordings/%2fetc%2fpasswd.wav",
        "/recordings/c1.wav%00.wav",
        "/console/static/../../secret.wav",
        "/console/static/..%2f..%2fdesk.py",
        "/console/static/%2e%2e/desk.py",
        "/console/static//etc/passwd",
        "/console/calls/..%2f..%2fsecret/sound",
        "/fhir/Patient/..%2f..%2fsecret",
        "/fhir/../console/static/../desk.py",
        "/fhir/_async/..%2f..%2fsecret",
    ],
)
async def test_no_path_leads_out(server: Facade, path: str) -> None:
    for token in ("", "ana", "admin"):
        answer = await ask(server, "GET", path, token)
        assert answer.status in (303, 400, 401, 403, 404), (path, answer.status)
        assert b"RIFF" not in answer.body
        assert b"root:" not in answer.body
        assert b"import" not in answer.body


async def test_links_are_ours_whatever_host_was_asked(server: Facade) -> None:
    foreign = {
        "x_forwarded_host": "evil.example",
        "forwarded": "host=evil.example",
        "x_original_url": "/evil",
    }
    for path in ("/fhir/Patient", "/fhir/Patient/p", "/fhir/metadata", "/fhir/Patient/p/_history"):
        answer = await ask(server, "GET", path, "ehr", **foreign)
        assert answer.status == 200
        assert b"evil.example" not in answer.body
    created = await server.ehr.post({"resourceType": "Patient"}, host="evil.example")
    assert created.headers["location"].startswith(BASE)
