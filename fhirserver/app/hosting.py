"""Several workspaces in one server: each is a whole application with a store of its own, under ``/workspaces/{id}``.

What keeps them apart is that they share nothing: another SQLite file or MongoDB database, another server key, other
keys, another audit trail, no principal of the settings. The host, whose data the settings name, knows which there are.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from starlette.routing import BaseRoute

from fhirserver.access.platform_keys import PlatformKeys
from fhirserver.access.principals import token_digest
from fhirserver.access.server_key import ServerKey
from fhirserver.access.workspaces import ID, Directory, Workspace
from fhirserver.app.settings import Settings
from fhirserver.app.voice.settings import VoiceSettings
from fhirserver.app.workspace_removal import remains, remove_all
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.access_records import AccessRecords
from fhirserver.rest.application import Application
from fhirserver.rest.front import Receive, Scope, Send
from fhirserver.rest.problem import PROBLEM, problem_body
from fhirserver.rest.safe_headers import completed

Loop = Callable[[], Coroutine[Any, Any, None]]
AREAS = frozenset({"fhir", "platform", "chat", "forms", "console"})
"""What of a workspace that is not the host is served."""
_FOLDER = "workspaces"
_PERIOD_SECONDS = 0.5

log = logging.getLogger("credence.workspaces")


class Hosting(Protocol):
    """What an application knows of other workspaces."""

    @property
    def directory(self) -> Directory: ...

    @property
    def opens(self) -> Callable[[str], Coroutine[Any, Any, PlatformKeys]] | None:
        """What opens a workspace and gives its keys; None for who is no host."""
        ...

    @property
    def ends(self) -> Callable[[str], Coroutine[Any, Any, None]] | None:
        """What lets go of a workspace in this process at once; None for who is no host."""
        ...

    @property
    def routes(self) -> Sequence[BaseRoute]: ...

    @property
    def loops(self) -> Sequence[tuple[str, Loop]]: ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def beside(self, application: Application) -> Application:
        """The application, with the other workspaces beside it where it is the host."""
        ...


class Guest:
    """Of a workspace that is not the host: it knows itself alone."""

    routes: Sequence[BaseRoute] = ()
    loops: Sequence[tuple[str, Loop]] = ()
    opens = None
    ends = None

    def __init__(self, directory: Directory):
        self.directory = directory

    async def open(self) -> None:
        """Nothing is to be done."""

    async def close(self) -> None:
        """Nothing is to be done."""

    def beside(self, application: Application) -> Application:
        return application


Makes = Callable[[Settings, Hosting], Application]


class Host:
    """ASGI for what comes to ``/workspaces/…``. ``first``: whether this process runs what must run once."""

    routes: Sequence[BaseRoute] = ()

    def __init__(self, settings: Settings, records: AccessRecords, key: ServerKey, first: bool, makes: Makes):
        self._settings, self._key, self._first, self._makes = settings, key, first, makes
        self.directory = Directory(records, settings.platform.workspace)
        self._tenants: dict[str, _Tenant] = {}
        self._over: set[str] = set()
        """Those that were deleted here: who has just read that there is one must not open it once more."""
        self._closed = False

    @property
    def loops(self) -> Sequence[tuple[str, Loop]]:
        return (("workspaces", self.run),)

    @property
    def opens(self) -> Callable[[str], Coroutine[Any, Any, PlatformKeys]]:
        return self._keys

    @property
    def ends(self) -> Callable[[str], Coroutine[Any, Any, None]]:
        return self._end

    async def open(self) -> None:
        """Those that are served here from the start are opened by :meth:`run`, so that they hold nothing up."""

    async def run(self) -> None:
        """Look each half second which there are: open those whose followers run here, close those that ended, and
        remove what those leave that were deleted."""
        while True:
            try:
                await self._look()
            except Exception as error:  # the storage may be back the next time
                log.warning("the workspaces cannot be looked after: %s", type(error).__name__)
            await asyncio.sleep(_PERIOD_SECONDS)

    async def _look(self) -> None:
        ever = await self.directory.ever()
        active = {one.id for one in ever if one.status == "active"} - {self.directory.host}
        for id in self._tenants.keys() - active:
            await self._let_go(id)
        for one in ever if self._first else ():
            if one.is_over and self.directory.is_let_go(one):
                await self._remove(one)
        for id in sorted(active - self._tenants.keys() - self._over) if self._first else ():
            await self._opened(id)

    async def _end(self, id: str) -> None:
        self._over.add(id)
        await self._let_go(id)

    async def _let_go(self, id: str) -> None:
        tenant = self._tenants.pop(id, None)
        if tenant is not None:
            await tenant.close()

    async def _remove(self, workspace: Workspace) -> None:
        """All that a workspace leaves that was deleted; also what a process has begun that is no more."""
        settings = settings_of(self._settings, workspace.id)
        is_new = workspace.status == "deleting"
        if not is_new and not remains(settings):
            return
        try:
            await remove_all(settings)
        except Exception as error:  # the next time; the others are not to wait for it
            log.error("workspace '%s' cannot be removed: %s", workspace.id, type(error).__name__)
            return
        if is_new:
            await self.directory.bury(workspace)
            log.info("workspace '%s' is removed", workspace.id)

    async def close(self) -> None:
        self._closed = True
        tenants, self._tenants = self._tenants, {}
        await asyncio.gather(*(one.close() for one in tenants.values()))

    def beside(self, application: Application) -> Application:
        ends = application.end_streams

        def end_streams() -> None:
            ends()
            for one in self._tenants.values():
                one.application.end_streams()

        application.end_streams, application.tenants = end_streams, self
        return application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _, _, id, *rest = scope["path"].split("/", 3)
        area = rest[0].split("/", 1)[0] if rest else ""
        try:
            tenant = await self._serving(id) if area in AREAS else None
            if tenant is None:
                raise _no_workspace()
        except Refusal as refusal:
            await _refused(scope, send, refusal)
            return
        await tenant.application(_inside(scope, id), receive, send)

    async def _serving(self, id: str) -> _Tenant | None:
        """A workspace that is served; what has just been made elsewhere is looked for."""
        if not ID.match(id) or id == self.directory.host:
            return None
        if id not in self._tenants:
            found = await self.directory.find(id)
            if found is None or found.status != "active":
                return None
        return await self._opened(id)

    async def _keys(self, id: str) -> PlatformKeys:
        return (await self._opened(id)).keys

    async def _opened(self, id: str) -> _Tenant:
        """A workspace, opened once. Refuses (503) while it cannot be."""
        if self._closed:
            raise refuse(Category.BUSY, "transient", "The server is about to stop")
        if id in self._over:
            raise _no_workspace()
        tenant = self._tenants.get(id)
        if tenant is None:
            tenant = self._tenants[id] = self._made(id)
        try:
            await tenant.ready()
        except Exception as error:
            log.error("workspace '%s' cannot be opened: %s", id, type(error).__name__)
            self._tenants.pop(id, None)
            raise refuse(Category.BUSY, "transient", "The workspace cannot be opened now") from None
        return tenant

    def _made(self, id: str) -> _Tenant:
        settings = settings_of(self._settings, id)
        if settings.storage != "memory":
            _keep_key(settings.path.parent, self._key.derive("workspace", id))
        return _Tenant(self._makes(settings, Guest(self.directory)))


class _Tenant:
    """One workspace that is open, from its start to its end, in a task of its own."""

    def __init__(self, application: Application):
        self.application = application
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def keys(self) -> PlatformKeys:
        """Its platform keys."""
        found: PlatformKeys = self.application.web.state.keys
        return found

    async def _run(self) -> None:
        web = self.application.web
        try:
            async with web.router.lifespan_context(web):
                self._started.set_result(None)
                await self._stop.wait()
        except Exception as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def ready(self) -> None:
        """Until it is open. Raises what kept it from that."""
        await asyncio.shield(self._started)

    async def close(self) -> None:
        self.application.end_streams()
        self._stop.set()
        await asyncio.gather(self._task, return_exceptions=True)


def settings_of(settings: Settings, id: str) -> Settings:
    """The settings of a workspace: those of the server, with nothing of anybody's data, secrets or lines in them.

    Principals keep their names, for parts of the server that act under them, and no token opens as one of them.
    """
    folder = settings.path.parent / _FOLDER / id
    root = settings.fhir_base.removesuffix("/fhir")
    nobody = tuple((token_digest(secrets.token_urlsafe(32)), one) for _, one in settings.principals)
    return replace(
        settings,
        base_url=f"{root}/{_FOLDER}/{id}/fhir",
        prefix=f"/{_FOLDER}/{id}",
        path=folder / "credence.db",
        database=f"{settings.database}-{id}",
        releases=settings.releases_folder,
        principals=nobody,
        clients=(),
        connectors=(),
        oidc=None,
        telephony=None,
        voice=replace(settings.voice, recordings=None, practice=VoiceSettings().practice),
        subscriptions=replace(settings.subscriptions, key_file=""),
        smart=replace(settings.smart, issuer="", key_folder=None, style_url="", management_url=""),
        platform=replace(settings.platform, workspace=id),
    )


def _keep_key(folder: Path, secret: bytes) -> None:
    """The server key of a workspace, the same on every machine that has the host's key; an older one stays."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "server.key"
    if not path.exists():
        fresh = folder / f"server.key.{secrets.token_hex(4)}"
        fresh.touch(0o600)
        fresh.write_text(secret.hex())
        fresh.rename(path)


def _inside(scope: Scope, id: str) -> Scope:
    """The request as the workspace sees it: without what leads to it."""
    begin = f"/{_FOLDER}/{id}"
    inside = {**scope, "path": scope["path"].removeprefix(begin)}
    if raw := scope.get("raw_path"):
        inside["raw_path"] = raw.removeprefix(begin.encode())  # what is written otherwise is nowhere in there
    return inside


def _no_workspace() -> Refusal:
    return refuse(Category.NOT_FOUND, "not-found", "There is no such workspace")


async def _refused(scope: Scope, send: Send, refusal: Refusal) -> None:
    body = problem_body(refusal)
    prefix = "websocket." if scope["type"] == "websocket" else ""
    if prefix and "websocket.http.response" not in scope.get("extensions", ()):
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", PROBLEM.encode()), (b"content-length", str(len(body)).encode())]
    start = {"type": f"{prefix}http.response.start", "status": refusal.category.value}
    await send({**start, "headers": completed(headers, scope)})
    await send({"type": f"{prefix}http.response.body", "body": body})
