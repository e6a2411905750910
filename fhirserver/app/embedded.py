"""A server inside this process, on data of its own: each start begins from the same resources.

Reached without a socket, or, where other things in this process must go on in real time, on a socket and served by a
thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import threading
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from fhirserver.app.commands.init import configuration
from fhirserver.app.settings import Settings, parse_settings
from fhirserver.app.wiring import make_application
from fhirserver.kernel.json import JsonObject, dumps

BASE = "http://embedded.test/fhir"


class NotStarted(RuntimeError):
    """The server did not start, or refused a resource it was to begin from; the message says which."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs: the way to it, and the tokens of its principals by name."""

    base: str
    transport: httpx.AsyncBaseTransport
    tokens: dict[str, str]


class EmbeddedServers:
    """Servers over copies of one seed. ``folder`` is theirs alone; the seed is loaded once, as the EHR.

    ``sockets``: each of :meth:`fresh` has a socket and a thread, so that its work holds up nobody's event loop.
    """

    def __init__(self, folder: Path, sockets: bool = False):
        text, self.tokens = configuration()
        self._serve = _on_a_socket if sockets else _served
        self._folder, self._text, self._count = folder, text, 0

    async def seed(self, resources: Iterable[JsonObject]) -> None:
        """Load what every server begins with. Raises :class:`NotStarted`."""
        async with _served(self._settings("seed"), self.tokens) as running:
            headers = {
                "Authorization": f"Bearer {self.tokens['ehr']}",
                "Content-Type": "application/fhir+json",
            }
            async with httpx.AsyncClient(transport=running.transport, headers=headers) as http:
                for resource in resources:
                    path = f"{resource['resourceType']}/{resource['id']}"
                    answer = await http.put(f"{BASE}/{path}", content=dumps(resource))
                    if answer.status_code not in (200, 201):
                        raise NotStarted(f"{path}: HTTP {answer.status_code}")

    @contextlib.asynccontextmanager
    async def fresh(self) -> AsyncIterator[Running]:
        """A server of its own over a copy of the seed, gone afterwards."""
        self._count += 1
        name = f"run-{self._count}"
        await asyncio.to_thread(shutil.copytree, self._folder / "seed", self._folder / name)
        try:
            async with self._serve(self._settings(name), self.tokens) as running:
                yield running
        finally:
            await asyncio.to_thread(shutil.rmtree, self._folder / name, True)

    def _settings(self, name: str) -> Settings:
        import tomllib
        from decimal import Decimal

        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        parsed = parse_settings(tomllib.loads(self._text, parse_float=Decimal), folder)
        return replace(parsed, base_url=BASE, path=folder / "credence.db")


@contextlib.asynccontextmanager
async def _served(settings: Settings, tokens: dict[str, str]) -> AsyncIterator[Running]:
    application: Any = make_application(settings)
    async with _lifespan(application):
        yield Running(BASE, httpx.ASGITransport(app=application, raise_app_exceptions=False), tokens)


@contextlib.asynccontextmanager
async def _on_a_socket(settings: Settings, tokens: dict[str, str]) -> AsyncIterator[Running]:
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}/fhir"
    serving = _Serving(replace(settings, base_url=base), listener)
    try:
        await serving.started()
        yield Running(base, httpx.AsyncHTTPTransport(), tokens)
    finally:
        await serving.end()
        listener.close()


class _Serving:
    """A server in a thread, from its making to its end."""

    def __init__(self, settings: Settings, listener: socket.socket):
        self._settings, self._listener = settings, listener
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=self._run, name="embedded server", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        config = uvicorn.Config(
            make_application(self._settings),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(config)
        self._server.run(sockets=[self._listener])

    async def started(self) -> None:
        """Raises :class:`NotStarted`."""
        while self._server is None or not self._server.started:
            if not self._thread.is_alive():
                raise NotStarted("the server's thread ended before it served")
            await asyncio.sleep(0.02)

    async def end(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
        await asyncio.to_thread(self._thread.join)


@contextlib.asynccontextmanager
async def _lifespan(application: Any) -> AsyncIterator[None]:
    """The application's lifespan, as an ASGI server runs it. Raises :class:`NotStarted`."""
    inbox: asyncio.Queue[JsonObject] = asyncio.Queue()
    outbox: asyncio.Queue[JsonObject] = asyncio.Queue()
    task = asyncio.create_task(application({"type": "lifespan", "state": {}}, inbox.get, outbox.put))
    try:
        await _stage("startup", inbox, outbox)
        yield
        await _stage("shutdown", inbox, outbox)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _stage(stage: str, inbox: asyncio.Queue[JsonObject], outbox: asyncio.Queue[JsonObject]) -> None:
    await inbox.put({"type": f"lifespan.{stage}"})
    said = await outbox.get()
    if said["type"] != f"lifespan.{stage}.complete":
        raise NotStarted(f"{stage}: {said.get('message', 'failed')}")
