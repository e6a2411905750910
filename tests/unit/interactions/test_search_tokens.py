"""Tokens that are strings or media types. https://hl7.org/fhir/R4/search.html#token"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.facade import Facade, facade

DOCUMENTS = (("plain", "text/xml"), ("charset", "Text/XML; charset=UTF-8"), ("other", "text/xml-patch"))


@pytest.fixture(params=["memory", "sqlite"])
async def server(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    async with facade(tmp_path, request.param) as running:
        yield running


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("contenttype=text/xml", "plain"),
        ("contenttype:below=text/xml", "charset plain"),
        ("contenttype:below=TEXT/XML", "charset plain"),
        ("contenttype:below=text/xml; charset=UTF-8", "charset plain"),
        ("contenttype:below=text/plain,text/xml-patch", "other"),
    ],
)
async def test_media_types(server: Facade, query: str, found: str) -> None:
    for id, media in DOCUMENTS:
        document = {"resourceType": "DocumentReference", "id": id, "status": "current"}
        content = [{"attachment": {"contentType": media, "url": "http://x.org/a"}}]
        assert (await server.ehr.put({**document, "content": content})).status_code == 201
    assert sorted(await server.ehr.ids(f"DocumentReference?{query}")) == found.split()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("version=1.a", "a b"),
        ("version=1.A", "a b"),
        ("version:not=1.A&url=http://acme.org/v", "c"),
        ("version=|1.a", "a b"),
        ("url=http://acme.org/v|1.A", "b"),
    ],
)
async def test_strings_in_any_case(server: Facade, query: str, found: str) -> None:
    for id, version in (("a", "1.a"), ("b", "1.A"), ("c", "2")):
        made = {"resourceType": "ValueSet", "id": id, "url": "http://acme.org/v", "status": "active"}
        assert (await server.ehr.put({**made, "version": version})).status_code == 201
    assert sorted(await server.ehr.ids(f"ValueSet?{query}")) == found.split()
