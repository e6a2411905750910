"""The terminology pages over HTTP: who sees them, odd addresses, and content that would be markup."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import pytest

from tests.browser.terminology_world import DIABETES, FINDINGS, terminology
from tests.facade import Facade

BASE = "/console/terminology"
EVIL = '<img src=x onerror="alert(1)">'
PARTS = ("system", "system/level", "system/found", "system/concept", "value-set", "value-set/why", "map")


@pytest.fixture
async def desk(server: Facade) -> AsyncIterator[httpx.AsyncClient]:
    """An operator, where a world of terminology is known."""
    await terminology(server)
    async with server.browser() as browser:
        await browser.post("/console/sign-in", data={"token": "token-ana"})
        yield browser


def place(page: str, **parameters: object) -> str:
    return f"{BASE}/{page}?{urlencode(parameters)}"


async def test_strangers_see_nothing_of_it(server: Facade) -> None:
    async with server.browser() as browser:
        for page in ("", *(f"/{part}" for part in PARTS)):
            answer = await browser.get(f"{BASE}{page}?url={FINDINGS}")
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/console?next=")


async def test_without_a_url_one_is_led_to_the_list(desk: httpx.AsyncClient) -> None:
    for part in PARTS:
        answer = await desk.get(f"{BASE}/{part}")
        assert answer.status_code == 404
        assert "All that is known</a>" in answer.text


@pytest.mark.parametrize("part", PARTS)
async def test_what_is_not_known_is_404_and_says_what_to_do(desk: httpx.AsyncClient, part: str) -> None:
    answer = await desk.get(place(part, url="urn:none", text="x", code="x", system="x"))
    if part != "value-set/why":
        assert answer.status_code == 404
        assert "terminology import" in answer.text
    assert "not known here" in answer.text
    fragment = await desk.get(
        place(part, url="urn:none", text="x", code="x", system="x"), headers={"HX-Request": "true"}
    )
    assert "<html" not in fragment.text


async def test_odd_addresses_are_answered(desk: httpx.AsyncClient) -> None:
    for odd in ("-1", "x", "99999999999999999999", "٣"):
        answer = await desk.get(place("system/level", url=FINDINGS, offset=odd, depth=odd))
        assert answer.status_code == 200
        assert (await desk.get(f"{BASE}?kind={odd}&offset={odd}")).status_code == 200
        page = await desk.get(place("value-set", url=DIABETES, offset=odd))
        assert page.status_code == 200
    beyond = await desk.get(place("system/level", url=FINDINGS, offset=9999))
    assert (beyond.status_code, "treeitem" in beyond.text) == (200, True)


async def test_what_is_stored_never_becomes_markup(server: Facade, desk: httpx.AsyncClient) -> None:
    concept = {"code": EVIL, "display": EVIL, "definition": EVIL, "designation": [{"value": EVIL}]}
    system = {
        "resourceType": "CodeSystem",
        "id": "evil",
        "url": "urn:evil",
        "status": "active",
        "title": EVIL,
    }
    stored = await server.ehr.put(
        {**system, "content": "complete", "concept": [concept], "description": EVIL}
    )
    assert stored.status_code == 201, stored.text
    for path in (
        "",
        f"?text={EVIL}",
        place("system", url="urn:evil", code=EVIL)[len(BASE) :],
        place("system", url="urn:evil", text="img")[len(BASE) :],
        place("system", url=EVIL)[len(BASE) :],
        place("value-set", url=DIABETES, system=EVIL, code=EVIL, filter=EVIL)[len(BASE) :],
    ):
        page = (await desk.get(f"{BASE}{path}")).text
        assert "<img" not in page, path


async def test_versions_to_use_and_active_codes_reach_the_explanation(desk: httpx.AsyncClient) -> None:
    every = "http://example.org/fhir/ValueSet/all"
    old = {"url": every, "system": FINDINGS, "code": "f-113"}
    assert "is-in" in (await desk.get(place("value-set/why", **old))).text
    active = await desk.get(place("value-set/why", **old, activeOnly="true"))
    assert "only active codes are asked for" in active.text
    other = await desk.get(place("value-set/why", **old, **{"system-version": f"{FINDINGS}|9"}))
    assert "that version is not known here" in other.text


async def test_a_code_is_translated_and_the_rows_are_found(desk: httpx.AsyncClient) -> None:
    map = "http://example.org/fhir/ConceptMap/to-icd"
    page = (await desk.get(place("map", url=map, system=FINDINGS, code="f-112", text="e11"))).text
    assert "✓ Translated" in page and "http://hl7.org/fhir/sid/icd-10-cm" in page
    assert "1 to 1 of 1" in page and "No longer used" not in page
    assert "✕ Not translated" in (await desk.get(place("map", url=map, system=FINDINGS, code="f-22"))).text
