"""``/platform/agents/{id}/dry-run``: scenarios played against a document, where nothing is real."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from fhirserver.kernel.json import JsonObject
from fhirserver.rest.platform.agents import WHICH, Configuring, Reading
from fhirserver.rest.platform.configuring import (
    Document,
    OwnId,
    agents_of,
    libraries,
    refuse_faults,
    versions,
)
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.rights import Asked
from fhirserver.rest.platform.shapes import Cursor, Limit, Page, Sent, Told, paged
from fhirserver.world.configured.agent import Agent

router = APIRouter(tags=["agents"])

ScenarioName = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class Rehearsal(Sent):
    """What is to be played: a document that is sent, or the one that `of` names. `scenarios` are names of those that
    come with Credence; `given` are one's own, as a file of them (YAML, docs/evaluation.md). What is not played within
    `seconds` is told as unfinished."""

    of: Annotated[str, StringConstraints(pattern=WHICH, max_length=6)] = "draft"
    document: Annotated[Document, Field(max_length=100)] | None = None
    scenarios: Annotated[list[ScenarioName], Field(max_length=200)] = []
    given: Annotated[str, Field(max_length=100_000)] = ""
    seconds: Annotated[int, Field(ge=1, le=300)] = 60


class Played(Told):
    """One scenario. It succeeds where nothing stands in `wrong`, `wrong_writes` and `disclosures`. `walk` names the
    states of the context graph that the conversation came to, in order."""

    scenario: str
    success: bool
    ended: str
    wrong: list[str]
    wrong_writes: list[str]
    disclosures: list[str]
    turns: int
    transcript: list[str]
    walk: list[str]


class Rehearsed(Told):
    """`holds`: all were played and succeeded."""

    holds: bool
    played: list[Played]
    unfinished: list[str]
    seconds: float


class Scenario(Told):
    """A scenario that comes with Credence."""

    name: str
    about: str


@router.post("/agents/{id}/dry-run", summary="Play scenarios against a document", responses=problems(404))
async def dry_run(id: OwnId, sent: Rehearsal, asked: Configuring) -> Rehearsed:
    """On a server of its own with a practice that is made up, in a process of its own: nothing real is read or
    written. One dry run at a time (503)."""
    named = await versions(asked).document(id, sent.of) if sent.document is None else sent.document
    refuse_faults(asked, "agent", named)
    rules = await _rules(asked, named)
    ran = await agents_of(asked).dry_run(named, rules, sent.scenarios, sent.given, sent.seconds)
    played = [Played.model_validate(_members(one)) for one in ran.played]
    return Rehearsed(holds=ran.holds, played=played, unfinished=list(ran.unfinished), seconds=ran.seconds)


@router.get("/agent-scenarios", summary="List the scenarios for dry runs")
async def list_scenarios(asked: Reading, limit: Limit = 200, cursor: Cursor = "") -> Page[Scenario]:
    """Those that come with Credence, by their names."""
    found = sorted(agents_of(asked).scenarios())
    return paged([(name, Scenario(name=name, about=about)) for name, about in found], cursor, limit)


@router.get("/agent-schema", summary="The schema of an agent's document")
async def agent_schema(asked: Reading) -> dict[str, Any]:
    """As a JSON Schema, for editors; what must hold beyond it is told by `validate`."""
    return Agent.model_json_schema()


async def _rules(asked: Asked, document: Document) -> JsonObject:
    """The rule set that a document names."""
    name = document.get("scheduling_rules")
    return (await libraries(asked).read("scheduling-rules", str(name))).document if name else {}


def _members(one: object) -> dict[str, object]:
    return {name: getattr(one, name) for name in Played.model_fields}
