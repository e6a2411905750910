"""``/platform/keys``: the keys of programs, each with a role. A secret is told once, by what makes it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Response
from pydantic import Field

from fhirserver.access.platform_keys import (
    LONGEST_OVERLAP,
    PlatformKey,
    TooManyKeys,
    UnknownKey,
)
from fhirserver.access.platform_roles import is_within
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.rights import Asked, Right, needs
from fhirserver.rest.platform.shapes import (
    Cursor,
    Id,
    Instant,
    Limit,
    Line,
    Page,
    Sent,
    Told,
    not_there,
    paged,
    wrong,
)

router = APIRouter(prefix="/keys", tags=["keys"])

Role: TypeAlias = Literal["viewer", "member", "operator", "admin", "owner"]
Configuring = Annotated[Asked, needs(Right.CONFIGURE)]
_LONGEST_DAYS = 3650


class NewKey(Sent):
    """`source` is the source of the world model as which the key speaks: the maker's own where nothing is said, and
    only an owner may say another. `expires_in_days`: without it the key has no end."""

    name: Line
    role: Role
    source: Annotated[str, Field(max_length=64)] = ""
    expires_in_days: Annotated[int, Field(ge=1, le=_LONGEST_DAYS)] | None = None


class KeyChange(Sent):
    """What may be changed of a key."""

    name: Line


class Rotation(Sent):
    """For how long the secret before goes on to count."""

    overlap_seconds: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP)] = 3600


class Key(Told):
    """A key without its secret. `last_used` is kept to the hour. `id` stands in the key: `crd_key_<id>_…`."""

    id: str
    name: str
    role: Role
    source: str
    made_by: str
    made: Instant
    expires: Instant | None = None
    rotated: Instant | None = None
    last_used: Instant | None = None


class KeyShown(Key):
    """A key with its secret, this once."""

    key: str


@router.get("", summary="List the keys")
async def list_keys(asked: Configuring, limit: Limit = 50, cursor: Cursor = "") -> Page[Key]:
    """All keys of the workspace that have not ended, by their ids."""
    keys = await asked.platform.keys.all()
    return paged([(key.id, _told(key)) for key in keys], cursor, limit)


@router.post("", status_code=201, summary="Make a key", responses=problems(409))
async def create_key(sent: NewKey, asked: Configuring, response: Response) -> KeyShown:
    """A key with a role that may do no more than who makes it. Its secret is told here and never again."""
    _check_within(asked, sent.role, "/role")
    source = _source(asked, sent.source)
    expires = int(time.time()) + sent.expires_in_days * 86_400 if sent.expires_in_days else 0
    try:
        key, secret = await asked.platform.keys.make(sent.name, sent.role, source, asked.name, expires)
    except TooManyKeys as error:
        raise refuse(Category.CONFLICT, "too-costly", str(error)) from None
    response.headers["Location"] = f"{asked.base}/keys/{key.id}"
    return shown(key, secret)


@router.get("/{id}", summary="A key", responses=problems(404))
async def read_key(id: Id, asked: Configuring) -> Key:
    """One key, without its secret."""
    return _told(await _key(asked, id))


@router.patch("/{id}", summary="Rename a key", responses=problems(404))
async def change_key(id: Id, sent: KeyChange, asked: Configuring) -> Key:
    """What a key is called. Its role never changes: make another one."""
    _check_within(asked, (await _key(asked, id)).role)
    return _told(await asked.platform.keys.rename(id, sent.name))


@router.post("/{id}/rotate", summary="Give a key another secret", responses=problems(404))
async def rotate_key(id: Id, sent: Rotation, asked: Configuring) -> KeyShown:
    """The secret before goes on to count for a while, so that nothing stops that has it."""
    known = await _key(asked, id)
    _check_within(asked, known.role)
    _check_source(asked, known.source)
    key, secret = await asked.platform.keys.rotate(id, sent.overlap_seconds)
    return shown(key, secret)


@router.delete("/{id}", status_code=204, summary="Revoke a key", responses=problems(404))
async def revoke_key(id: Id, asked: Configuring) -> None:
    """It opens nothing any more: in this process at once, in all others within a second."""
    _check_within(asked, (await _key(asked, id)).role)
    try:
        await asked.platform.keys.revoke(id)
    except UnknownKey:
        raise not_there("key") from None


async def _key(asked: Asked, id: str) -> PlatformKey:
    try:
        return await asked.platform.keys.find(id)
    except UnknownKey:
        raise not_there("key") from None


def _check_within(asked: Asked, role: str, place: str = "") -> None:
    """Refuses (403) a role that may do more than who asks."""
    if not is_within(role, asked.role):
        text = f"The role '{role}' may do more than '{asked.role}'"
        raise refuse(Category.FORBIDDEN, "forbidden", text, *([place] if place else []))


def _source(asked: Asked, stated: str) -> str:
    own = asked.principal.source.id
    if not stated or stated == own:
        return own
    _check_source(asked, stated, "/source")
    if stated not in asked.platform.sources:
        raise wrong("/source", "There is no such source in the settings")
    return stated


def _check_source(asked: Asked, source: str, place: str = "") -> None:
    """Refuses (403) to whoever is no owner what would speak as another source."""
    if source != asked.principal.source.id and not asked.may(Right.OWN):
        text = "A key speaks as its maker's source; only an owner may say another"
        raise refuse(Category.FORBIDDEN, "forbidden", text, *([place] if place else []))


def _told(key: PlatformKey) -> Key:
    return Key(**_members(key))


def shown(key: PlatformKey, secret: str) -> KeyShown:
    """A key as it is told once."""
    return KeyShown(key=secret, **_members(key))


def _members(key: PlatformKey) -> dict[str, Any]:
    moments = {"made": key.made, "expires": key.expires, "rotated": key.rotated, "last_used": key.used}
    told = {name: datetime.fromtimestamp(at, UTC) for name, at in moments.items() if at}
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "source": key.source,
        "made_by": key.made_by,
        **told,
    }
