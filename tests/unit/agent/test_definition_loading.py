"""Agents in force as conversations take them: what was known last holds on, and nothing broken gets in."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest

from agent.definition.loading import FRESH_SECONDS, NOTHING, Definitions
from agent.memory import Setting
from agent.tools.client import FhirClient
from fhirserver.kernel.json import JsonObject
from fhirserver.world.configuration import Configured, library, url_of


class World:
    """A server that answers a search for Libraries; ``down``: with nothing."""

    def __init__(self) -> None:
        self.kept: dict[str, JsonObject] = {}
        self.down = False
        self.asked = 0

    def put(self, one: Configured) -> None:
        version = int(self.kept.get(one.id, {}).get("meta", {}).get("versionId", 0)) + 1
        self.kept[one.id] = library(one) | {"meta": {"versionId": str(version)}}

    def agent(self, document: dict[str, Any], version: str = "1", status: str = "active") -> None:
        self.put(Configured("agent", "desk", "Desk", document, status, version))

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.down:
            raise httpx.ConnectError("down")
        path = request.url.path.rpartition("/fhir/")[2]
        if path != "Library":
            found = self.kept.get(path.removeprefix("Library/"))
            return httpx.Response(200 if found else 404, json=found or {"resourceType": "OperationOutcome"})
        active = [one for one in self.kept.values() if one["status"] == "active"]
        return httpx.Response(
            200, json={"resourceType": "Bundle", "entry": [{"resource": one} for one in active]}
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def clock() -> list[float]:
    return [0.0]


@pytest.fixture
def definitions(world: World, clock: list[float]) -> Definitions:
    client = FhirClient("http://test/fhir", "t", httpx.MockTransport(world.handle))
    return Definitions(client, Setting(practice="settings"), lambda: clock[0])


async def test_nothing_set_up_is_the_settings(definitions: Definitions) -> None:
    await definitions.refresh()
    assert definitions.of("") is definitions.base
    assert definitions.of("desk") is definitions.base
    assert definitions.of_number("+15555550100") is definitions.base


async def test_it_is_looked_at_again_only_after_a_while(
    world: World, definitions: Definitions, clock: list[float]
) -> None:
    world.agent({"practice": "one"})
    assert (await definitions.fresh()).of("desk").practice == "one"
    world.agent({"practice": "two"})
    assert (await definitions.fresh()).of("desk").practice == "one"
    assert world.asked == 1
    clock[0] += FRESH_SECONDS
    assert (await definitions.fresh()).of("desk").practice == "two"


async def test_a_server_that_is_gone_changes_nothing(
    world: World, definitions: Definitions, caplog: pytest.LogCaptureFixture
) -> None:
    world.agent({"practice": "one"})
    await definitions.refresh()
    world.down = True
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            await definitions.refresh()
    assert definitions.of("desk").practice == "one"
    assert len([r for r in caplog.records if "cannot be read" in r.message]) == 1


async def test_what_has_errors_is_not_taken(world: World, definitions: Definitions) -> None:
    """The guard of the server does not let it come so far; were it so, the settings answer."""
    world.agent({"identity": {"attempts": 50}})
    world.put(Configured("phone-number", "phone-1", "x", {"number": "nonsense"}, "active"))
    await definitions.refresh()
    assert definitions.of("desk") is definitions.base


async def test_rules_that_are_missing_leave_nothing_to_offer(world: World, definitions: Definitions) -> None:
    world.agent({"scheduling_rules": "gone"})
    await definitions.refresh()
    assert definitions.of("desk").rules is NOTHING
    world.put(Configured("scheduling-rules", "gone", "x", {"lead": 10}, "active"))
    await definitions.refresh()
    assert definitions.of("desk").rules.lead == 10
    world.put(Configured("scheduling-rules", "gone", "x", {"lead": 20}, "active"))
    await definitions.refresh()
    assert definitions.of("desk").rules.lead == 20


async def test_a_conversation_is_taken_up_again_with_what_it_began(
    world: World, definitions: Definitions
) -> None:
    first = Configured("agent", "desk.v1", "Desk", {"practice": "one"}, "retired", "1", url=url_of("desk"))
    world.put(first)
    world.agent({"practice": "two"}, "2")
    name = f"{url_of('desk')}|1"
    assert (await definitions.again(name)).practice == "one"
    assert (await definitions.again(name)).agent == name
    assert (await definitions.again(f"{url_of('desk')}|2")).practice == "two"
    assert (await definitions.again(f"{url_of('desk')}|9")).practice == "two"  # not kept: what is in force
    assert await definitions.again("") is definitions.base


async def test_a_number_may_answer_texts_alone(world: World, definitions: Definitions) -> None:
    world.agent({"practice": "one"})
    document = {"number": "+15555550100", "agent": "desk", "calls": False}
    world.put(Configured("phone-number", "phone-15555550100", "x", document, "active"))
    await definitions.refresh()
    assert definitions.of_number("+15555550100", texts=True).practice == "one"
    assert definitions.of_number("+15555550100") is definitions.base
