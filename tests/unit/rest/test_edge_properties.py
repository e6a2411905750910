"""Whatever comes over the wire, the answer is no 5xx, and what is refused is an OperationOutcome."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhirserver.kernel.json import dumps, loads
from fhirserver.model.xml import read_xml, write_xml
from tests.facade import Facade, facade, patient

_TYPES = [
    "application/fhir+json",
    "application/fhir+xml",
    "text/xml",
    "application/json",
    "image/png",
    "text/html",
]
_MEDIA = st.sampled_from(
    [
        *_TYPES,
        "application/json-patch+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        ";",
        "*/*",
    ]
)
_OPTION = st.sampled_from(
    ["", ";q=0", ";q=x", "; charset=latin1", ";fhirVersion=4.0", ";fhirVersion=5.0", ";="]
)
_MEDIA_TEXT = st.builds("{}{}".format, _MEDIA, _OPTION).map(str.encode)
_SEGMENT = st.sampled_from(
    [
        "Patient",
        "Binary",
        "p",
        "_history",
        "1",
        "_search",
        "metadata",
        "$expand",
        "_async",
        "%zz",
        "%00",
        "%2F",
        "",
        "é",
    ]
) | st.text(max_size=4)
_PATH = st.lists(_SEGMENT, max_size=5).map(lambda parts: ("/" + "/".join(parts)).encode())
_PAIR = st.sampled_from(
    [
        "_format=xml",
        "_format=json",
        "_format=%FF",
        "_pretty=true",
        "_summary=count",
        "name=%00",
        "name=a",
        "_count=1",
        "&",
    ]
) | st.text(max_size=6)
_QUERY = st.lists(_PAIR, max_size=4).map(lambda parts: "&".join(parts).encode())
_HEADERS = st.lists(
    st.tuples(st.sampled_from([b"accept", b"content-type"]), _MEDIA_TEXT)
    | st.tuples(
        st.sampled_from(
            [
                b"if-match",
                b"if-none-match",
                b"if-modified-since",
                b"if-none-exist",
                b"prefer",
                b"x-provenance",
                b"origin",
                b"content-encoding",
                b"accept-encoding",
                b"accept-charset",
                b"content-length",
                b"x-request-id",
            ]
        ),
        st.sampled_from(
            [b"", b"*", b'W/"1"', b"gzip", b"respond-async", b"return=minimal", b"\xff\x00", b"identifier=a"]
        )
        | st.binary(max_size=8),
    ),
    max_size=5,
)
_BODY = st.sampled_from(
    [
        b"",
        b"{}",
        b"[]",
        dumps(patient()),
        write_xml(patient()),
        b"<Patient xmlns='http://hl7.org/fhir'><nope/>",
        b"\x1f\x8b",
    ]
) | st.binary(max_size=20)
_METHOD = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LINK"])


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(loop: asyncio.AbstractEventLoop) -> Iterator[Facade]:
    with tempfile.TemporaryDirectory() as folder:
        context = facade(Path(folder))
        yield loop.run_until_complete(context.__aenter__())
        loop.run_until_complete(context.__aexit__(None, None, None))


async def _ask(server: Facade, scope: dict[str, Any], body: bytes) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    await server.application(scope, receive, send)
    return (
        sent[0]["status"],
        {k.decode(): v.decode("latin-1") for k, v in sent[0]["headers"]},
        sent[1]["body"],
    )


@given(_METHOD, _PATH, _QUERY, _HEADERS, _BODY)
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_anything(
    loop: asyncio.AbstractEventLoop,
    running: Facade,
    method: str,
    path: bytes,
    query: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
) -> None:
    scope = {
        "type": "http",
        "method": method,
        "path": "/fhir/x",
        "raw_path": b"/fhir" + path,
        "query_string": query,
        "headers": [(b"authorization", b"Bearer token-ehr"), *headers],
    }
    status, answered, content = loop.run_until_complete(_ask(running, scope, body))
    assert status < 500, content
    assert {"x-content-type-options", "cache-control", "x-request-id", "vary"} <= answered.keys()
    assert not any(character in value for value in answered.values() for character in "\r\n\0")
    if status >= 400 and method != "HEAD":
        is_xml = "xml" in answered["content-type"]
        assert (read_xml(content) if is_xml else loads(content))["resourceType"] == "OperationOutcome"
    if status >= 400:
        assert int(answered["content-length"]) > 0
