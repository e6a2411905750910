"""Where the agent's client goes: to its own server, whatever references and links it meets, and its token with it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from agent.tools.client import FhirClient, Unreachable, next_page

BASE = "http://own.example/fhir"
SLOT = {"resourceType": "Slot", "id": "1"}


class Asked:
    """A network that notes where it is asked; ``answers`` by path and query."""

    def __init__(self, **answers: Any):
        self.urls: list[str] = []
        self.answers = answers
        self.client = FhirClient(BASE, "secret", httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(str(request.url))
        body = self.answers.get(request.url.path.rpartition("/")[2] + request.url.query.decode(), SLOT)
        return httpx.Response(200, json=body)


@pytest.mark.parametrize(
    "reference",
    [
        "http://evil.example/Slot/1",
        "https://own.example/fhir/Slot/1",
        "http://own.example.evil.example/fhir/Slot/1",
        "http://own.example/fhir@evil.example/Slot/1",
        "//evil.example/Slot/1",
        "urn:uuid:8f7a2f0e-6f0a-4a3c-9a1c-0d2f7a8f2c11",
        "#contained",
        "Slot/..",
        "Slot/../../platform/keys",
        "Slot/1/../../platform/keys",
        "Slot/1?_format=xml",
        "Slot?status=free",
        "Slot/1\r\nX: y",
        "Slot/1\n",
        "",
    ],
)
async def test_a_reference_to_another_place_leads_to_nothing(reference: str) -> None:
    asked = Asked()
    assert await asked.client.read(reference) is None
    assert asked.urls == []


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("Slot/1", "Slot/1"),
        (f"{BASE}/Slot/1", "Slot/1"),
        ("Slot/a.b-c", "Slot/a.b-c"),
        ("Slot/1/_history/3", "Slot/1/_history/3"),
        ("Slot/1/$lineage", "Slot/1/$lineage"),
    ],
)
async def test_references_within_the_server_are_read(reference: str, path: str) -> None:
    asked = Asked()
    assert await asked.client.read(reference) == SLOT
    assert asked.urls == [f"{BASE}/{path}"]


async def test_pages_are_asked_for_where_the_first_was_whatever_the_link_says() -> None:
    first = {
        "entry": [{"resource": SLOT}],
        "link": [{"relation": "next", "url": "http://evil.example/x/Slot?_cursor=2"}],
    }
    second = {"entry": [{"resource": {**SLOT, "id": "2"}}]}
    asked = Asked(**{"Slotstatus=free": first, "Slot_cursor=2": second})
    assert [one["id"] for one in await asked.client.search("Slot", [("status", "free")])] == ["1", "2"]
    assert asked.urls == [f"{BASE}/Slot?status=free", f"{BASE}/Slot?_cursor=2"]
    assert next_page("Slot/_history?_since=1", first) == "Slot/_history?_cursor=2"
    assert next_page("Slot?x", second) == ""


async def test_an_address_that_is_none_is_no_answer_and_no_fault() -> None:
    with pytest.raises(Unreachable):
        await Asked().client.get("Slot?x=\x07")
