"""``/platform/phone-numbers``: which agent answers which of our numbers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import StringConstraints

from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.rest.platform.configuring import libraries, link, with_etag
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import Cursor, Limit, Line, Link, Page, Phone, Sent, Told, wrong
from fhirserver.rest.platform.versions import IfMatch
from fhirserver.world.configuration import Configured
from fhirserver.world.configured.agent import PhoneNumber as Document
from fhirserver.world.configured.parts import ID, written

router = APIRouter(prefix="/phone-numbers", tags=["phone numbers"])

Reading = Annotated[Asked, needs(Right.READ)]
Configuring = Annotated[Asked, needs(Right.CONFIGURE)]
KIND = "phone-number"
NumberId = Annotated[
    str, Path(pattern=r"^phone-[1-9][0-9]{6,14}$", description="`phone-` and the digits of the number")
]


class Answering(Sent):
    """Which agent answers: calls, text messages, or both. Without one the settings say how it is answered."""

    title: Line
    agent: Annotated[str, StringConstraints(pattern=ID)] | None = None
    calls: bool = True
    texts: bool = True


class NewNumber(Answering):
    """`number` in E.164, as Twilio has it."""

    number: Phone


class NumberTold(Told):
    """One of our numbers."""

    id: str
    number: str
    title: str
    agent: str | None
    calls: bool
    texts: bool
    library: Link


@router.get("", summary="List our numbers")
async def list_phone_numbers(asked: Reading, limit: Limit = 50, cursor: Cursor = "") -> Page[NumberTold]:
    """By their digits."""
    found, following = await libraries(asked).page(KIND, ("_sort", "_id"), limit=limit, cursor=cursor)
    return Page[NumberTold](items=[_told(asked, one) for one in found], next=following or None)


@router.post("", status_code=201, summary="Add a number", responses=problems(409))
async def create_phone_number(sent: NewNumber, asked: Configuring, response: Response) -> NumberTold:
    """From now on its calls and messages are answered by the agent that is named."""
    id = f"phone-{sent.number.removeprefix('+')}"
    made = await _write(asked, id, sent.number, sent, only_new=True)
    response.headers["Location"] = f"{asked.base}/phone-numbers/{id}"
    with_etag(response, made)
    return _told(asked, made)


@router.get("/{id}", summary="A number", responses=problems(404))
async def read_phone_number(id: NumberId, asked: Reading, response: Response) -> NumberTold:
    """Who answers it."""
    found = await libraries(asked).read(KIND, id)
    with_etag(response, found)
    return _told(asked, found)


@router.put("/{id}", summary="Change who answers a number", responses=problems(404, 409, 412))
async def change_phone_number(
    id: NumberId, sent: Answering, asked: Configuring, response: Response, if_match: IfMatch = ""
) -> NumberTold:
    """For calls and conversations that begin from now on."""
    before = await libraries(asked).read(KIND, id)
    changed = await _write(asked, id, str(before.document.get("number", "")), sent, if_match)
    with_etag(response, changed)
    return _told(asked, changed)


@router.delete("/{id}", status_code=204, summary="Remove a number", responses=problems(404, 412))
async def delete_phone_number(id: NumberId, asked: Configuring, if_match: IfMatch = "") -> None:
    """It is answered as the settings say."""
    await libraries(asked).delete(KIND, id, if_match)


async def _write(
    asked: Asked, id: str, number: str, sent: Answering, if_match: str = "", only_new: bool = False
) -> Configured:
    if sent.agent is not None and await libraries(asked).find("agent", sent.agent) is None:
        raise wrong("/agent", f"There is no agent '{sent.agent}'")
    if not (sent.calls or sent.texts):
        raise refuse(
            Category.UNPROCESSABLE, "value", "A number is answered for calls, texts or both", "/calls"
        )
    document = written(Document(number=number, agent=sent.agent or "", calls=sent.calls, texts=sent.texts))
    stated = Configured(KIND, id, sent.title, document, "active")
    return await libraries(asked).write(stated, if_match, only_new)


def _told(asked: Asked, one: Configured) -> NumberTold:
    document = Document.model_validate(one.document)
    return NumberTold(
        id=one.id,
        number=document.number,
        title=one.title,
        agent=document.agent or None,
        calls=document.calls,
        texts=document.texts,
        library=link(asked, one),
    )
