"""``/platform/chat-services``: where apps' users write to an agent, and by whose word they are known."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from fhirserver.rest.platform.configuring import (
    Checked,
    Document,
    NewId,
    OwnId,
    Titled,
    Validation,
    agents_of,
    libraries,
    link,
    refuse_faults,
    validation,
    with_etag,
)
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import Cursor, Limit, Link, Page, Told, wrong
from fhirserver.rest.platform.versions import IfMatch
from fhirserver.world.configuration import Configured

router = APIRouter(prefix="/chat-services", tags=["chat services"])

Reading = Annotated[Asked, needs(Right.READ)]
Configuring = Annotated[Asked, needs(Right.CONFIGURE)]
KIND = "chat-service"


class SentService(Titled):
    """The whole service; docs/chat.md says what its document may have. It holds public keys only."""

    document: Annotated[Document, Field(max_length=100)]
    active: bool = True


class NewService(SentService):
    """`id` stands in the addresses of its conversations."""

    id: NewId


class ServiceTold(Told):
    """A chat service. One that is not `active` takes no conversations."""

    id: str
    title: str
    description: str
    active: bool
    document: Document
    library: Link


@router.get("", summary="List the chat services")
async def list_chat_services(asked: Reading, limit: Limit = 50, cursor: Cursor = "") -> Page[ServiceTold]:
    """By their ids."""
    found, following = await libraries(asked).page(KIND, ("_sort", "_id"), limit=limit, cursor=cursor)
    return Page[ServiceTold](items=[_told(asked, one) for one in found], next=following or None)


@router.post("", status_code=201, summary="Make a chat service", responses=problems(409))
async def create_chat_service(sent: NewService, asked: Configuring, response: Response) -> ServiceTold:
    """Its conversations can begin at once."""
    made = await _write(asked, sent.id, sent, only_new=True)
    response.headers["Location"] = f"{asked.base}/chat-services/{sent.id}"
    with_etag(response, made)
    return _told(asked, made)


@router.get("/{id}", summary="A chat service", responses=problems(404))
async def read_chat_service(id: OwnId, asked: Reading, response: Response) -> ServiceTold:
    """With its document."""
    found = await libraries(asked).read(KIND, id)
    with_etag(response, found)
    return _told(asked, found)


@router.put("/{id}", summary="Change a chat service", responses=problems(404, 409, 412))
async def change_chat_service(
    id: OwnId, sent: SentService, asked: Configuring, response: Response, if_match: IfMatch = ""
) -> ServiceTold:
    """The whole of it; conversations that go on keep what they began with."""
    await libraries(asked).read(KIND, id)
    changed = await _write(asked, id, sent, if_match)
    with_etag(response, changed)
    return _told(asked, changed)


@router.delete("/{id}", status_code=204, summary="Delete a chat service", responses=problems(404, 412))
async def delete_chat_service(id: OwnId, asked: Configuring, if_match: IfMatch = "") -> None:
    """No conversation begins there any more."""
    await libraries(asked).delete(KIND, id, if_match)


@router.post("/{id}/validate", summary="What is wrong with a chat service", responses=problems(404))
async def validate_chat_service(id: OwnId, sent: Checked, asked: Reading) -> Validation:
    """Of what is stored, or of a document that is sent; nothing is stored."""
    document = (await libraries(asked).read(KIND, id)).document if sent.document is None else sent.document
    return validation(agents_of(asked).check(KIND, document))


async def _write(
    asked: Asked, id: str, sent: SentService, if_match: str = "", only_new: bool = False
) -> Configured:
    refuse_faults(asked, KIND, sent.document)
    agent = sent.document.get("agent")
    if agent and await libraries(asked).find("agent", str(agent)) is None:
        raise wrong("/document/agent", f"There is no agent '{str(agent)[:64]}'")
    status = "active" if sent.active else "retired"
    stated = Configured(KIND, id, sent.title, sent.document, status, "", sent.description)
    return await libraries(asked).write(stated, if_match, only_new)


def _told(asked: Asked, one: Configured) -> ServiceTold:
    return ServiceTold(
        id=one.id,
        title=one.title,
        description=one.description,
        active=one.status == "active",
        document=one.document,
        library=link(asked, one),
    )
