"""``/platform/operators``: the people who look after calls and reviews: who is there, and who holds what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter
from pydantic import Field

from fhirserver.access.platform_keys import PlatformKey
from fhirserver.access.platform_roles import FHIR_ROLES
from fhirserver.access.presence import LONGEST_SECONDS, Presence, Presences
from fhirserver.access.users import Users
from fhirserver.kernel.instants import instant
from fhirserver.ports.live_calls import LiveCall
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import Cursor, Instant, Limit, Link, Page, Sent, Told, paged
from fhirserver.world.review import PENDING, read_item
from fhirserver.world.review_rules import holder
from fhirserver.world.vocabulary import TASK_CODE

router = APIRouter(prefix="/operators", tags=["operators"])

Reading = Annotated[Asked, needs(Right.READ)]
Operating = Annotated[Asked, needs(Right.OPERATE)]
State: TypeAlias = Literal["available", "busy", "away"]


class Operator(Told):
    """One who may act on calls and reviews. `name` is what stands in provenance and audit; `kind` is `user` for one
    who signs in, `key`, or `principal` for one of the settings. `holds` are calls that they have taken over, `listens`
    those they listen to, both by live ids; `reviews` the review items that they have taken."""

    name: str
    called: str
    kind: Literal["user", "key", "principal"]
    presence: State = "away"
    since: Instant | None = None
    until: Instant | None = None
    holds: list[str] = []
    listens: list[str] = []
    reviews: list[Link] = []


class PresenceStated(Sent):
    """How it is with who asks, for so long: say it again before it ends."""

    state: State
    for_seconds: Annotated[int, Field(ge=1, le=LONGEST_SECONDS)] = 900


class PresenceTold(Told):
    """A presence."""

    name: str
    state: State
    since: Instant
    until: Instant


@router.get("", summary="List the operators")
async def list_operators(asked: Reading, limit: Limit = 50, cursor: Cursor = "") -> Page[Operator]:
    """By name: users, keys and principals of the settings with the role `operator` or more."""
    named = {one.name: one async for one in _all(asked)}
    page = paged(sorted(named.items()), cursor, limit)
    presences = await Presences(asked.platform.records).all()
    calls, reviews = asked.platform.live.calls(), await _reviews(asked)
    items = [_with_all(one, presences.get(one.name), calls, reviews.get(one.name, [])) for one in page.items]
    return Page(items=items, next=page.next)


@router.put("/me/presence", summary="Say that one is there")
async def state_presence(sent: PresenceStated, asked: Operating) -> PresenceTold:
    """It ends by itself, so that nobody waits for who has gone."""
    said = await Presences(asked.platform.records).state(asked.name, sent.state, sent.for_seconds)
    return PresenceTold(name=said.name, state=sent.state, since=_at(said.since), until=_at(said.until))


async def _all(asked: Asked) -> AsyncIterator[Operator]:
    for name in asked.platform.operators:
        yield Operator(name=name, called=name, kind="principal")
    for key in await asked.platform.keys.all():
        if "operator" in FHIR_ROLES[key.role]:
            yield _of_key(key)
    for user in await Users(asked.platform.records).all():
        if user.may("operator") and not user.disabled:
            yield Operator(name=user.called, called=user.name, kind="user")


def _of_key(key: PlatformKey) -> Operator:
    return Operator(name=key.principal, called=key.name, kind="key")


def _with_all(
    one: Operator, said: Presence | None, calls: Sequence[LiveCall], reviews: list[Link]
) -> Operator:
    told = {"presence": said.state, "since": _at(said.since), "until": _at(said.until)} if said else {}
    held = [call.id for call in calls if call.holder == one.name]
    listens = [call.id for call in calls if one.name in call.listeners]
    return one.model_copy(update={**told, "holds": held, "listens": listens, "reviews": reviews})


async def _reviews(asked: Asked) -> dict[str, list[Link]]:
    """The items that are taken, by who has them; of who may not see Tasks none."""
    if asked.principal.permissions is not None:
        return {}
    found: dict[str, list[Link]] = {}
    now, cursor = instant(asked.platform.context.clock.now()), ""
    params = [("code", f"{TASK_CODE}|review"), ("status", ",".join(PENDING)), ("owner:missing", "false")]
    while True:
        page = await asked.fhir.search("Task", params, 200, cursor)
        for task in page.resources:
            try:
                who = holder(read_item(task), now)
            except ValueError:
                continue
            if who and (link := asked.link(f"Task/{task['id']}")):
                found.setdefault(who, []).append(link)
        if not page.next:
            return found
        cursor = page.next


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
