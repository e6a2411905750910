"""``/platform/agents``: agents as documents, with a draft, versions that are kept, and one in force."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from fhirserver.interactions.configured.comparing import differences
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.rest.platform.configuring import (
    Change,
    Checked,
    Document,
    NewId,
    OwnId,
    Renamed,
    Titled,
    Validation,
    agents_of,
    change,
    link,
    validation,
    versions,
    with_etag,
)
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import Cursor, Limit, Link, Page, Sent, Text, Told, paged
from fhirserver.rest.platform.versions import IfMatch
from fhirserver.world.configuration import Configured

router = APIRouter(tags=["agents"])

Reading = Annotated[Asked, needs(Right.READ)]
Configuring = Annotated[Asked, needs(Right.CONFIGURE)]
Number = Annotated[int, Path(ge=1, le=100_000, description="The number of a version")]
WHICH = r"^(?:draft|active|[1-9][0-9]{0,5})$"
Which = Annotated[
    str, Query(pattern=WHICH, max_length=6, description="`draft`, `active` or a version's number")
]
_KIND = "agent"
_SCHEMA = {
    "description": "The document; docs/platform/agents.md says what it may have, `agent-schema` its schema"
}


class NewAgent(Titled):
    """`id` stays for ever; the document becomes the draft, and may be unfinished."""

    id: NewId
    document: Annotated[Document, Field(max_length=100, json_schema_extra=dict(_SCHEMA))] = {}


class SentDocument(Sent):
    """The whole draft."""

    document: Annotated[Document, Field(max_length=100, json_schema_extra=dict(_SCHEMA))]


class Publication(Sent):
    """`note` says what is new, for people."""

    note: Text = ""


class Agent(Told):
    """An agent. `version` is the one in force: null where none is (`status` `draft`: never yet; `retired`: no more)."""

    id: str
    title: str
    description: str
    status: Literal["draft", "active", "retired"]
    version: int | None
    library: Link


class Drafted(Told):
    """The draft. `revision` counts its changes."""

    agent: str
    document: Document
    revision: str
    library: Link


class VersionTold(Told):
    """A version that was published; it never changes. `active`: it is in force."""

    agent: str
    version: int
    note: str
    active: bool
    library: Link


class VersionShown(VersionTold):
    """The same with its document."""

    document: Document


class DifferenceTold(Told):
    """One place in which two documents differ; lists of named things are compared by name."""

    pointer: str
    kind: Literal["added", "removed", "changed"]
    before: object = None
    after: object = None


class Comparison(Told):
    """What would change from one document to another."""

    before: str
    after: str
    differences: list[DifferenceTold]


class StateTold(Told):
    """A state of the context graph. `changed`: the document says something of it."""

    name: str
    kind: Literal["action", "decision", "data_collection", "annotation"]
    after: list[str]
    needs_identity: bool
    says: str
    max_turns: int
    form_after: int
    changed: bool


class GraphTold(Told):
    """The whole graph that a document comes to, with what it leaves to the ordinary one."""

    states: list[StateTold]


@router.get("/agents", summary="List the agents")
async def list_agents(asked: Reading, limit: Limit = 50, cursor: Cursor = "") -> Page[Agent]:
    """By their ids, each as it is in force."""
    found, following = await versions(asked).agents(limit, cursor)
    return Page[Agent](items=[_agent(asked, one) for one in found], next=following or None)


@router.post("/agents", status_code=201, summary="Make an agent", responses=problems(409))
async def create_agent(sent: NewAgent, asked: Configuring, response: Response) -> Agent:
    """With a draft, and nothing in force yet: the settings go on to answer."""
    head = await versions(asked).create(sent.id, sent.title, sent.description, sent.document)
    response.headers["Location"] = f"{asked.base}/agents/{sent.id}"
    with_etag(response, head)
    return _agent(asked, head)


@router.get("/agents/{id}", summary="An agent", responses=problems(404))
async def read_agent(id: OwnId, asked: Reading, response: Response) -> Agent:
    """As it is in force."""
    head = await versions(asked).agent(id)
    with_etag(response, head)
    return _agent(asked, head)


@router.patch("/agents/{id}", summary="Rename an agent", responses=problems(404, 409, 412))
async def change_agent(
    id: OwnId, sent: Renamed, asked: Configuring, response: Response, if_match: IfMatch = ""
) -> Agent:
    """Title and description; what it does is in its versions."""
    head = await versions(asked).rename(id, sent.title, sent.description, if_match)
    with_etag(response, head)
    return _agent(asked, head)


@router.delete("/agents/{id}", status_code=204, summary="Delete an agent", responses=problems(404, 409))
async def delete_agent(id: OwnId, asked: Configuring) -> None:
    """With its draft and versions, of which the FHIR history remains. One that is in force is retired first."""
    await versions(asked).delete(id)


@router.get("/agents/{id}/draft", summary="The draft", responses=problems(404))
async def read_draft(id: OwnId, asked: Reading, response: Response) -> Drafted:
    """What is worked on."""
    draft = await versions(asked).draft(id)
    with_etag(response, draft)
    return _draft(asked, id, draft)


@router.put("/agents/{id}/draft", summary="Save the draft", responses=problems(404, 409, 412))
async def save_draft(
    id: OwnId, sent: SentDocument, asked: Configuring, response: Response, if_match: IfMatch = ""
) -> Drafted:
    """It may have faults: `validate` tells them, and only a draft without errors can be published."""
    draft = await versions(asked).save(id, sent.document, if_match)
    with_etag(response, draft)
    return _draft(asked, id, draft)


@router.post("/agents/{id}/validate", summary="What is wrong with a document", responses=problems(404))
async def validate_agent(id: OwnId, sent: Checked, asked: Reading) -> Validation:
    """Of the draft, or of a document that is sent; nothing is stored."""
    document = (await versions(asked).draft(id)).document if sent.document is None else sent.document
    return validation(agents_of(asked).check(_KIND, document))


@router.get("/agents/{id}/versions", summary="List the versions", responses=problems(404))
async def list_versions(
    id: OwnId, asked: Reading, limit: Limit = 50, cursor: Cursor = ""
) -> Page[VersionTold]:
    """The latest first."""
    head = await versions(asked).agent(id)
    kept = await versions(asked).published(id)
    return paged([(f"{100_000 - int(v.version):06}", _version(asked, head, v)) for v in kept], cursor, limit)


@router.post(
    "/agents/{id}/versions", status_code=201, summary="Publish the draft", responses=problems(404, 409, 412)
)
async def publish_agent(
    id: OwnId, sent: Publication, asked: Configuring, response: Response, if_match: IfMatch = ""
) -> VersionTold:
    """Keep the draft as the next version, which is not in force by that. `If-Match` is the draft's ETag."""
    head = await versions(asked).agent(id)
    kept = await versions(asked).publish(id, sent.note, if_match)
    response.headers["Location"] = f"{asked.base}/agents/{id}/versions/{kept.version}"
    return _version(asked, head, kept)


@router.get("/agents/{id}/versions/{number}", summary="A version", responses=problems(404))
async def read_version(id: OwnId, number: Number, asked: Reading) -> VersionShown:
    """With its document."""
    head, kept = await versions(asked).agent(id), await versions(asked).version(id, number)
    told = _version(asked, head, kept)
    return VersionShown(**told.model_dump(), document=kept.document)


@router.post(
    "/agents/{id}/versions/{number}/activate",
    summary="Put a version into force",
    responses=problems(404, 409, 412),
)
async def activate_version(
    id: OwnId, number: Number, asked: Configuring, response: Response, if_match: IfMatch = ""
) -> Agent:
    """For conversations that begin from now on; an earlier one rolls back. `If-Match` is the agent's ETag."""
    head = await versions(asked).activate(id, number, if_match)
    with_etag(response, head)
    return _agent(asked, head)


@router.post("/agents/{id}/retire", summary="Take an agent out of force", responses=problems(404, 409, 412))
async def retire_agent(id: OwnId, asked: Configuring, response: Response, if_match: IfMatch = "") -> Agent:
    """What it answered is answered as the settings say."""
    head = await versions(asked).retire(id, if_match)
    with_etag(response, head)
    return _agent(asked, head)


@router.get("/agents/{id}/history", summary="What was in force when", responses=problems(404))
async def agent_history(id: OwnId, asked: Reading, limit: Limit = 50, cursor: Cursor = "") -> Page[Change]:
    """Every activation, retirement and renaming, with who did it; the latest first."""
    past = await versions(asked).history(id)
    return paged([(f"{number:06}", change(one)) for number, one in enumerate(past)], cursor, limit)


@router.get("/agents/{id}/compare", summary="Compare two documents", responses=problems(404))
async def compare_versions(
    id: OwnId, asked: Reading, before: Which = "active", after: Which = "draft"
) -> Comparison:
    """Place by place."""
    kept = versions(asked)
    one, other = await kept.document(id, before), await kept.document(id, after)
    found = [
        DifferenceTold.model_validate(
            {"pointer": d.pointer, "kind": d.kind, "before": d.before, "after": d.after}
        )
        for d in differences(one, other)
    ]
    return Comparison(before=before, after=after, differences=found)


@router.get("/agents/{id}/graph", summary="The context graph", responses=problems(404))
async def agent_graph(id: OwnId, asked: Reading, of: Which = "draft") -> GraphTold:
    """As a document makes it; of one that cannot be read, the ordinary graph."""
    states = agents_of(asked).graph(await versions(asked).document(id, of))
    told = [
        StateTold.model_validate({name: getattr(one, name) for name in StateTold.model_fields}, strict=False)
        for one in states
    ]
    return GraphTold(states=told)


def _agent(asked: Asked, head: Configured) -> Agent:
    return Agent.model_validate(
        {
            "id": head.id,
            "title": head.title,
            "description": head.description,
            "status": head.status,
            "version": int(head.version) if head.status == "active" and head.version.isdigit() else None,
            "library": link(asked, head),
        }
    )


def _draft(asked: Asked, id: str, draft: Configured) -> Drafted:
    return Drafted(agent=id, document=draft.document, revision=draft.revision, library=link(asked, draft))


def _version(asked: Asked, head: Configured, kept: Configured) -> VersionTold:
    if not kept.version.isdigit():
        raise refuse(Category.NOT_FOUND, "not-found", "There is no such version")
    active = head.status == "active" and head.version == kept.version
    agent = head.id
    return VersionTold(
        agent=agent,
        version=int(kept.version),
        note=kept.description,
        active=active,
        library=link(asked, kept),
    )
