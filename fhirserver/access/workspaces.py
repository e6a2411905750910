"""The workspaces of a server, which are its tenants: each with a store, keys and a log of its own.

Which there are is kept in the access records of the first one, the host; nothing of the others lies there but their
names.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.access_records import AccessRecord, AccessRecords

ID = re.compile(r"[a-z][a-z0-9-]{1,30}[a-z0-9]\Z")
"""What a workspace may be called in addresses, and so in the names of folders and databases."""
STATUSES = ("active", "suspended", "deleting", "deleted")
"""``deleting``: nothing is served of it any more, ever; its data are about to be removed. ``deleted``: they are."""
GRACE_SECONDS = 3
"""After so long every process has let go of a workspace that is being deleted."""
MOST_WORKSPACES = 100
_PREFIX = "workspace/"
_PATIENCE = 20


class WorkspaceExists(ValueError):
    """There is one with this id already."""


class TooManyWorkspaces(ValueError):
    """There are :data:`MOST_WORKSPACES` already."""


class WorkspaceChanged(Exception):
    """It has another revision by now."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """One workspace. ``made`` is in seconds since 1970, 0 for the host; ``revision`` counts its changes, from 0. Of one
    that is ``suspended`` (since when) nothing is served, and nothing of it is lost. ``ended`` is when and ``ended_by``
    by whom it was deleted."""

    id: str
    name: str
    description: str = ""
    status: str = "active"
    made: int = 0
    made_by: str = ""
    suspended: int = 0
    ended: int = 0
    ended_by: str = ""
    revision: int = 0

    @property
    def etag(self) -> str:
        return f'W/"{self.revision}"'

    @property
    def is_over(self) -> bool:
        """Whether it was deleted, be it that its data are still there."""
        return self.status in ("deleting", "deleted")


class Directory:
    """All workspaces. ``host`` is the id of the one in whose records they are; ``now``: seconds since 1970."""

    def __init__(self, records: AccessRecords, host: str, now: Callable[[], float] = time.time):
        self._records, self.host, self._now = records, host, now

    async def all(self) -> list[Workspace]:
        """By their ids, the host among them, without those whose data are gone."""
        return [one for one in await self.ever() if one.status != "deleted"]

    async def ever(self) -> list[Workspace]:
        """By their ids, all that there ever were."""
        found: list[AccessRecord] = []
        while page := await self._records.find(_PREFIX, found[-1].key if found else ""):
            found += page
        kept = {one.id: one for one in map(_workspace, found)}
        kept.setdefault(self.host, Workspace(self.host, self.host))
        return [kept[id] for id in sorted(kept)]

    async def find(self, id: str) -> Workspace | None:
        """One of them."""
        kept = await self._records.read(_PREFIX + id)
        if kept is None:
            return Workspace(id, id) if id == self.host else None
        return _workspace(kept)

    async def make(self, id: str, name: str, description: str, made_by: str) -> Workspace:
        """A new one. Raises :class:`WorkspaceExists`, :class:`TooManyWorkspaces`, ValueError for a wrong id."""
        if not ID.match(id):
            raise ValueError("the id of a workspace is 3 to 32 of a-z, 0-9 and -, from a letter on")
        if len(await self.all()) >= MOST_WORKSPACES:
            raise TooManyWorkspaces(f"a server has {MOST_WORKSPACES} workspaces at most")
        made = Workspace(id, name, description, made=int(self._now()), made_by=made_by, revision=1)
        if id == self.host or not await self._records.swap(_PREFIX + id, 0, _value(made)):
            former = await self.find(id)
            if former is not None and former.is_over:
                raise WorkspaceExists(f"there was a workspace '{id}', and its id is not given again")
            raise WorkspaceExists(f"there is a workspace '{id}' already")
        return made

    async def change(self, workspace: Workspace) -> Workspace:
        """Put it as it is given, where it still has that revision. Raises :class:`WorkspaceChanged`."""
        since = (workspace.suspended or int(self._now())) if workspace.status == "suspended" else 0
        workspace = replace(workspace, suspended=since)
        if not await self._records.swap(_PREFIX + workspace.id, workspace.revision, _value(workspace)):
            raise WorkspaceChanged(workspace.id)
        return replace(workspace, revision=workspace.revision + 1)

    def is_suspended_for(self, workspace: Workspace, seconds: float) -> bool:
        """Whether nothing of it has been served for so long."""
        return bool(workspace.suspended) and workspace.suspended + seconds <= self._now()

    async def end(self, workspace: Workspace, by: str) -> Workspace:
        """Begin to delete it, for ever. Raises :class:`WorkspaceChanged`."""
        ended = replace(workspace, status="deleting", ended=int(self._now()), ended_by=by)
        return await self.change(ended)

    def is_let_go(self, workspace: Workspace) -> bool:
        """Whether no process has one that was deleted open any more."""
        return workspace.ended + GRACE_SECONDS <= self._now()

    async def bury(self, workspace: Workspace) -> None:
        """Its data are gone: of all there was to say of it remain its id, when and by whom it was made and deleted."""
        gone = replace(workspace, status="deleted", name="", description="")
        await self._records.swap(_PREFIX + workspace.id, workspace.revision, _value(gone))


def _value(workspace: Workspace) -> JsonObject:
    return {
        "name": workspace.name,
        "description": workspace.description,
        "status": workspace.status,
        "made": workspace.made,
        "made_by": workspace.made_by,
        "suspended": workspace.suspended,
        "ended": workspace.ended,
        "ended_by": workspace.ended_by,
    }


def _workspace(kept: AccessRecord) -> Workspace:
    return Workspace(kept.key.removeprefix(_PREFIX), **kept.value, revision=kept.revision)
