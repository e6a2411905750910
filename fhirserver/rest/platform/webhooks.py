"""``/platform/webhooks``: endpoints that are sent events, signed by the Standard Webhooks.

https://www.standardwebhooks.com. Nothing is sent from here: what is kept is seen by the process that sends.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, Field, StringConstraints

from fhirserver.interactions.events.event import Filter
from fhirserver.interactions.events.place import PATTERN, Place, place_of
from fhirserver.interactions.events.stream import begin
from fhirserver.interactions.subscription.wanted import Wanted
from fhirserver.interactions.webhooks.condition import Condition
from fhirserver.interactions.webhooks.records import (
    CURSOR,
    MOST_WEBHOOKS,
    REPLAY_SECONDS,
    Attempt,
    Progress,
    Replay,
    WebhookRecords,
)
from fhirserver.interactions.webhooks.webhook import ACTIVE, Webhook, secret_of
from fhirserver.kernel.ids import new_id
from fhirserver.kernel.instants import instant
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.events import filter_of
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import (
    Cursor,
    Id,
    Instant,
    Limit,
    Page,
    Sent,
    Text,
    Told,
    not_there,
    paged,
    wrong,
)
from fhirserver.rest.platform.versions import IfMatch, check_match

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

Configuring = Annotated[Asked, needs(Right.CONFIGURE)]
Status: TypeAlias = Literal["active", "paused", "disabled"]
_LONGEST_OVERLAP = 30 * 86_400
_MOST_REPLAYS = 20
LONGEST_SPAN = 100_000
"""Commits of the log that one replay may cover."""

Url = Annotated[str, StringConstraints(min_length=1, max_length=2048, pattern=r"^https?://[\x21-\x7e]+$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Words = Annotated[list[Word], Field(max_length=64)]
FhirPath = Annotated[str, StringConstraints(max_length=1000)]
EventId = Annotated[str, StringConstraints(pattern=PATTERN)]


class NewWebhook(Sent):
    """`types` are types of events or families (`appointment.*`), `resources` types of resources; none: all.

    `condition` is FHIRPath that must be true of the version that an event is about, with `%previous` and `%current`.
    `since`: begin with the first event at or after this moment; without, with what happens from now on.
    """

    url: Url
    types: Words = []
    resources: Words = []
    condition: FhirPath = ""
    description: Text = ""
    since: AwareDatetime | None = None


class WebhookChange(Sent):
    """What is to be another. `status` `active` turns on what was paused or disabled: it goes on where it was."""

    url: Url | None = None
    types: Words | None = None
    resources: Words | None = None
    condition: FhirPath | None = None
    description: Text | None = None
    status: Literal["active", "paused"] | None = None


class WebhookTold(Told):
    """A webhook. `reason` says why it is `disabled`; `failures` attempts in a row have failed since `failing_since`.
    `place` is the id behind the last event that was taken; `overlap` the end of the secret before."""

    id: str
    url: str
    types: list[str]
    resources: list[str]
    condition: str
    description: str
    status: Status
    reason: str = ""
    created: Instant
    by: str
    overlap: Instant | None = None
    place: str
    delivered: int
    last_delivered: Instant | None = None
    failures: int
    failing_since: Instant | None = None


class WebhookShown(WebhookTold):
    """A webhook with its secret, this once."""

    secret: str


class SecretRotation(Sent):
    """For how long deliveries are signed with the secret before as well."""

    overlap_seconds: Annotated[int, Field(ge=0, le=_LONGEST_OVERLAP)] = 86_400


class SecretShown(Told):
    """A new secret, this once; the one before goes on to be signed with until `overlap`."""

    secret: str
    overlap: Instant | None = None


class Delivery(Told):
    """One attempt at one delivery. `status` is what was answered (0: nothing), `latency` in milliseconds, `reason` why
    it was not taken; `replay` says that it was asked for again."""

    at: Instant
    event: str
    type: str
    number: int
    status: int
    latency: int
    delivered: bool
    reason: str
    replay: bool


class ReplayAsked(Sent):
    """One `event` by its id, or all `after` an event (or `since` a moment) up to and with the event `until`, or up to
    now."""

    event: EventId | None = None
    after: EventId | None = None
    since: AwareDatetime | None = None
    until: EventId | None = None


class Queued(Told):
    """It will be sent as soon as the endpoint takes it; `id` is that of the ping, or names the replay."""

    id: str


@router.get("", summary="List the webhooks")
async def list_webhooks(asked: Configuring, limit: Limit = 50, cursor: Cursor = "") -> Page[WebhookTold]:
    """All webhooks of the workspace, by their ids."""
    records = _records(asked)
    told = [(one.id, await _told(records, one)) for one in await records.all()]
    return paged(told, cursor, limit)


@router.post("", status_code=201, summary="Make a webhook", responses=problems(409))
async def create_webhook(sent: NewWebhook, asked: Configuring, response: Response) -> WebhookShown:
    """An endpoint that is sent events from now on, or since a moment. Its secret is told here and never again."""
    records, platform = _records(asked), asked.platform
    if len(await records.all()) >= MOST_WEBHOOKS:
        raise refuse(
            Category.CONFLICT, "too-costly", f"There are {MOST_WEBHOOKS} webhooks already: delete one"
        )
    since = _instant(sent.since)
    webhook = Webhook(
        new_id(),
        _checked(asked, sent.url),
        filter_of(sent.types, sent.resources, "/"),
        Condition(sent.condition).text,
        sent.description,
        begins=(await begin(platform.tail, platform.context, "", since)).text,
        created=platform.context.store.now(),
        by=asked.name,
    )
    kept = await records.write(webhook)
    assert kept is not None, "an id was made twice"
    _tell_version(response, kept)
    response.headers["Location"] = f"{asked.base}/webhooks/{kept.id}"
    secret = secret_of(platform.context.key, kept.id, kept.generation)
    return WebhookShown(secret=secret, **(await _told(records, kept)).model_dump())


@router.get("/{id}", summary="A webhook", responses=problems(404))
async def read_webhook(id: Id, asked: Configuring, response: Response) -> WebhookTold:
    """One webhook, how far it has got and how it does."""
    webhook = await _webhook(asked, id)
    _tell_version(response, webhook)
    return await _told(_records(asked), webhook)


@router.patch("/{id}", summary="Change a webhook", responses=problems(404, 409, 412))
async def change_webhook(
    id: Id, sent: WebhookChange, asked: Configuring, response: Response, if_match: IfMatch = ""
) -> WebhookTold:
    """Where it goes, what it is told, or whether it is at work. What it has not been told yet is judged anew."""
    webhook = await _webhook(asked, id)
    check_match(if_match, _etag(webhook))
    old = webhook.filter
    wanted = filter_of(
        sorted(old.types) if sent.types is None else sent.types,
        sorted(old.resources) if sent.resources is None else sent.resources,
        "/",
    )
    changed = replace(
        webhook,
        url=webhook.url if sent.url is None else _checked(asked, sent.url),
        filter=wanted,
        condition=webhook.condition if sent.condition is None else Condition(sent.condition).text,
        description=webhook.description if sent.description is None else sent.description,
        status=sent.status or webhook.status,
        reason="" if sent.status else webhook.reason,
    )
    kept = await _keep(asked, changed)
    _tell_version(response, kept)
    return await _told(_records(asked), kept)


@router.delete("/{id}", status_code=204, summary="Delete a webhook", responses=problems(404, 409))
async def delete_webhook(id: Id, asked: Configuring) -> None:
    """Nothing more is sent there, and how it went is forgotten."""
    if not await _records(asked).remove(await _webhook(asked, id)):
        raise _raced()


@router.post("/{id}/rotate", summary="Give a webhook another secret", responses=problems(404, 409))
async def rotate_webhook_secret(id: Id, sent: SecretRotation, asked: Configuring) -> SecretShown:
    """For a while each delivery has two signatures, so that the receiver can change over when it likes."""
    webhook = await _webhook(asked, id)
    until = asked.platform.context.clock.now() + timedelta(seconds=sent.overlap_seconds)
    overlap = instant(until) if sent.overlap_seconds else ""
    kept = await _keep(asked, replace(webhook, generation=webhook.generation + 1, overlap=overlap))
    secret = secret_of(asked.platform.context.key, id, kept.generation)
    return SecretShown(secret=secret, overlap=_moment(overlap))


@router.get("/{id}/deliveries", summary="How deliveries went", responses=problems(404))
async def list_deliveries(
    id: Id,
    asked: Configuring,
    cursor: Annotated[str, Query(pattern=f"({CURSOR})|^$", max_length=21)] = "",
    limit: Limit = 50,
) -> Page[Delivery]:
    """Every attempt of the last thirty days, the latest first; never what was sent. It is kept once a second."""
    await _webhook(asked, id)
    found, behind = await _records(asked).attempts(id, cursor, limit)
    return Page(items=[_delivery(one) for one in found], next=behind or None)


@router.post("/{id}/ping", status_code=202, summary="Send a test message", responses=problems(404, 409))
async def ping_webhook(id: Id, asked: Configuring) -> Queued:
    """A `webhook.ping` that says nothing, signed like any other; `deliveries` says what became of it."""
    await _check_active(asked, id)
    name = f"ping-{new_id()}"
    await _ask(asked, id, Replay(_key(), ping=name))
    return Queued(id=name)


@router.post("/{id}/replay", status_code=202, summary="Send events once more", responses=problems(404, 409))
async def replay_events(id: Id, sent: ReplayAsked, asked: Configuring) -> Queued:
    """With the ids that they had, between what is new. Of those that the webhook is told of by now."""
    await _check_active(asked, id)
    after, until = await _span(asked, sent)
    key = _key()
    await _ask(asked, id, Replay(key, after.text, until.text))
    return Queued(id=key)


async def _span(asked: Asked, sent: ReplayAsked) -> tuple[Place, Place]:
    """Behind which place, and up to which. Refuses (422) what is none."""
    head = await asked.platform.tail.head()
    if sent.event is not None:
        if sent.after or sent.since or sent.until:
            raise wrong("/event", "Name one event, or a span, and not both")
        place = _place(sent.event, head, "/event")
        return Place(place.position, place.number - 1), place
    if (sent.after is None) == (sent.since is None):
        raise wrong("/after", "A span begins either after an event or since a moment")
    if sent.after is not None:
        after = _place(sent.after, head, "/after")
    else:
        after = await begin(asked.platform.tail, asked.platform.context, "", _instant(sent.since))
    until = head if sent.until is None else _place(sent.until, head, "/until")
    if until.position - after.position > LONGEST_SPAN:
        raise wrong(
            "/until",
            f"A span covers {LONGEST_SPAN} commits at most: end it earlier, and ask again from there",
        )
    return after, until


def _place(text: str, head: Place, pointer: str) -> Place:
    place = place_of(text)
    if place is None or not place.position or not place.number or place > head:
        raise wrong(pointer, "There has been no such event")
    return place


async def _ask(asked: Asked, id: str, replay: Replay) -> None:
    records = _records(asked)
    if len(await records.replays(id, _MOST_REPLAYS)) >= _MOST_REPLAYS:
        text = f"{_MOST_REPLAYS} replays of this webhook wait already"
        raise refuse(Category.CONFLICT, "throttled", text)
    await records.ask_again(id, replay, int(time.time()) + REPLAY_SECONDS)


async def _check_active(asked: Asked, id: str) -> None:
    if (await _webhook(asked, id)).status != ACTIVE:
        raise refuse(Category.CONFLICT, "conflict", "The webhook is not active: nothing is sent to it")


def _key() -> str:
    """In the order of time."""
    return f"{time.time_ns() // 1000:016x}-{new_id()[:8]}"


def _records(asked: Asked) -> WebhookRecords:
    return WebhookRecords(asked.platform.records)


async def _webhook(asked: Asked, id: str) -> Webhook:
    found = await _records(asked).read(id)
    if found is None:
        raise not_there("webhook")
    return found.at(asked.platform.context.store.now())


async def _keep(asked: Asked, webhook: Webhook) -> Webhook:
    kept = await _records(asked).write(webhook)
    if kept is None:
        raise _raced()
    return kept


def _raced() -> Exception:
    return refuse(
        Category.CONFLICT, "conflict", "Somebody else changed the webhook at this moment: read it again"
    )


def _checked(asked: Asked, url: str) -> str:
    """The URL. Refuses (422) one that nothing may be sent to."""
    wanted = Wanted("", "requested", channel="rest-hook", endpoint=url)
    if issues := asked.platform.context.channels.issues(wanted):
        raise wrong("/url", issues[0].diagnostics)
    return url


def _etag(webhook: Webhook) -> str:
    return f'W/"{webhook.revision}"'


def _tell_version(response: Response, webhook: Webhook) -> None:
    response.headers["ETag"] = _etag(webhook)


def _instant(at: datetime | None) -> str:
    try:
        return instant(at) if at else ""
    except ValueError:
        raise wrong("/since", "This is no moment that can be told in UTC") from None


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


async def _told(records: WebhookRecords, webhook: Webhook) -> WebhookTold:
    progress, _ = await records.progress(webhook.id)
    return _shape(webhook, progress)


def _shape(webhook: Webhook, progress: Progress) -> WebhookTold:
    wanted: Filter = webhook.filter
    return WebhookTold.model_validate(
        {
            "id": webhook.id,
            "url": webhook.url,
            "types": sorted(wanted.types),
            "resources": sorted(wanted.resources),
            "condition": webhook.condition,
            "description": webhook.description,
            "status": webhook.status,
            "reason": webhook.reason,
            "created": webhook.created,
            "by": webhook.by,
            "overlap": webhook.overlap or None,
            "place": progress.place or webhook.begins,
            "delivered": progress.delivered,
            "last_delivered": progress.last_delivered or None,
            "failures": progress.failures,
            "failing_since": progress.failing_since or None,
        }
    )


def _delivery(attempt: Attempt) -> Delivery:
    return Delivery(delivered=attempt.delivered, **attempt.as_json())
