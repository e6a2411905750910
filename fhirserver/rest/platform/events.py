"""``/platform/events``: what happens, straight from the log, as a stream or in pages.

An event says that there is a new version of a resource and what that means; what the version says is read over FHIR.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from fhirserver.interactions.events.event import DomainEvent, Filter
from fhirserver.interactions.events.place import BEGINNING, PATTERN, Place
from fhirserver.interactions.events.stream import Beat, Item, Teller, begin, page, stream
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import dumps
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.model.definitions import definitions
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.problems import HEADERS
from fhirserver.rest.platform.rights import RIGHTS, Asked, Right, needs, role_of
from fhirserver.rest.platform.shapes import Limit, Link, Page, Told, wrong
from fhirserver.world.domain_events import TYPES, unknown

router = APIRouter(tags=["events"])

SSE, NDJSON = "text/event-stream", "application/x-ndjson"
_RETRY: Final = b"retry: 1000\n\n"

_EventId = Annotated[str, Query(pattern=f"({PATTERN})|^$", max_length=19, description="An event's id")]
_Since = Annotated[
    AwareDatetime | None, Query(description="Begin with the first event at or after this moment")
]
_Types = Annotated[
    list[str],
    Query(
        max_length=64,
        description="Types of events, or families such as `appointment.*`; several times, or with commas. None: all",
    ),
]
_Resources = Annotated[list[str], Query(max_length=64, description="Types of resources. None: all")]


class EventType(Told):
    """A type of events, and when there is one."""

    type: str
    description: str


class EventTypes(Told):
    """All types that there are."""

    items: list[EventType]


class Event(Told):
    """One event. `resource` is the version that it made (of a deletion the one that is no more), `related` what else
    it is about; `id` is the same wherever the event is told of, and greater than that of every event before."""

    id: str
    type: str
    change: str
    at: str
    resource: Link
    provenance: Link
    source: str
    related: list[Link]


@router.get("/events/types")
async def list_event_types(asked: Annotated[Asked, needs(Right.READ)]) -> EventTypes:
    """The types of events."""
    return EventTypes(items=[EventType(type=type, description=said) for type, said in TYPES.items()])


@router.get("/events/history")
async def list_events(
    asked: Annotated[Asked, needs(Right.READ)],
    cursor: _EventId = "",
    since: _Since = None,
    types: _Types = [],  # noqa: B006 - FastAPI copies it
    resources: _Resources = [],  # noqa: B006
    limit: Limit = 50,
) -> Page[Event]:
    """What has happened, in order, from the beginning of the log, a moment, or behind an event (`cursor`).

    A page may have fewer events than asked for, or none, where what is wanted is rare. `cursor` may be the id of any
    event: that of the last one leads on to what has happened since.
    """
    wanted = filter_of(types, resources)
    platform, tail = asked.platform, asked.platform.tail
    after: Place = BEGINNING
    if cursor or since:
        after = await begin(tail, platform.context, cursor, _moment(since))
    teller = Teller(platform.context, asked.principal)
    found, reached, more = await page(tail, teller, after, wanted, limit)
    return Page(items=[_event(asked, one) for one in found], next=reached.text if more else None)


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events until the client leaves or the server stops; where it is quiet, heartbeats "
            "(`event: heartbeat`, or `type` `heartbeat`) whose id is where to go on",
            "content": {SSE: {"schema": {"type": "string"}}, NDJSON: {"schema": {"type": "string"}}},
        },
        **problems(503),
    },
)
async def stream_events(
    asked: Annotated[Asked, needs(Right.READ)],
    request: Request,
    last_event_id: Annotated[
        str,
        Header(max_length=64, description="The id of the last event that came: what is behind it is told"),
    ] = "",
    after: _EventId = "",
    since: _Since = None,
    types: _Types = [],  # noqa: B006
    resources: _Resources = [],  # noqa: B006
    accept: Annotated[str, Header(max_length=1000)] = SSE,
) -> StreamingResponse:
    """What happens from now on, or from an event or a moment on, however long ago: server-sent events, or NDJSON."""
    wanted = filter_of(types, resources)
    platform = asked.platform
    if platform.streams.locked():
        busy = refuse(Category.BUSY, "throttled", "Too many streams are open here: come again")
        busy.headers["Retry-After"] = "5"
        raise busy
    first = await begin(platform.tail, platform.context, last_event_id or after, _moment(since))
    teller = Teller(platform.context, asked.principal)
    authorization = request.headers.get("authorization")

    async def may_go_on() -> bool:
        try:
            principal = await platform.principals.known(authorization)
        except Refusal:
            return False
        return Right.READ in RIGHTS.get(role_of(principal), ())

    items = stream(platform.tail, teller, first, wanted, may_go_on, platform.ending)
    lines = NDJSON in accept or "application/ndjson" in accept
    told = _lines(asked, items) if lines else _sent(asked, items)
    headers = {**HEADERS, "X-Accel-Buffering": "no"}
    return StreamingResponse(told, headers=headers, media_type=NDJSON if lines else SSE)


def filter_of(types: list[str], resources: list[str], at: str = "") -> Filter:
    """What is asked for, with commas or one by one. Refuses (422) types that there are not; ``at`` is before the names
    of the places, ``/`` for members of a body."""
    events, of = frozenset(_each(types)), frozenset(_each(resources))
    if strange := unknown(events):
        raise wrong(f"{at}types", f"There is no type '{strange[0][:64]}': /platform/events/types has all")
    if strange := sorted(of - definitions().resource_types):
        raise wrong(f"{at}resources", f"'{strange[0][:64]}' is no type of resources")
    return Filter(events, of)


def _each(texts: list[str]) -> list[str]:
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]


def _moment(since: AwareDatetime | None) -> str:
    """As an instant. Refuses (422) what is outside of the years that there are."""
    try:
        return instant(since) if since else ""
    except ValueError:
        raise wrong("since", "This is no moment that can be told in UTC") from None


def _event(asked: Asked, event: DomainEvent) -> Event:
    return Event.model_validate(event.as_json(asked.platform.context.base_url))


async def _sent(asked: Asked, items: AsyncIterator[Item]) -> AsyncIterator[bytes]:
    """As server-sent events."""
    base = asked.platform.context.base_url
    async with asked.platform.streams:
        yield _RETRY
        async for item in items:
            if isinstance(item, Beat):
                yield f"id: {item.place.text}\nevent: heartbeat\ndata: {{}}\n\n".encode()
            else:
                yield b"id: %b\ndata: %b\n\n" % (item.id.encode(), dumps(item.as_json(base)))


async def _lines(asked: Asked, items: AsyncIterator[Item]) -> AsyncIterator[bytes]:
    """As lines of JSON."""
    base = asked.platform.context.base_url
    async with asked.platform.streams:
        async for item in items:
            told: dict[str, Any] = (
                {"id": item.place.text, "type": "heartbeat"} if isinstance(item, Beat) else item.as_json(base)
            )
            yield dumps(told) + b"\n"
