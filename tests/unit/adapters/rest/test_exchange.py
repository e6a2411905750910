"""Tokens, pages and refusals over a real socket: a small vendor that pages and authorises in every way there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.fhir.retries import RetryPolicy
from adapters.rest.cursor import InvalidCursor, Mark, pack, read_cursor, unpack, write_cursor
from adapters.rest.ehr import RestEhr, RestSettings
from adapters.rest.mapping import ErrorRule
from adapters.rest.reading import parse_mapping
from adapters.rest.refusals import refusal
from adapters.rest.tokens import Credentials
from fhirserver.ports.ehr import (
    Conflict,
    Gone,
    NeedsPerson,
    Permanent,
    Record,
    Retryable,
    Throttled,
    Unauthorized,
)

MAPPING = """\
mapping: 1
name: small
server:
  url: http://nowhere
  auth: {auth}
  failed: "type(@) == 'object' && error != null"
  message: error
resources:
  Patient:
    id: id
    list: {{path: /patients, records: "{records}", paging: {paging}}}
    read: {{path: "/patients/${{_id}}"}}
    fhir: {{"name[0].family": last}}
"""
ROWS = [{"id": number, "last": f"Family{number}"} for number in range(7)]


class Small:
    """The vendor: seven patients, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.tokens = 0
        self.valid: set[str] = set()
        self.refuse_once = False
        self.total = len(ROWS)
        self.url = ""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/token", self.token, methods=["POST"]),
                Route("/patients", self.patients),
                Route("/patients/{id}", self.one),
            ]
        )

    async def token(self, request: Request) -> Response:
        await asyncio.sleep(0.05)
        self.tokens += 1
        self.valid = {f"Bearer t{self.tokens}"}
        return JSONResponse({"access_token": f"t{self.tokens}", "expires_in": 3600})

    async def patients(self, request: Request) -> Response:
        self.asked.append(request)
        query = request.query_params
        size = int(query.get("size", "3"))
        start = int(query.get("start", 0))
        start = (int(query["page"]) - 1) * size if "page" in query else start
        start = int(query["after"]) if "after" in query else start
        rows, more = ROWS[start : start + size], start + size < len(ROWS)
        link = f"{self.url}/patients?start={start + size}"
        body: dict[str, Any] = {"rows": rows, "total": self.total, "next": None, "cursor": None}
        if more:
            body |= {"next": link, "cursor": start + size}
        headers = {"Link": f'<{link}>; rel="next", <{self.url}>; rel="first"'} if more else {}
        return JSONResponse(body, headers=headers)

    async def one(self, request: Request) -> Response:
        self.asked.append(request)
        token = request.headers.get("authorization", "")
        if token.startswith("Bearer t") and token not in self.valid:
            return JSONResponse({}, 401)
        id = request.path_params["id"]
        if id == "text":
            return Response("<html>", media_type="text/html")
        if id == "polite":
            return JSONResponse({"error": "The chart of Mina Tester is locked"})
        return JSONResponse({"id": id, "last": "X"})


@asynccontextmanager
async def served(small: Small) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(small.app(), port=0, log_level="critical", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    small.url = f"http://127.0.0.1:{port}"
    yield
    server.should_exit = True
    await running


@pytest.fixture
async def small() -> AsyncIterator[Small]:
    made = Small()
    async with served(made):
        yield made


def ehr(
    small: Small, paging: str = "{kind: none}", auth: str = "{kind: none}", records: str = "rows"
) -> RestEhr:
    mapping = parse_mapping("small", MAPPING.format(auth=auth, paging=paging, records=records))
    retries = RetryPolicy(first=0.0, cap=0.0, attempts=2)
    return RestEhr(RestSettings(mapping, Credentials("me", "secret"), small.url, retries=retries))


async def pulled(made: RestEhr) -> list[Record]:
    try:
        return [record async for page in made.pull() for record in page.records]
    finally:
        await made.close()


@pytest.mark.parametrize(
    "paging",
    [
        "{kind: offset, size: 3, limit: size, parameter: start}",
        "{kind: offset, size: 3, limit: size, parameter: start, total: total}",
        "{kind: page, size: 3, limit: size, parameter: page}",
        "{kind: next, size: 3, limit: size, next: next}",
        "{kind: cursor, size: 3, limit: size, parameter: after, next: cursor}",
        "{kind: link-header, size: 3, limit: size}",
    ],
)
async def test_every_way_of_paging_comes_to_the_end(small, paging):
    assert [record.id for record in await pulled(ehr(small, paging))] == [str(row["id"]) for row in ROWS]


async def test_a_list_that_ends_before_its_total_is_a_failure(small):
    small.total = 9
    with pytest.raises(Retryable, match="before its total"):
        await pulled(ehr(small, "{kind: offset, size: 3, limit: size, parameter: start, total: total}"))


async def test_a_link_to_another_server_is_not_followed(small):
    small.url, url = "http://192.0.2.1", small.url
    made = ehr(small, "{kind: next, size: 3, limit: size, next: next}")
    small_url = RestEhr(RestSettings(made.mapping, Credentials(), url))
    with pytest.raises(Permanent, match="another server"):
        await pulled(small_url)
    await made.close()


async def test_pages_in_a_circle_are_left(small):
    made = ehr(small, "{kind: next, size: 3, limit: size, next: \"'/patients'\"}")
    with pytest.raises(Permanent, match="circle"):
        await pulled(made)


async def test_of_many_who_need_a_token_one_asks(small):
    made = ehr(small, auth="{kind: client-credentials, token_path: /token}")
    await asyncio.gather(*(made.read("Patient", str(number)) for number in range(8)))
    assert small.tokens == 1
    small.valid = set()  # the vendor forgot it
    await asyncio.gather(*(made.read("Patient", str(number)) for number in range(8)))
    assert small.tokens == 2
    await made.close()


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ("{kind: api-key, header: X-Key}", "x-key", "secret"),
        ("{kind: bearer}", "authorization", "Bearer secret"),
        ("{kind: basic}", "authorization", "Basic bWU6c2VjcmV0"),
    ],
)
async def test_ways_to_authorise(small, auth, header, value):
    made = ehr(small, auth=auth)
    await made.read("Patient", "1")
    assert small.asked[-1].headers[header] == value
    await made.close()


async def test_an_api_key_in_the_query(small):
    made = ehr(small, auth="{kind: api-key, parameter: key}")
    await made.read("Patient", "1")
    assert small.asked[-1].query_params["key"] == "secret"
    await made.close()


async def test_no_json_is_retryable_and_a_polite_refusal_is_one_without_its_words_in_the_message(small):
    made = ehr(small)
    with pytest.raises(Retryable, match="not JSON"):
        await made.read("Patient", "text")
    with pytest.raises(Permanent) as error:
        await made.read("Patient", "polite")
    assert "Mina" not in str(error.value) and "Mina" in error.value.issues[0].text
    await made.close()


async def test_an_id_cannot_lead_out_of_its_path(small):
    made = ehr(small)
    await made.read("Patient", "..%2Fx")
    assert small.asked[-1].url.path.startswith("/patients/")
    await made.close()


NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Permanent),
        (401, Unauthorized),
        (403, Unauthorized),
        (404, Gone),
        (408, Retryable),
        (409, Conflict),
        (410, Gone),
        (412, Conflict),
        (422, Permanent),
        (429, Throttled),
        (500, Retryable),
        (503, Retryable),
        (599, Retryable),
    ],
)
def test_what_a_status_means_without_rules(status, kind):
    assert type(refusal([], status, {}, "", "", NOW)) is kind


def test_rules_come_first_and_the_words_are_for_the_operator():
    import re

    rules = [
        ErrorRule("conflict", frozenset((400,)), re.compile("taken", re.I)),
        ErrorRule("needs-person", frozenset(), re.compile("duplicate")),
    ]
    assert isinstance(refusal(rules, 400, {}, "Slot is TAKEN", "", NOW), Conflict)
    assert isinstance(refusal(rules, 500, {}, "Slot is taken", "", NOW), Retryable)
    error = refusal(rules, 422, {}, "a duplicate", "of Mina", NOW)
    assert isinstance(error, NeedsPerson) and error.issues[0].text == "of Mina" and "Mina" not in str(error)
    throttled = refusal(rules, 429, httpx.Headers({"Retry-After": "3"}), "", "", NOW)
    assert isinstance(throttled, Throttled) and throttled.after == 3


def test_a_cursor_comes_back_as_it_was():
    mark = Mark(NOW, NOW - timedelta(days=1), {"2026-12-01": frozenset(("1", "22"))}, {"22": "1"})
    assert read_cursor(write_cursor({"Slot": mark, "Patient": Mark()}, "m"), "m") == {
        "Slot": mark,
        "Patient": Mark(),
    }
    many = frozenset(str(number) for number in range(2_204_001, 2_209_001))
    assert unpack(pack(many)) == many and len(pack(many)) < 20_000


@pytest.mark.parametrize(
    "cursor",
    [
        {},
        {"format": 1, "mapping": "other", "resources": {}},
        {"format": 1, "mapping": "m", "resources": []},
        {"format": 1, "mapping": "m", "resources": {"Slot": {"since": "yesterday"}}},
        {"format": 1, "mapping": "m", "resources": {"Slot": {"ids": {"": "rubbish"}}}},
        {"format": 1, "mapping": "m", "resources": {"Slot": 7}},
    ],
)
def test_a_foreign_cursor_is_refused(cursor):
    with pytest.raises(InvalidCursor):
        read_cursor(cursor, "m")
