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
STATUSES = ("active", "suspended")
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
    that is ``suspended`` nothing is served, and nothing of it is lost."""

    id: str
    name: str
    description: str = ""
    status: str = "active"
    made: int = 0
    made_by: str = ""
    revision: int = 0

    @property
    def etag(self) -> str:
        return f'W/"{self.revision}"'


class Directory:
    """All workspaces. ``host`` is the id of the one in whose records they are; ``now``: seconds since 1970."""

    def __init__(self, records: AccessRecords, host: str, now: Callable[[], float] = time.time):
        self._records, self.host, self._now = records, host, now

    async def all(self) -> list[Workspace]:
        """By their ids, the host among them."""
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
            raise WorkspaceExists(f"there is a workspace '{id}' already")
        return made

    async def change(self, workspace: Workspace) -> Workspace:
        """Put it as it is given, where it still has that revision. Raises :class:`WorkspaceChanged`."""
        if not await self._records.swap(_PREFIX + workspace.id, workspace.revision, _value(workspace)):
            raise WorkspaceChanged(workspace.id)
        return replace(workspace, revision=workspace.revision + 1)


def _value(workspace: Workspace) -> JsonObject:
    return {
        "name": workspace.name,
        "description": workspace.description,
        "status": workspace.status,
        "made": workspace.made,
        "made_by": workspace.made_by,
    }


def _workspace(kept: AccessRecord) -> Workspace:
    return Workspace(kept.key.removeprefix(_PREFIX), **kept.value, revision=kept.revision)
