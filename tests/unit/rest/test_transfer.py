"""What HTTP carries around a resource: compression, CORS, HEAD, OPTIONS, limits, headers of safety."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhirserver.interactions.exchange import Limits
from fhirserver.kernel.json import dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.rest import memory
from fhirserver.rest.bodies import read_body
from tests.facade import BASE, MEDIA, Facade, expressions, facade, issues, patient


async def test_gzip_in(server: Facade) -> None:
    packed = gzip.compress(dumps(patient("p")))
    assert (await server.ehr("PUT", "Patient/p", packed, content_encoding="gzip")).status_code == 201
    two_members = gzip.compress(b'{"resourceType":') + gzip.compress(b'"Patient"}')
    answer = await server.ehr("POST", "Patient", two_members, content_encoding="x-gzip")
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "broken",
    [
        lambda packed: packed[:-3],
        lambda packed: packed + b"garbage",
        lambda packed: b"{}",
        lambda packed: packed[:20] + b"\x00\xff" + packed[22:],
    ],
)
async def test_bad_gzip_is_400(server: Facade, broken: Callable[[bytes], bytes]) -> None:
    packed = broken(gzip.compress(dumps(patient("p"))))
    answer = await server.ehr("PUT", "Patient/p", packed, content_encoding="gzip")
    assert (answer.status_code, expressions(answer)) == (400, ["http.body"])


async def test_a_gzip_bomb_is_413(server: Facade) -> None:
    bomb = gzip.compress(b" " * (65 * 1024 * 1024))
    answer = await server.ehr("POST", "Patient", bomb, content_encoding="gzip")
    assert answer.status_code == 413


async def raw(
    server: Facade, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body as they are sent, not uncompressed."""
    sent: list[Any] = []
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": f"/fhir/{path}",
        "query_string": query.encode(),
        "headers": [(b"authorization", b"Bearer token-ehr"), *named],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    await server.application(scope, receive, send)
    return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, sent[1]["body"]


@pytest.mark.parametrize(
    ("header", "packed"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("br", False),
        ("identity", False),
    ],
)
async def test_gzip_out(server: Facade, header: str, packed: bool) -> None:
    for path in ("metadata", "metadata?_format=xml", "StructureDefinition?_count=50"):
        plain = (await raw(server, path))[2]
        status, headers, body = await raw(server, path, accept_encoding=header)
        assert (status, headers.get("content-encoding")) == (200, "gzip" if packed else None)
        assert (gzip.decompress(body) if packed else body) == plain
        assert headers["content-length"] == str(len(body))
        assert "Accept-Encoding" in headers["vary"]


async def test_small_answers_are_not_compressed(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    assert "content-encoding" not in (await raw(server, "Patient/p", accept_encoding="gzip"))[1]


async def test_head_is_get_without_a_body(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    for path in (
        "Patient/p",
        "Patient/p/_history/1",
        "Patient/p/_history",
        "Patient?family=okafor",
        "metadata",
    ):
        got, head = await server.ehr.get(path), await server.ehr("HEAD", path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        names = ("content-type", "content-length", "etag", "last-modified")
        assert [head.headers.get(name) for name in names] == [got.headers.get(name) for name in names]
    assert (await server.ehr("HEAD", "Patient/none")).status_code == 404


async def test_options_says_what_may_be_done(server: Facade) -> None:
    for path, allow in (
        ("Patient/p", "DELETE, GET, HEAD, PATCH, PUT, OPTIONS"),
        ("metadata", "GET, HEAD, OPTIONS"),
        ("Task/t/$approve", "POST, OPTIONS"),
    ):
        answer = await server.anonymous("OPTIONS", path)
        assert (answer.status_code, answer.headers["allow"]) == (204, allow)
    assert (await server.anonymous("OPTIONS", "Patient/p/$nothing")).status_code == 404


ORIGIN = "https://app.example"


async def test_no_origin_may_by_default(server: Facade) -> None:
    answer = await server.ehr.get("Patient", origin=ORIGIN)
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_what_the_server_can_is_told_to_all_origins(server: Facade) -> None:
    asked = {"origin": ORIGIN, "access_control_request_method": "GET"}
    for method in ("GET", "OPTIONS"):
        answer = await server.anonymous(method, "metadata", **asked)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("origins", "allowed"), [({ORIGIN}, ORIGIN), ({"*"}, "*"), ({"https://other"}, None)]
)
async def test_cors(tmp_path: Path, origins: set[str], allowed: str | None) -> None:
    async with facade(tmp_path, cors_origins=frozenset(origins)) as server:
        for answer in (
            await server.ehr.get("Patient", origin=ORIGIN),
            await server.anonymous.get("Patient", origin=ORIGIN),
        ):
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert ("ETag" in answer.headers.get("access-control-expose-headers", "")) == (
                allowed is not None
            )
            assert "Origin" in answer.headers["vary"]
        preflight = await server.anonymous(
            "OPTIONS", "Patient/p", origin=ORIGIN, access_control_request_method="PUT"
        )
        assert preflight.status_code == 204
        assert preflight.headers.get("access-control-allow-origin") == allowed
        assert ("PUT" in preflight.headers.get("access-control-allow-methods", "")) == (allowed is not None)
        assert (await server.anonymous.get("metadata")).json()["rest"][0]["security"]["cors"] is True


@pytest.mark.parametrize(
    ("names", "answered"),
    [
        ("x-correlation-id, prefer", "x-correlation-id, prefer"),
        ("authorization,x-break-glass", "authorization,x-break-glass"),
        ("", "Accept, "),
        ("a b", "Accept, "),
        ("ä", "Accept, "),
    ],
)
async def test_a_preflight_allows_the_headers_it_asks_for(tmp_path: Path, names: str, answered: str) -> None:
    async with facade(tmp_path, cors_origins=frozenset({ORIGIN})) as server:
        scope = {"access-control-request-method": "PUT", "access-control-request-headers": names.encode()}
        headers = [("origin", ORIGIN), *scope.items()]
        answer = await server.anonymous.http.request("OPTIONS", f"{BASE}/Patient/p", headers=headers)
        allowed = answer.headers["access-control-allow-headers"]
        assert allowed.startswith(answered) and ("X-Break-Glass" in allowed or names)


async def test_request_ids(server: Facade) -> None:
    uuid = "0b0f6c4e-5a0a-4b6e-9f53-6f1d6a2b7c11"
    assert (await server.ehr.get("Patient", x_request_id=uuid)).headers["x-request-id"] == uuid
    short = (await server.ehr.get("Patient", x_request_id="abc-1")).headers
    assert (short["x-correlation-id"], short["x-request-id"] != "abc-1") == ("abc-1", True)
    made = {
        (await server.ehr.get("Patient", x_request_id=id)).headers["x-request-id"]
        for id in ("a b", "x" * 129)
    }
    assert len(made) == 2
    assert not made & {"a b", "x" * 129}


async def test_headers_of_safety(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    for path in ("Patient/p", "Patient", "Patient/none", "metadata"):
        answer = await server.ehr.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_conditional_reads(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    modified = (await server.ehr.get("Patient/p")).headers["last-modified"]
    for headers in (
        {"if_none_match": 'W/"1"'},
        {"if_none_match": '"1"'},
        {"if_none_match": '"7", W/"1"'},
        {"if_none_match": "*"},
        {"if_modified_since": modified},
    ):
        answer = await server.ehr.get("Patient/p", **headers)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", 'W/"1"')
    for headers in ({"if_none_match": 'W/"2"'}, {"if_modified_since": "Thu, 01 Jan 1970 00:00:00 GMT"}):
        assert (await server.ehr.get("Patient/p", **headers)).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Patient/%zz", 400),
        ("Patient/%ff", 400),
        ("Patient/%00", 400),
        ("Patient%2Fp", 404),
        ("Patient?name=%ff", 400),
        ("Patient?name=%00", 400),
        ("Patient?name=" + "a" * 40_000, 414),
        ("Patient?" + "&".join("name=a" for _ in range(1001)), 400),
    ],
)
async def test_bad_urls(server: Facade, path: str, status: int) -> None:
    url, _, query = path.partition("?")
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/fhir/x",
        "raw_path": f"/fhir/{url}".encode(),
        "query_string": query.encode(),
        "headers": [(b"authorization", b"Bearer token-ehr")],
    }

    async def send(message: Any) -> None:
        sent.append(message)

    await server.application(scope, None, send)
    assert sent[0]["status"] == status
    assert loads(sent[1]["body"])["resourceType"] == "OperationOutcome"


async def test_an_encoded_id_is_an_id(server: Facade) -> None:
    await server.ehr.put(patient("p"))
    assert (await server.ehr.get("%50atient/%70")).status_code == 200


async def test_two_different_headers_of_one_name_are_400(server: Facade) -> None:
    client = server.ehr.http
    for name in ("if-match", "content-type", "x-provenance"):
        headers = [(name, "a"), (name, "b")]
        answer = await client.put("http://facade.test/fhir/Patient/p", content=b"{}", headers=headers)
        assert (answer.status_code, issues(answer)[0]["code"]) == (400, "invalid")
    twice = [("accept", "text/html"), ("accept", MEDIA)]
    assert (await client.get("http://facade.test/fhir/Patient", headers=twice)).status_code == 200


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "BREW", "get"])
async def test_unknown_methods_are_405(server: Facade, method: str) -> None:
    status, headers, body = await raw(server, "Patient/p", method=method)
    assert (status, headers["allow"]) == (405, "DELETE, GET, HEAD, PATCH, PUT")
    assert loads(body)["resourceType"] == "OperationOutcome"


async def test_a_body_that_does_not_come_is_408(server: Facade) -> None:
    edge = server.application._edge
    edge.context = replace(edge.context, limits=replace(edge.context.limits, body_seconds=0.05))

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        raise AssertionError

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/fhir/Patient",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer token-ehr")],
    }
    await server.application(scope, receive, send)
    assert sent[0]["status"] == 408


async def test_a_body_that_trickles_in_is_408() -> None:
    limits = Limits(body_seconds=0.05)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    with pytest.raises(Refusal) as refused:
        await read_body(receive, {}, limits)
    assert refused.value.category is Category.TIMEOUT


async def test_a_body_that_comes_slowly_but_well_is_read() -> None:
    left = [bool(n) for n in range(8)]

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" " * 200, "more_body": left.pop()}

    assert len(await read_body(receive, {}, Limits(body_seconds=0.05))) == 1600


async def test_headers_beyond_the_limit_are_431(server: Facade) -> None:
    answer = await server.ehr.get("Patient", x_other="a" * 70_000)
    assert (answer.status_code, issues(answer)[0]["code"]) == (431, "too-long")


async def test_a_version_is_read_as_a_resource_is(server: Facade) -> None:
    await server.ehr.put(patient("p", gender="male"))
    url = "Patient/p/_history/1"
    assert (await server.ehr.get(url, if_none_match='W/"1"')).status_code == 304
    assert "gender" not in (await server.ehr.get(f"{url}?_elements=name")).json()
    assert (await server.ehr.get(f"{url}?nope=1")).status_code == 400


async def test_memory_is_given_back_after_what_is_large_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(memory, "_trim", calls.append)
    monkeypatch.setattr(memory, "PAUSE", 0.01)
    memory.give_back_soon(memory.LARGE - 1)
    await asyncio.sleep(0.05)
    assert calls == []
    for _ in range(3):
        memory.give_back_soon(memory.LARGE)
    await asyncio.sleep(0.05)
    assert calls == [0]
    memory.give_back_soon(memory.LARGE)
    await asyncio.sleep(0.05)
    assert calls == [0, 0]
