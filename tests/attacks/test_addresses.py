"""Addresses, headers and the borders of requests, byte by byte as no library would send them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.people import Person, query
from tests.attacks.trail import Trail
from tests.attacks.wire import Answer, Wire
from tests.attacks.world import TOKENS, wire
from tests.server_process import ServerProcess

pytestmark = pytest.mark.xdist_group("attacks")

SPLIT = "x%0d%0aX-Evil:%201%0d%0aSet-Cookie:%20a=b"
OUT = (
    "..",
    "%2e%2e",
    "%2E%2E",
    ".%2e",
    "%252e%252e",
    "%c0%ae%c0%ae",
    "%u002e%u002e",
    "....",
    "..;",
    "..%00",
    "..%5c",
    "..\\",
)
UP = tuple(f"{step}{slash}" for step in OUT for slash in ("/", "%2f", "%252f", "%5c"))
TARGETS = ("etc/passwd", "credence.toml", "data/server.key", "fhirserver/app/wiring.py")
FOREIGN = "evil.example"


def clean(answer: Answer) -> None:
    """No header is split, and nothing of a file or a fault is told."""
    for name, value in answer.headers:
        assert name.lower() not in ("x-evil",), answer
        assert name.lower() != "set-cookie" or "a=b" not in value, answer
        assert FOREIGN not in value, answer
    for told in ("root:x:", "Traceback", "token_sha256", "import asyncio", "site-packages"):
        assert told not in answer.text, answer
    assert answer.status < 500, answer


def noted(trail: Trail, answer: Answer) -> None:
    trail.noted(answer, f"{answer.status} {answer.error}".strip())


@pytest.fixture
def asking(server: ServerProcess) -> Iterator[Wire]:
    one = wire(server, "eve")
    yield one
    one.close()


PLACES = (
    "/fhir/{}",
    "/fhir/Patient/{}",
    "/fhir/Patient/{}/_history/1",
    "/fhir/Patient/p/{}",
    "/fhir/_async/{}",
    "/recordings/{}.wav",
    "/recordings/{}",
    "/console/static/{}",
    "/auth/static/{}",
    "/auth/register/{}",
    "/live/calls/{}",
    "/notify/{}",
    "/webhooks/{}",
    "/.well-known/{}",
    "/{}",
)


@pytest.mark.parametrize("place", PLACES)
def test_no_path_leads_out(asking: Wire, trail: Trail, place: str) -> None:
    method = "POST" if place.startswith(("/notify", "/webhooks")) else "GET"
    for number, step in enumerate(UP):
        answer = asking(method, place.format(step * 6 + TARGETS[number % len(TARGETS)]))
        clean(answer)
        assert answer.status in (303, 400, 401, 403, 404, 405), answer
        if answer.status >= 400:
            noted(trail, answer)
    for tail in ("%00", "x%00.html", "%", "%zz", "%ff%fe", "x%2fy", "a;b=c", "CON", "~root", "x" * 5000):
        answer = asking(method, place.format(tail))
        clean(answer)
        assert answer.status in (303, 400, 401, 403, 404, 405, 414), answer
        if answer.status >= 400:
            noted(trail, answer)


@pytest.mark.parametrize(
    "path",
    [
        "/fhir/../console/patients",
        "/fhir/..%2fconsole/patients",
        "//fhir/Patient/p",
        "/fhir//Patient/p",
        "/fhir/Patient//p",
        "/fhir/Patient/p//",
        "/fhir;x/Patient/p",
        "/FHIR/Patient/p",
        "/fhir%2fPatient/p",
        "/%66hir/Patient/p",
        "/fhir/%50atient/p",
        "/fhirx/Patient",
        "/fhir\\Patient",
        "/healthz/../fhir/Patient",
        "/console/static/../patients",
        "/console/static/..%2fpatients",
        "/metrics/",
        "/metrics%00",
        "/live//calls",
        "http://evil.example/fhir/Patient/p",
        "*",
    ],
)
def test_no_spelling_of_an_address_goes_round_the_door(
    server: ServerProcess, trail: Trail, path: str
) -> None:
    """Without a token nothing but what is open to all is answered, however it is spelled."""
    answer = Wire(server.port).get(path)
    clean(answer)
    assert answer.status in (303, 400, 401, 404), answer
    if answer.status >= 400:
        noted(trail, answer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/fhir/Patient/{SPLIT}"),
        ("PUT", f"/fhir/Patient/{SPLIT}"),
        ("DELETE", f"/fhir/Patient/{SPLIT}"),
        ("GET", f"/fhir/{SPLIT}"),
        ("GET", f"/fhir/Patient/p/_history/{SPLIT}"),
        ("GET", f"/fhir/Patient?_format={SPLIT}"),
        ("GET", f"/fhir/Patient?_sort={SPLIT}"),
        ("GET", f"/fhir/Patient?_cursor={SPLIT}"),
        ("GET", f"/fhir/Patient?{SPLIT}=1"),
        ("POST", f"/fhir/Patient/p/${SPLIT}"),
        ("GET", f"/fhir/_async/{SPLIT}"),
        ("GET", f"/recordings/{SPLIT}.wav"),
        ("GET", f"/live/calls/{SPLIT}"),
        ("POST", f"/notify/{SPLIT}"),
        ("POST", f"/webhooks/{SPLIT}"),
        ("GET", f"/auth/register/{SPLIT}"),
        ("GET", f"/auth/continue?flow={SPLIT}"),
        ("GET", f"/auth/authorize?client_id=app&redirect_uri=https://app.example/cb{SPLIT}"),
        ("GET", f"/{SPLIT}"),
    ],
)
def test_line_breaks_in_addresses_are_no_headers(asking: Wire, trail: Trail, method: str, path: str) -> None:
    answer = asking(method, path, "{}" if method in ("PUT", "POST") else None)
    clean(answer)
    assert answer.status >= 400, answer
    noted(trail, answer)


def test_line_breaks_in_what_is_sent_back(server: ServerProcess, asking: Wire, trail: Trail) -> None:
    for place in (
        "/console?next=/console/" + SPLIT,
        "/console/sign-in?wrong=" + SPLIT,
        "/auth/sign-in?wrong=" + SPLIT,
    ):
        clean(asking.get(place))
    signed = Wire(server.port).form(
        "/console/sign-in", {"token": TOKENS["desk"], "next": "/console\r\nX-Evil: 1"}
    )
    clean(signed)
    assert signed.header("location") == "/console"
    person = Person(server, "pat")
    answer = person.authorize(
        person.request(state="x\r\nX-Evil: 1\r\nSet-Cookie: a=b", scope="x\r\nX-Evil: 1")
    )
    clean(answer)
    assert query(answer.header("location"))["state"].startswith("x\r\n"), "it is sent back as it came"
    noted(trail, answer) if answer.error else trail.noted(answer, "400 invalid_scope")
    body = {"resourceType": "Binary", "contentType": "text/html\r\nX-Evil: 1", "data": "PGI+"}
    made = asking("POST", "/fhir/Binary", body)
    clean(made)
    if made.status == 201:
        clean(asking.get(made.header("location").removeprefix(server.root), accept="*/*"))
    for name in (
        "x_request_id",
        "prefer",
        "if_match",
        "if_none_exist",
        "x_security_context",
        "accept",
        "origin",
    ):
        for value in ("x\tX-Evil: 1", "ä" * 100, "x" * 3000, '"><script>'):
            clean(asking("POST", "/fhir/Patient", {"resourceType": "Patient"}, **{name: value}))


@pytest.mark.parametrize(
    "path", ["Patient", "Patient?_count=1", "metadata", "_history?_count=1", "Patient/$everything?_count=1"]
)
def test_links_are_ours_whatever_host_is_said(server: ServerProcess, path: str) -> None:
    ehr = wire(server, "ehr")
    for headers in (
        {"host": FOREIGN},
        {"host": f"{FOREIGN}:1"},
        {"host": f"127.0.0.1:{server.port}@{FOREIGN}"},
        {"x_forwarded_host": FOREIGN, "x_forwarded_proto": "https", "x_forwarded_prefix": f"//{FOREIGN}"},
        {"forwarded": f"host={FOREIGN};proto=https"},
        {"x_original_url": f"/{FOREIGN}", "x_rewrite_url": f"/{FOREIGN}"},
    ):
        answer = ehr.get(f"/fhir/{path}", **headers)
        assert answer.status == 200 and FOREIGN not in answer.text, answer
        clean(answer)
    created = ehr(
        "POST", "/fhir/Patient", {"resourceType": "Patient"}, host=FOREIGN, x_forwarded_host=FOREIGN
    )
    assert created.header("location").startswith(server.base), created
    told = ehr.get("/fhir/.well-known/smart-configuration", host=FOREIGN, x_forwarded_host=FOREIGN)
    assert FOREIGN not in told.text
    ehr.close()


def test_who_asks_is_who_connects(server: ServerProcess, trail: Trail) -> None:
    """A stranger's word about addresses counts for nothing: not for the trail, not for what is open to this machine."""
    for headers in (
        {"x_forwarded_for": "203.0.113.9"},
        {"x_forwarded_for": "127.0.0.1, 203.0.113.9"},
        {"forwarded": "for=203.0.113.9"},
        {"x_real_ip": "203.0.113.9", "true_client_ip": "203.0.113.9", "x_client_ip": "203.0.113.9"},
    ):
        answer = Wire(server.port).get("/fhir/Patient", **headers)
        trail.refused(answer, 401, "login")
        trail.address(answer, "127.0.0.1")
        figures = Wire(server.port).get("/metrics", **headers)
        assert figures.status == 401
        trail.noted(figures, "401")
        secure = Wire(server.port).get("/auth/sign-in", x_forwarded_proto="https", **headers)
        assert "__Host-" not in secure.header("set-cookie")


def test_a_host_is_said_once(server: ServerProcess, trail: Trail) -> None:
    token = TOKENS["eve"]
    for lines in (
        "X: y\r\n",
        "Host: a\r\nHost: b\r\n",
        f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nAuthorization: Bearer {server.token}\r\n",
    ):
        answer = Wire(server.port).raw(f"GET /fhir/Patient HTTP/1.1\r\n{lines}\r\n".encode())
        assert answer.status == 400, answer
        trail.noted(answer, f"400 {answer.error}")
