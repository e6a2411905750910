"""``/platform/calls``: calls and conversations, past and under way; calling patients; what operators do on a call."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from fhirserver.interactions.live_calls import is_at_its_end, position, stream
from fhirserver.kernel.ids import is_id, new_id
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.ports.calls_out import CallOrder
from fhirserver.ports.live_calls import MAX_WORDS, LiveCall
from fhirserver.rest.platform.call_records import (
    CallDetail,
    CallListed,
    Channel,
    Direction,
    Status,
    Timeline,
    criteria,
    detailed,
    listed,
    live_only,
    moment_of,
    past,
)
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.once import IdempotencyKey, check_same
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import (
    Cursor,
    Id,
    Instant,
    Limit,
    Link,
    Page,
    Phone,
    Reference,
    Sent,
    Told,
    not_there,
)

router = APIRouter(prefix="/calls", tags=["calls"])

Reading = Annotated[Asked, needs(Right.READ)]
Acting = Annotated[Asked, needs(Right.ACT)]
Operating = Annotated[Asked, needs(Right.OPERATE)]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events of the call",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "The call is over, and everything was told"},
}


class NewCall(Sent):
    """A call out: the agent calls a patient for a reason. `to` is a number of the patient's record."""

    to: Phone
    patient: Annotated[Reference, Field(pattern=r"^Patient/[A-Za-z0-9.-]{1,64}$")]
    reason: Literal[
        "confirm", "reschedule", "insurance", "call_back", "follow_up", "rebook", "missing", "custom"
    ]


class CallOrdered(Told):
    """What became of it so far. `repeated`: the same was ordered before, and nothing was done now."""

    id: str
    communication: Link | None
    call: str
    status: str
    why: str = ""
    repeated: bool = False


class CallAction(Sent):
    """What an operator does on a live call. `say` speaks as the person who holds it, `guide` lets the agent say it;
    both and `wrap_up` need a `text`, `wrap_up` a `disposition` too."""

    action: Literal["listen", "guide", "take_over", "say", "hand_back", "wrap_up"]
    text: Annotated[str, Field(max_length=MAX_WORDS)] = ""
    disposition: Literal["", "resolved", "call_back", "sent_to_emergency", "no_action"] = ""


class LiveState(Told):
    """How a live call is: `risk` is 0 to 100, `stage` that of an escalation, `holder` who has taken over."""

    id: str
    communication: Link | None = None
    patient: Link | None = None
    started: Instant
    state: str
    risk: int
    level: str
    stage: str = ""
    priority: str = ""
    waiting: float = 0.0
    holder: str = ""
    listeners: list[str] = []
    emotion: str = ""
    ended: str = ""
    hears: bool = False
    speaks: bool = False


@router.get("", summary="List calls and conversations")
async def list_calls(
    asked: Reading,
    patient: Annotated[str, Query(pattern=r"^(Patient/[A-Za-z0-9.-]{1,64})?$")] = "",
    status: Status | None = None,
    direction: Direction | None = None,
    channel: Channel | None = None,
    since: Annotated[Instant | None, Query(alias="from", description="Begun then or later")] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Begun before then")] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Page[CallListed]:
    """Those on record, the latest first. What is under way is among them as soon as it is on record."""
    begin, end = (instant(at) if at else "" for at in (since, until))
    params = criteria(patient, status or "", direction or "", channel, begin, end)
    found = await asked.fhir.search("Communication", params, limit, cursor)
    live = {call.record: call.id for call in asked.platform.live.calls() if call.record}
    items = [listed(asked, one, live.get(f"Communication/{one['id']}", "")) for one in found.resources]
    return Page(items=items, next=found.next)


@router.get("/live", summary="List the calls under way")
async def list_live_calls(asked: Operating) -> Page[LiveState]:
    """The most pressing first, with those that wait for their wrap-up."""
    return Page(items=[_state(asked, call) for call in asked.platform.live.calls()])


@router.post(
    "",
    status_code=201,
    summary="Call a patient",
    responses={
        200: {"model": CallOrdered, "description": "It was ordered before"},
        **problems(404, 409),
    },
)
async def create_call(
    sent: NewCall, asked: Acting, response: Response, idempotency_key: IdempotencyKey = ""
) -> CallOrdered:
    """The agent calls. The same `Idempotency-Key` never calls again, however much later: it tells how that call
    stands. Who may not be called, or not at this hour, is refused (422, 403, 409)."""
    out = asked.platform.calls_out
    if out is None:
        raise refuse(Category.CONFLICT, "not-supported", "There is no telephone: [telephony] is not set")
    await check_same(asked, idempotency_key, "create_call", sent)
    id = _order_id(asked, idempotency_key) if idempotency_key else new_id()
    done = await out.order(CallOrder(id, sent.to, sent.patient, sent.reason), asked.name)
    if done.repeated:
        response.status_code = 200
    return CallOrdered(
        id=done.communication.partition("/")[2],
        communication=asked.link(done.communication),
        call=done.call,
        status=done.status,
        why=done.why,
        repeated=done.repeated,
    )


@router.get("/{id}", summary="A call or conversation", responses=problems(404, 410))
async def read_call(id: Id, asked: Reading) -> CallDetail:
    """With links to all that belongs to it. `id` is that of its Communication, or its live id."""
    live, record = await _found(asked, id)
    if record is None:
        assert live is not None
        return live_only(asked, live)
    return await detailed(asked, record, live.id if live and not live.ended else "")


@router.get("/{id}/timeline", summary="What happened on a call", responses=problems(404, 410))
async def read_call_timeline(id: Id, asked: Reading) -> Timeline:
    """Of a call that is over from its record; of one under way what has happened until now, for operators."""
    live, record = await _found(asked, id)
    if live is not None and not (live.ended and record is not None):
        _check_operates(asked)
        events = await asked.platform.live.so_far(live.id)
        return Timeline(live=not live.ended, moments=[moment_of(event) for event in events])
    assert record is not None
    return Timeline(live=False, moments=await past(asked, record))


@router.get("/{id}/live", summary="How a live call is", responses=problems(404, 409, 410))
async def read_live_call(id: Id, asked: Operating) -> LiveState:
    """Also of one that is over, for a while."""
    return _state(asked, await _live(asked, id))


@router.get(
    "/{id}/events",
    summary="Follow a live call",
    response_class=StreamingResponse,
    responses={**_STREAM, **problems(404, 409, 410)},
)
async def follow_call(
    id: Id, asked: Operating, last_event_id: Annotated[str, Header(max_length=20)] = ""
) -> Response:
    """Server-sent events from the one behind `Last-Event-ID` on, until the call is over."""
    platform, call, after = asked.platform, await _live(asked, id), position(last_event_id)
    if is_at_its_end(platform.live, call.id, after):
        return Response(status_code=204)
    events = stream(platform.live, call.id, after, platform.ending)
    return StreamingResponse(events, media_type="text/event-stream")


@router.post("/{id}/actions", summary="Act on a live call", responses=problems(404, 409, 410))
async def act_on_call(id: Id, sent: CallAction, asked: Operating) -> LiveState:
    """Listen, guide, take over, say, hand back, wrap up: as the person that the key or token stands for."""
    call = await _live(asked, id)
    done = await asked.platform.live.act(call.id, sent.action, asked.name, sent.text, sent.disposition)
    return _state(asked, done)


async def _found(asked: Asked, id: str) -> tuple[LiveCall | None, JsonObject | None]:
    """What is under way, or was a moment ago, and what is on record, by either id. Refuses (404, 410) neither."""
    board = asked.platform.live
    live = board.call(id) or next((one for one in board.calls() if one.record == f"Communication/{id}"), None)
    of = live.record.partition("/")[2] if live is not None else id
    if live is not None:
        return live, await asked.fhir.find("Communication", of) if of else None
    if not is_id(id):
        raise not_there("call")
    return None, await asked.fhir.read("Communication", id)


async def _live(asked: Asked, id: str) -> LiveCall:
    live, _ = await _found(asked, id)
    if live is None:
        raise refuse(Category.CONFLICT, "conflict", "This call is over")
    return live


def _check_operates(asked: Asked) -> None:
    if not asked.may(Right.OPERATE):
        text = f"The role '{asked.role}' may not follow a live call: it needs the right 'operate'"
        raise refuse(Category.FORBIDDEN, "forbidden", text)


def _state(asked: Asked, call: LiveCall) -> LiveState:
    return LiveState(
        id=call.id,
        communication=asked.link(call.record),
        patient=asked.link(call.patient),
        started=call.started,
        state=call.state,
        risk=call.risk,
        level=call.level,
        stage=call.stage,
        priority=call.priority,
        waiting=round(call.waiting, 1),
        holder=call.holder,
        listeners=list(call.listeners),
        emotion=call.emotion,
        ended=call.ended,
        hears=call.hears,
        speaks=call.speaks,
    )


def _order_id(asked: Asked, key: str) -> str:
    """The name of the one call that is meant by a key of who asks."""
    named = "\x00".join((asked.workspace, asked.name, key)).encode()
    return f"p-{hashlib.sha256(named).hexdigest()[:40]}"
