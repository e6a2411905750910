"""``/platform/connectors``: how the EHRs' connectors are, and what can be asked of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from fhirserver.kernel.instants import parse_instant
from fhirserver.kernel.json import JsonObject
from fhirserver.kernel.outcomes import Category, Refusal
from fhirserver.ports.connectors import Connectors, ConnectorStatus
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.fhir import next_of
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import (
    Cursor,
    Id,
    Instant,
    Limit,
    Line,
    Link,
    Page,
    Reference,
    Sent,
    Told,
    not_there,
    paged,
)

router = APIRouter(prefix="/connectors", tags=["connectors"])

Reading = Annotated[Asked, needs(Right.READ)]
Operating = Annotated[Asked, needs(Right.OPERATE)]
_ENDPOINT = "Endpoint"
MOST_LETTERS = 200


class Connector(Told):
    """One connector. `lag` is the age in seconds of the oldest change that waits for the EHR, `queue` how many wait;
    `rate` the requests a second that it may get (0: any), `requests` those of late."""

    id: str
    endpoint: Link | None
    kind: str
    source: str
    state: str
    freshness: str
    breaker: str
    problem: str = ""
    error: str = ""
    since: Instant | None = None
    last_exchange: Instant | None = None
    last_pull: Instant | None = None
    last_push: Instant | None = None
    syncing: bool
    queue: int
    lag: float
    dead_letters: int
    rate: float
    requests: float
    counts: dict[str, int]


class DeadLetter(Told):
    """What could not be written to the EHR, or taken in from it: a Task."""

    task: Link
    about: Link | None = None
    since: Instant | None = None


class Letters(Sent):
    """Which dead letters; all of the connector where none is named."""

    tasks: Annotated[list[Reference], Field(max_length=MOST_LETTERS)] = []


class Discarded(Sent):
    """Which dead letters nobody shall try again, and why."""

    tasks: Annotated[list[Reference], Field(min_length=1, max_length=MOST_LETTERS)]
    reason: Line


class LetterDecided(Told):
    """What became of one: 200, or 404 or 409 where it is no dead letter any more."""

    task: Link | None
    status: int


class LettersDecided(Told):
    """What became of each."""

    results: list[LetterDecided]


@router.get("", summary="List the connectors")
async def list_connectors(asked: Reading, limit: Limit = 50, cursor: Cursor = "") -> Page[Connector]:
    """By name. Which connectors there are is said by Endpoints."""
    found = paged([(name, name) for name in await _connectors(asked).names()], cursor, limit)
    told = [_told(asked, await _connectors(asked).status(name)) for name in found.items]
    return Page(items=told, next=found.next)


@router.get("/{id}", summary="A connector", responses=problems(404))
async def read_connector(id: Id, asked: Reading) -> Connector:
    """How it is doing, whichever process works on it."""
    return _told(asked, await _status(asked, id))


@router.post("/{id}/pause", summary="Pause a connector", responses=problems(404, 405))
async def pause_connector(id: Id, asked: Operating) -> Connector:
    """Nothing is asked of the EHR any more, and nothing is sent; what is to be written waits."""
    return await _operated(asked, id, "pause")


@router.post("/{id}/resume", summary="Resume a connector", responses=problems(404, 405))
async def resume_connector(id: Id, asked: Operating) -> Connector:
    """It works again."""
    return await _operated(asked, id, "resume")


@router.post("/{id}/sync", status_code=202, summary="Sync now", responses=problems(404, 409))
async def sync_connector(id: Id, asked: Operating) -> Connector:
    """A pull is asked for, also outside its hours, and what waits to be written is tried. 409 where one runs, or the
    connector is paused, off, or its EHR does not answer."""
    try:
        return await _operated(asked, id, "sync")
    except Refusal as refusal:
        if refusal.category is Category.BUSY:
            raise Refusal(Category.CONFLICT, refusal.issues) from None
        raise


@router.get("/{id}/dead-letters", summary="List dead letters", responses=problems(404))
async def list_dead_letters(
    id: Id, asked: Operating, limit: Limit = 50, cursor: Cursor = ""
) -> Page[DeadLetter]:
    """The oldest first."""
    params = [("_count", str(limit)), *([("_cursor", cursor)] if cursor else [])]
    bundle = await asked.fhir.ask("dead-letters", _ENDPOINT, await _endpoint(asked, id), params)
    tasks = [entry["resource"] for entry in bundle.get("entry", ())]
    return Page(items=[_letter(asked, task) for task in tasks], next=next_of(bundle))


@router.post("/{id}/dead-letters/retry", summary="Try dead letters again", responses=problems(404))
async def retry_dead_letters(id: Id, sent: Letters, asked: Operating) -> LettersDecided:
    """Each by itself; a sync is asked for with it."""
    endpoint = await _endpoint(asked, id)
    return _results(asked, await asked.fhir.operate("retry", _ENDPOINT, endpoint, task=sent.tasks))


@router.post("/{id}/dead-letters/discard", summary="Discard dead letters", responses=problems(404))
async def discard_dead_letters(id: Id, sent: Discarded, asked: Operating) -> LettersDecided:
    """They are cancelled, with the reason."""
    endpoint = await _endpoint(asked, id)
    done = await asked.fhir.operate("discard", _ENDPOINT, endpoint, task=sent.tasks, reason=sent.reason)
    return _results(asked, done)


def _connectors(asked: Asked) -> Connectors:
    found = asked.platform.context.connectors
    if found is None:
        raise not_there("connector")
    return found


async def _status(asked: Asked, id: str) -> ConnectorStatus:
    if id not in await _connectors(asked).names():
        raise not_there("connector")
    return await _connectors(asked).status(id)


async def _endpoint(asked: Asked, id: str) -> str:
    return (await _status(asked, id)).endpoint


async def _operated(asked: Asked, id: str, name: str) -> Connector:
    await asked.fhir.operate(name, _ENDPOINT, await _endpoint(asked, id))
    return _told(asked, await _status(asked, id))


def _letter(asked: Asked, task: JsonObject) -> DeadLetter:
    authored = str(task.get("authoredOn", ""))
    link = asked.link(f"Task/{task['id']}")
    assert link is not None
    return DeadLetter(
        task=link,
        about=asked.link(str(task.get("focus", {}).get("reference", ""))),
        since=parse_instant(authored) if "T" in authored else None,
    )


def _results(asked: Asked, answer: JsonObject) -> LettersDecided:
    told = []
    for one in answer.get("parameter", ()):
        parts = {part["name"]: part for part in one.get("part", ())}
        task = asked.link(str(parts["task"]["valueReference"]["reference"]))
        told.append(LetterDecided(task=task, status=parts["status"]["valueInteger"]))
    return LettersDecided(results=told)


def _told(asked: Asked, status: ConnectorStatus) -> Connector:
    moments = {
        "since": status.since,
        "last_exchange": status.last_exchange,
        "last_pull": status.last_pull,
        "last_push": status.last_push,
    }
    return Connector(
        id=status.name,
        endpoint=asked.link(f"{_ENDPOINT}/{status.endpoint}") if status.endpoint else None,
        kind=status.kind,
        source=status.source,
        state=status.state,
        freshness=status.freshness,
        breaker=status.breaker,
        problem=status.problem,
        error=status.error,
        syncing=status.syncing,
        queue=status.queue,
        lag=round(status.lag, 1),
        dead_letters=status.dead_letters,
        rate=status.rate,
        requests=round(status.requests, 1),
        counts=dict(status.counts),
        **{name: parse_instant(at) for name, at in moments.items() if at},
    )
