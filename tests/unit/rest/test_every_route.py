"""Every route that there is: safe headers on whatever it answers, and nothing of the world without credentials."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from starlette.routing import Mount, Route, WebSocketRoute

from fhirserver.app.wiring import make_application
from tests.facade import Facade, facade, issues, patient, settings

OPEN = {
    "/healthz": "health",
    "/readyz": "health",
    "/fhir/metadata": "the CapabilityStatement",
    "/console/static": "style sheet and scripts of the console",
    "/console": "the sign-in page",
    "/console/sign-in": "takes a token",
    "/auth/sign-in": "the sign-in page for people whom an app sends",
    "/fhir/.well-known/smart-configuration": "where apps are let in",
    "/.well-known/openid-configuration": "likewise",
    "/.well-known/oauth-authorization-server": "likewise",
    "/auth/jwks": "the public keys",
    "/auth/style": "how apps may look",
}
"""What answers without credentials, and what it is. Whatever joins these must be as empty of the world as they are."""
PUBLIC = {one for one in OPEN if "well-known" in one or one in ("/auth/jwks", "/auth/style")}
"""What caches may keep for all."""
CLOSED = {401, 404, 303}
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}
EDGE = (
    "GET /fhir",
    "GET /fhir/",
    "POST /fhir",
    "GET /fhir/Patient",
    "POST /fhir/Patient",
    "POST /fhir/Patient/_search",
    "GET /fhir/Patient/p",
    "PUT /fhir/Patient/p",
    "PATCH /fhir/Patient/p",
    "DELETE /fhir/Patient/p",
    "GET /fhir/Patient/p/_history",
    "GET /fhir/Patient/p/_history/1",
    "GET /fhir/Patient/p/Observation",
    "GET /fhir/Patient/p/$everything",
    "GET /fhir/_history",
    "GET /fhir/$graphql",
    "GET /fhir/openapi.json",
    "GET /fhir/_async/0123456789abcdef0123456789abcdef",
    "GET /fhir/Binary/x",
    "GET /fhir/no/such/place/at/all",
    "TRACE /fhir/Patient",
    "GET /fhir/metadata",
    "POST /fhir/metadata",
)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Facade]:
    async with facade(tmp_path) as running:
        await running.ehr.put(patient("p"))
        yield running


def routes(tmp_path: Path) -> list[str]:
    """``METHOD path`` of all routes beside FHIR, the parameters of paths filled in."""
    return list(_walk(make_application(settings(tmp_path)).web.routes))


def _walk(found: list[object]) -> Iterator[str]:
    for route in found:
        if isinstance(route, Mount):
            yield f"GET {route.path}/none.css"
            yield f"GET {route.path}/../../settings.py"
        elif isinstance(route, Route):
            path = re.sub(r"{[^}]*}", "x", route.path)
            for method in sorted(route.methods or {"GET"}):
                yield f"{method} {path}"
        elif included := getattr(route, "original_router", None):
            yield from _walk(included.routes)
        else:
            assert isinstance(route, WebSocketRoute), (
                f"a kind of route that this test does not know: {route!r}"
            )


def _is_open(path: str) -> bool:
    return path in OPEN or any(path.startswith(f"{one}/") for one in OPEN if one.endswith("static"))


def _asks_in(line: str, answer: httpx.Response) -> bool:
    """Whether a request is one of those by which apps and people are let in, and was refused for what it lacks."""
    method, _, path = line.partition(" ")
    return path.startswith("/auth/") and (answer.status_code == 400 or method == "OPTIONS")


async def test_nothing_answers_without_credentials(server: Facade, tmp_path: Path) -> None:
    found = [*EDGE, *routes(tmp_path)]
    assert len(found) > 60
    wrong = []
    async with server.browser() as browser:
        for line in found:
            method, _, path = line.partition(" ")
            answer = await browser.request(method, path)
            if not (_is_open(path) or _asks_in(line, answer)) and answer.status_code not in CLOSED | {
                405,
                501,
            }:
                wrong.append((line, answer.status_code))
            assert "Okafor" not in answer.text, line
            if answer.status_code == 303:
                assert answer.headers["location"].startswith(("/console?", "/auth/sign-in")), line
    assert not wrong, "\n".join(map(str, wrong))


async def test_every_answer_has_the_headers(server: Facade, tmp_path: Path) -> None:
    lines = [*EDGE, *routes(tmp_path), "GET /", "GET /none", "PUT /healthz", "GET /console/none"]
    async with server.browser() as browser:
        for token in ("", "token-ehr"):
            for line in lines:
                method, _, path = line.partition(" ")
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                answer = await browser.request(method, path, headers=headers)
                _check(answer, f"{line} with {token or 'no token'}: {answer.status_code}")


def _check(answer: httpx.Response, where: str) -> None:
    for name, value in HEADERS.items():
        assert answer.headers.get_list(name) == [value], (where, name)
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy or policy.startswith("sandbox"), where
    assert "unsafe" not in policy, where
    kept = "no-cache" if "/console/static/" in str(answer.url) else "no-store"
    if answer.url.path in PUBLIC and answer.status_code == 200:
        assert re.fullmatch(r"public, max-age=\d{2,3}", answer.headers["cache-control"]), where
    else:
        assert answer.headers.get_list("cache-control") == [kept], where
    for telling in ("server", "x-powered-by"):
        assert telling not in answer.headers, where
    assert "strict-transport-security" not in answer.headers, where


async def test_signed_in_pages_have_them_too(server: Facade, tmp_path: Path) -> None:
    async with server.browser() as browser:
        await browser.post("/console/sign-in", data={"token": "token-ana"})
        for line in routes(tmp_path):
            method, _, path = line.partition(" ")
            if method == "GET" and path.startswith("/console") and "events" not in path:
                answer = await browser.get(path)
                assert answer.status_code in (200, 404), line
                _check(answer, line)
                if answer.headers.get("content-type", "").startswith("text/html"):
                    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
                    assert "default-src 'self'" in answer.headers["content-security-policy"], line


async def test_strict_transport_security_over_tls_alone(server: Facade) -> None:
    async with httpx.AsyncClient(transport=server.transport, base_url="https://facade.test") as http:
        for path in ("/fhir/metadata", "/fhir/Patient", "/healthz", "/console", "/none"):
            answer = await http.get(path)
            assert answer.headers["strict-transport-security"] == "max-age=31536000", path


@pytest.mark.parametrize("token", ["", "token-ehr", "token-reader"])
async def test_live_calls_are_for_operators(server: Facade, token: str, tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with server.browser() as browser:
        for line in routes(tmp_path):
            method, _, path = line.partition(" ")
            if path.startswith("/live/"):
                answer = await browser.request(method, path, headers=headers)
                assert answer.status_code == (403 if token else 401), line
                assert method == "HEAD" or issues(answer)


async def test_a_fault_beside_fhir_tells_nothing(
    server: Facade, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: object) -> None:
        raise ValueError("Okafor was born in 1970")

    for route in server.application.web.routes:
        if getattr(route, "path", "") == "/healthz":
            monkeypatch.setattr(route, "app", fails)
    transport = httpx.ASGITransport(app=server.application)  # what is raised comes out of it
    async with httpx.AsyncClient(transport=transport, base_url="http://facade.test") as http:
        answer = await http.get("/healthz")
    assert answer.status_code == 500
    _check(answer, "a fault")
    assert "Okafor" not in answer.text + caplog.text
    assert "fault" in caplog.text
