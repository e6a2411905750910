"""``/platform/me`` and ``/platform/workspaces``: who asks, and where; the tenants of the server.

A workspace sees itself alone. The host, whose data the server's settings name, sees all and makes others.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints

from fhirserver.access.workspaces import (
    Directory,
    TooManyWorkspaces,
    Workspace,
    WorkspaceChanged,
    WorkspaceExists,
)
from fhirserver.kernel.outcomes import Category, refuse
from fhirserver.rest.platform.described import problems
from fhirserver.rest.platform.keys import KeyShown, shown
from fhirserver.rest.platform.rights import RIGHTS, Asked, Right, needs
from fhirserver.rest.platform.shapes import (
    Cursor,
    Id,
    Instant,
    Limit,
    Line,
    Page,
    Sent,
    Text,
    Told,
    not_there,
    paged,
)
from fhirserver.rest.platform.versions import IfMatch, check_match

router = APIRouter(tags=["workspaces"])

Reading = Annotated[Asked, needs(Right.READ)]
Owning = Annotated[Asked, needs(Right.OWN)]
Status: TypeAlias = Literal["active", "suspended"]
ShownStatus: TypeAlias = Literal["active", "suspended", "deleting"]
_DAY = 86_400
Confirm = Annotated[str, Query(max_length=64, description="The id of the workspace, once more")]
WorkspaceId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,30}[a-z0-9]$")]


class Me(Told):
    """Who asks, and what they may do."""

    name: str
    role: str
    rights: list[str]
    workspace: str
    source: str


class WorkspaceTold(Told):
    """A workspace. `fhir` and `platform` are where it is served; of one that is `suspended` (since when) nothing is,
    and of one that is `deleting` nothing ever will be. All of it is asked for at `export` (FHIR's Bulk Data)."""

    id: str
    name: str
    description: str
    status: ShownStatus
    host: bool
    fhir: str
    platform: str
    export: str
    suspended: Instant | None = None
    made: Instant | None = None
    made_by: str = ""


class WorkspaceMade(WorkspaceTold):
    """A new workspace with its first key, of the role `owner`, which is told this once."""

    key: KeyShown


class NewWorkspace(Sent):
    """A tenant with a store of its own. `source` is the one as which its first key speaks."""

    id: WorkspaceId
    name: Line
    description: Text = ""
    source: Annotated[str, Field(max_length=64)] = ""


class WorkspaceChange(Sent):
    """What is to be changed; only the host's owner says `status`, and never of the host."""

    name: Line | None = None
    description: Text | None = None
    status: Status | None = None


@router.get("/me", summary="Who asks")
async def read_me(asked: Reading) -> Me:
    """Who the bearer token is."""
    rights = sorted(right.value for right in RIGHTS[asked.role])
    source = asked.principal.source.id
    return Me(name=asked.name, role=asked.role, rights=rights, workspace=asked.workspace, source=source)


@router.get("/workspaces", summary="List the workspaces")
async def list_workspaces(asked: Reading, limit: Limit = 50, cursor: Cursor = "") -> Page[WorkspaceTold]:
    """One's own; for the owner of the host all of them, by their ids."""
    seen = [one for one in await _directory(asked).all() if _sees(asked, one.id)]
    return paged([(one.id, _told(asked, one)) for one in seen], cursor, limit)


@router.post("/workspaces", status_code=201, summary="Make a workspace", responses=problems(409))
async def create_workspace(sent: NewWorkspace, asked: Owning, response: Response) -> WorkspaceMade:
    """For the owner of the host. It is served at once, with a store, a log, keys and an audit trail of its own; who is
    known to the host is not known to it."""
    opens, directory = asked.platform.opens, _directory(asked)
    if opens is None:
        raise refuse(Category.CONFLICT, "not-supported", "Only the host makes workspaces")
    source = sent.source or asked.principal.source.id
    if source not in asked.platform.sources:
        raise refuse(Category.UNPROCESSABLE, "value", "There is no such source in the settings", "/source")
    try:
        made = await directory.make(sent.id, sent.name, sent.description, asked.name)
    except (WorkspaceExists, TooManyWorkspaces) as error:
        raise refuse(Category.CONFLICT, "duplicate", str(error), "/id") from None
    keys = await opens(made.id)
    key, secret = await keys.make("First key", "owner", source, asked.name)
    response.headers["Location"] = f"{asked.base}/workspaces/{made.id}"
    response.headers["ETag"] = made.etag
    return WorkspaceMade(**_told(asked, made).model_dump(), key=shown(key, secret))


@router.get("/workspaces/{id}", summary="A workspace", responses=problems(404, 410))
async def read_workspace(id: Id, asked: Reading, response: Response) -> WorkspaceTold:
    """One's own; for the owner of the host any."""
    found = await _found(asked, id)
    response.headers["ETag"] = found.etag
    return _told(asked, found)


@router.patch("/workspaces/{id}", summary="Change a workspace", responses=problems(404, 409, 410, 412))
async def change_workspace(
    id: Id, sent: WorkspaceChange, asked: Owning, response: Response, if_match: IfMatch = ""
) -> WorkspaceTold:
    """Its name and description; and whether it is served, within a second in every process."""
    found = await _found(asked, id)
    check_match(if_match, found.etag)
    if found.is_over:
        raise refuse(Category.CONFLICT, "conflict", "It is being deleted")
    if sent.status is not None:
        _check_status(asked, found)
    given = {name: value for name, value in sent.model_dump().items() if value is not None}
    try:
        changed = await _directory(asked).change(replace(found, **given))
    except WorkspaceChanged:
        raise refuse(Category.CONFLICT, "conflict", "It has changed meanwhile: read it again") from None
    response.headers["ETag"] = changed.etag
    return _told(asked, changed)


@router.delete(
    "/workspaces/{id}", status_code=204, summary="Delete a workspace", responses=problems(404, 409, 412)
)
async def delete_workspace(id: Id, asked: Owning, confirm: Confirm = "", if_match: IfMatch = "") -> None:
    """For the owner of the host, and for ever: the id is not given again. It is served nowhere within a second, and its
    store is removed a few seconds later. Of one that has not been suspended for long enough, `confirm` is its id.
    Export it first, if anything of it is to be kept. Deleting it again changes nothing."""
    found = await _to_be_deleted(asked, id)
    if found.is_over:
        return
    check_match(if_match, found.etag)
    _check_meant(asked, found, confirm)
    try:
        await _directory(asked).end(found, asked.name)
    except WorkspaceChanged:
        raise refuse(Category.CONFLICT, "conflict", "It has changed meanwhile: read it again") from None
    assert asked.platform.ends is not None, "checked"
    await asked.platform.ends(id)


async def _to_be_deleted(asked: Asked, id: str) -> Workspace:
    """Refuses (403) whoever is not the host's owner, (409) the host, (404) what there never was."""
    if asked.platform.ends is None:
        raise refuse(Category.FORBIDDEN, "forbidden", "Only the host's owner deletes a workspace")
    if id == asked.workspace:
        raise refuse(Category.CONFLICT, "conflict", "The host cannot be deleted")
    found = await _directory(asked).find(id)
    if found is None:
        raise not_there("workspace")
    return found


def _check_meant(asked: Asked, found: Workspace, confirm: str) -> None:
    """Refuses (409) to delete what may still be needed, unless it is named once more."""
    days = asked.platform.suspended_days
    if confirm == found.id or _directory(asked).is_suspended_for(found, days * _DAY):
        return
    text = (
        f"It has not been suspended for {days} days. To delete it now and for ever, add '?confirm={found.id}'; "
        f"what is to be kept is exported first, at {_told(asked, found).export}"
    )
    raise refuse(Category.CONFLICT, "business-rule", text)


def _shown_status(one: Workspace) -> ShownStatus:
    if one.is_over:
        return "deleting"
    return "suspended" if one.status == "suspended" else "active"


def _directory(asked: Asked) -> Directory:
    found = asked.platform.directory
    assert found is not None, "the wiring gives one"
    return found


def _sees(asked: Asked, id: str) -> bool:
    return id == asked.workspace or (asked.platform.opens is not None and asked.may(Right.OWN))


async def _found(asked: Asked, id: str) -> Workspace:
    found = await _directory(asked).find(id) if _sees(asked, id) else None
    if found is None:
        raise not_there("workspace")
    if found.status == "deleted":
        raise refuse(Category.GONE, "deleted", "The workspace was deleted")
    return found


def _check_status(asked: Asked, found: Workspace) -> None:
    if asked.platform.opens is None:
        raise refuse(
            Category.FORBIDDEN, "forbidden", "Only the host's owner says whether it is served", "/status"
        )
    if found.id == asked.workspace:
        raise refuse(Category.CONFLICT, "conflict", "The host is always served", "/status")


def _told(asked: Asked, one: Workspace) -> WorkspaceTold:
    host, own = _directory(asked).host, asked.base.removesuffix("/platform")
    root = own.removesuffix(f"/workspaces/{asked.workspace}") if asked.workspace != host else own
    at = root if one.id == host else f"{root}/workspaces/{one.id}"
    return WorkspaceTold(
        id=one.id,
        name=one.name,
        description=one.description,
        status=_shown_status(one),
        host=one.id == host,
        fhir=f"{at}/fhir",
        platform=f"{at}/platform",
        export=f"{at}/fhir/$export",
        suspended=datetime.fromtimestamp(one.suspended, UTC) if one.suspended else None,
        made=datetime.fromtimestamp(one.made, UTC) if one.made else None,
        made_by=one.made_by,
    )
