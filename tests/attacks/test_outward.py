"""What the server is made to ask for: nothing inside, however it is written and wherever it stands."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from fhirserver.kernel.json import dumps
from tests.attacks.people import assertion
from tests.attacks.trail import Trail
from tests.attacks.wire import Answer, Wire
from tests.attacks.world import ALLOWED, EC, wire
from tests.server_process import ServerProcess

pytestmark = pytest.mark.xdist_group("attacks")

HOSTS = (
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "0",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "017700000001",
    "0177.0.0.1",
    "127.000.000.001",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fd00:ec2::254]",
    "169.254.169.254",
    "[::ffff:169.254.169.254]",
    "2852039166",
    "100.100.100.200",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
)
FORMS = (
    "http://user@{inside}/",
    "http://user:pass@{inside}/",
    "ftp://{inside}/",
    "file:///etc/passwd",
    "gopher://{inside}/_x",
    "dict://{inside}/x",
    "unix:///var/run/docker.sock",
    "javascript:alert(1)",
    "//{inside}/",
    "http:{inside}/",
    "http:///{inside}/",
    "http://{inside}\\@example.org/",
    "http://example.org@{inside}/",
    "http://{inside}#@example.org/",
    " http://{inside}/",
    "http://{inside}/\r\nX: 1",
    "http://127.0.0.1:22/",
    "http://127.0.0.1:6379/",
    "",
)


class Canary:
    """Something inside, on every address of the machine: whoever connects to it is counted."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._sockets = [socket.create_server(("127.0.0.1", 0))]
        self.port = int(self._sockets[0].getsockname()[1])
        with suppress(OSError):
            self._sockets.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        for one in self._sockets:
            threading.Thread(target=self._listen, args=(one,), daemon=True).start()

    def _listen(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, address = listening.accept()
                self.heard.append(str(address))
                connection.close()

    def close(self) -> None:
        for one in self._sockets:
            one.close()


class Publisher:
    """Where keys are published, at the address that is allowed: as a set, or by a redirect to what is inside."""

    def __init__(self, inside: int):
        self._socket = socket.create_server((ALLOWED, 0))
        self.port = int(self._socket.getsockname()[1])
        self._inside, self.asked = inside, 0
        self._keys = dumps({"keys": [EC.as_dict(private=False)]})
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    path = connection.recv(65536).split(b" ")[1].decode()
                    self.asked += 1
                    connection.sendall(self._answer(path))

    def _answer(self, path: str) -> bytes:
        if path == "/keys":
            head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(self._keys)}\r\nconnection: close\r\n\r\n"
            return head.encode() + self._keys
        status = path.strip("/")[:3]
        where = (
            f"http://127.0.0.1:{self._inside}/" if not path.endswith("meta") else "http://169.254.169.254/"
        )
        return f"HTTP/1.1 {status} x\r\nlocation: {where}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    made = Canary()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def nothing_inside_was_asked(canary: Canary) -> Iterator[None]:
    before = len(canary.heard)
    yield
    assert len(canary.heard) == before, canary.heard[before:]


def registered(server: ServerProcess, url: str) -> Answer:
    sent = {
        "client_name": "Mine",
        "redirect_uris": ["https://mine.example/cb"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": url,
    }
    return Wire(server.port)("POST", "/auth/register", sent, content_type="application/json")


def proved(server: ServerProcess, client: str) -> Answer:
    """A client with keys asks for a token: now they are fetched."""
    form = {
        "grant_type": "authorization_code",
        "code": "x",
        "redirect_uri": "https://mine.example/cb",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(server, client, EC),
    }
    return Wire(server.port).form("/auth/token", form)


def test_no_host_inside_is_asked_for_keys(server: ServerProcess, trail: Trail, canary: Canary) -> None:
    for host in HOSTS:
        for url in (f"http://{host}:{canary.port}/keys", f"https://{host}/keys"):
            answer = registered(server, url)
            if answer.status == 400:
                trail.refused(answer, 400, "invalid_client_metadata")
                continue
            assert answer.status == 201, (url, answer)
            later = proved(server, answer.json()["client_id"])
            trail.refused(later, 401, "invalid_client")
            assert "127.0.0.1" not in later.text and "::1" not in later.text, (
                "what a name stands for is not told"
            )


def test_no_form_of_an_address_is_asked_for_keys(server: ServerProcess, trail: Trail, canary: Canary) -> None:
    for form in FORMS:
        answer = registered(server, form.format(inside=f"127.0.0.1:{canary.port}"))
        trail.refused(answer, 400, "invalid_client_metadata")


@pytest.mark.parametrize("path", ["301", "302", "303", "307", "308", "302meta"])
def test_no_redirect_is_followed_inside(
    server: ServerProcess, trail: Trail, canary: Canary, path: str
) -> None:
    publisher = Publisher(canary.port)
    try:
        good = registered(server, f"http://{ALLOWED}:{publisher.port}/keys")
        trail.refused(proved(server, good.json()["client_id"]), 400, "invalid_grant")
        assert publisher.asked == 1, "that way it would work: only the code is wrong"
        sent = registered(server, f"http://{ALLOWED}:{publisher.port}/{path}")
        trail.refused(proved(server, sent.json()["client_id"]), 401, "invalid_client")
        assert publisher.asked == 2
    finally:
        publisher.close()


def subscription(url: str, kind: str = "rest-hook", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "x",
        "criteria": "Patient?active=true",
        "channel": {"type": kind, "endpoint": url, "payload": "application/fhir+json", **more},
    }


def test_no_notification_goes_inside(server: ServerProcess, trail: Trail, canary: Canary) -> None:
    eve = wire(server, "eve")
    inside = f"127.0.0.1:{canary.port}"
    urls = [f"http://{host}:{canary.port}/hook" for host in HOSTS] + [
        form.format(inside=inside) for form in FORMS
    ]
    for url in urls:
        for kind in ("rest-hook", "message"):
            answer = eve("POST", "/fhir/Subscription", subscription(url, kind))
            if answer.status == 201:
                trail.seen(answer, "eve")
            else:
                assert answer.status in (400, 422), answer
                trail.noted(answer, f"{answer.status} {answer.error}", "eve")
    lines = eve(
        "POST", "/fhir/Subscription", subscription("https://example.org/x", header=["X: 1\r\nHost: evil"])
    )
    assert lines.status in (400, 422), lines
    trail.noted(lines, f"{lines.status} {lines.error}", "eve")
    eve("POST", "/fhir/Patient", {"resourceType": "Patient", "active": True})
    time.sleep(1.5)


def test_no_address_in_a_resource_or_question_is_asked(
    server: ServerProcess, trail: Trail, canary: Canary
) -> None:
    """Links, profiles, value sets, attachments, references to other servers: all are texts."""
    eve, url = wire(server, "eve"), f"http://127.0.0.1:{canary.port}/fhir"
    written = {
        "resourceType": "DocumentReference",
        "status": "current",
        "meta": {"profile": [f"{url}/StructureDefinition/x"], "source": url},
        "implicitRules": url,
        "subject": {"reference": f"{url}/Patient/x"},
        "content": [{"attachment": {"url": f"{url}/Binary/x"}}],
        "extension": [{"url": f"{url}/extension", "valueUri": url}],
    }
    made = eve("POST", "/fhir/DocumentReference", written)
    assert made.status == 201, made
    trail.seen(made, "eve")
    id = made.header("location").split("/DocumentReference/")[1].partition("/")[0]
    questions: list[tuple[str, str, Any]] = [
        ("GET", f"DocumentReference/{id}", None),
        ("GET", f"DocumentReference?_id={id}&_include=*&_revinclude=*", None),
        ("GET", f"DocumentReference?subject={url}/Patient/x", None),
        ("GET", f"DocumentReference?subject.name=x&_id={id}", None),
        ("GET", f"DocumentReference?type:in={url}/ValueSet/x", None),
        ("GET", f"DocumentReference?_profile={url}/x&_source={url}", None),
        ("GET", f"DocumentReference/{id}/$graphql?query={{subject{{resource{{id}}}}}}", None),
        ("GET", f"DocumentReference/{id}/$validate?profile={url}/StructureDefinition/x", None),
        ("GET", f"ValueSet/$expand?url={url}/ValueSet/x", None),
        ("GET", f"ValueSet/$validate-code?url={url}/ValueSet/x&code=x&system={url}", None),
        ("GET", f"CodeSystem/$lookup?system={url}/CodeSystem/x&code=x", None),
        ("GET", f"$diff?from={url}/Patient/x&to={url}/Patient/y", None),
        ("POST", "$validate", written),
        ("POST", "", _transaction(url)),
        (
            "POST",
            "Binary",
            {
                "resourceType": "Binary",
                "contentType": "text/plain",
                "securityContext": {"reference": f"{url}/Patient/x"},
            },
        ),
        ("POST", "Endpoint", _endpoint(url)),
    ]
    for method, path, body in questions:
        answer = eve(method, f"/fhir/{path}", body)
        assert answer.status < 500, answer
        if answer.status >= 400:
            trail.noted(answer, f"{answer.status} {answer.error}", "eve")
        else:
            trail.seen(answer, "eve")


def _transaction(url: str) -> dict[str, Any]:
    entry = {"fullUrl": f"{url}/Patient/x", "request": {"method": "GET", "url": f"{url}/Patient/x"}}
    return {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [entry],
        "link": [{"relation": "next", "url": url}],
    }


def _endpoint(url: str) -> dict[str, Any]:
    return {
        "resourceType": "Endpoint",
        "status": "active",
        "connectionType": {
            "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
            "code": "hl7-fhir-rest",
        },
        "payloadType": [{"text": "any"}],
        "address": url,
    }


def test_an_authorization_request_is_fetched_from_nowhere(
    server: ServerProcess, trail: Trail, canary: Canary
) -> None:
    url = f"http://127.0.0.1:{canary.port}"
    answer = Wire(server.port).get(
        f"/auth/authorize?client_id=x&request_uri={url}/r&redirect_uri={url}/cb&logo_uri={url}"
    )
    assert answer.status == 400, answer
    trail.noted(answer, "400 invalid_request")
    for member in ("logo_uri", "client_uri", "policy_uri", "tos_uri", "sector_identifier_uri"):
        sent = {
            "client_name": "Mine",
            "redirect_uris": ["https://mine.example/cb"],
            "token_endpoint_auth_method": "none",
        }
        made = Wire(server.port)(
            "POST", "/auth/register", {**sent, member: f"{url}/x"}, content_type="application/json"
        )
        trail.noted(made, "" if made.status == 201 else f"{made.status} {made.error}")
