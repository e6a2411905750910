"""The whole server inside the test process: wiring, edge, followers and console, reached over httpx.

::

    async with facade(folder) as server:
        answer = await server.ehr.get("Patient/p")     # one client per principal
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from fhirserver.access.principals import Principal, token_digest
from fhirserver.app.settings import SYSTEM, Settings
from fhirserver.app.wiring import make_application
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.store.store import Store
from fhirserver.world.sources import Source
from tests.phi import told

BASE = "http://facade.test/fhir"
MEDIA = "application/fhir+json"

_AGENT_TYPES = frozenset(
    {
        *("Patient", "Coverage", "Appointment", "Slot", "Communication", "DocumentReference", "Task"),
        *("Composition", "Flag", "Observation", "MeasureReport", "Media", "AuditEvent"),
        *("CommunicationRequest", "Group"),
    }
)
SOURCES = {
    source.id: source
    for source in (
        SYSTEM,
        Source("ehr", "ehr", authoritative=True),
        Source("lab", "ehr", authoritative=True),
        Source("operator", "operator"),
        Source(
            "agent",
            "agent",
            base=Decimal("0.3"),
            maximum=Decimal("0.5"),
            types=_AGENT_TYPES,
            acts_on=frozenset(
                {"Slot", "Appointment", "Communication", "CommunicationRequest", "Task", "Group", "Flag"}
            ),
        ),
    )
}
ROLES = {
    "ehr": ("ehr", {"read", "write"}),
    "lab": ("lab", {"read", "write"}),
    "agent": ("agent", {"read", "write"}),
    "reader": ("ehr", {"read"}),
    "writer": ("ehr", {"write"}),
    "ana": ("operator", {"read", "write", "operator"}),
    "ben": ("operator", {"read", "write", "operator"}),
    "admin": ("operator", {"admin"}),
    "officer": ("operator", {"privacy"}),
}
"""Principals by name: the source each speaks as, and its roles. The token of each is ``token-`` and the name."""


def settings(folder: Path, storage: str = "memory") -> Settings:
    """Settings with a principal for every entry of :data:`ROLES`."""
    principals = tuple(
        (token_digest(f"token-{name}"), Principal(name, SOURCES[source], frozenset(roles)))
        for name, (source, roles) in ROLES.items()
    )
    return Settings(
        base_url=BASE, storage=storage, path=folder / "credence.db", sources=SOURCES, principals=principals
    )


@dataclass(frozen=True)
class Client:
    """One principal's FHIR client. Paths are relative to the base; bodies are JSON objects."""

    http: httpx.AsyncClient

    async def __call__(
        self, method: str, path: str, body: Any = None, media: str = MEDIA, **headers: str
    ) -> httpx.Response:
        """A request; header names are written with underscores: ``if_match='W/"1"'``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body
        if body is not None:
            sent.setdefault("content-type", media)
            if not isinstance(body, bytes):
                content = dumps(body)
        url = f"{BASE}/{path}" if not path.startswith("http") else path
        answer = await self.http.request(method, url, content=content, headers=sent)
        told(answer.status_code, answer.content)
        return answer

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self("GET", path, **headers)

    async def put(self, body: JsonObject, **headers: str) -> httpx.Response:
        return await self("PUT", f"{body['resourceType']}/{body['id']}", body, **headers)

    async def post(self, body: JsonObject, **headers: str) -> httpx.Response:
        return await self("POST", body["resourceType"], body, **headers)

    async def bundle(self, type: str, *entries: JsonObject, **headers: str) -> httpx.Response:
        return await self(
            "POST", "", {"resourceType": "Bundle", "type": type, "entry": [*entries]}, **headers
        )

    async def transaction(self, *entries: JsonObject, **headers: str) -> httpx.Response:
        return await self.bundle("transaction", *entries, **headers)

    async def batch(self, *entries: JsonObject, **headers: str) -> httpx.Response:
        return await self.bundle("batch", *entries, **headers)

    async def ids(self, path: str) -> list[str]:
        """The ids on the first page of a search."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return [entry["resource"]["id"] for entry in answer.json().get("entry", ())]


class Facade:
    """A running server. ``server.ana`` is the client of principal ``ana``; ``anonymous`` has no token."""

    def __init__(self, application: Any, store: Store):
        self.application, self.store = application, store
        self.transport = httpx.ASGITransport(app=application, raise_app_exceptions=False)
        self._clients: dict[str, Client] = {}

    def __getattr__(self, name: str) -> Client:
        if name not in ROLES and name != "anonymous":
            raise AttributeError(name)
        if name not in self._clients:
            headers = {} if name == "anonymous" else {"Authorization": f"Bearer token-{name}"}
            http = httpx.AsyncClient(transport=self.transport, base_url=BASE, headers=headers)
            self._clients[name] = Client(http)
        return self._clients[name]

    def browser(self) -> httpx.AsyncClient:
        """A client with cookies and no token, for the console."""
        return httpx.AsyncClient(transport=self.transport, base_url="http://facade.test")

    async def close(self) -> None:
        for client in self._clients.values():
            await client.http.aclose()


@contextlib.asynccontextmanager
async def facade(folder: Path, storage: str = "memory", **changes: Any) -> AsyncIterator[Facade]:
    """The server over fresh data in ``folder``, its lifespan run as an ASGI server runs it."""
    from dataclasses import replace

    async with served(make_application(replace(settings(folder, storage), **changes))) as running:
        yield running


@contextlib.asynccontextmanager
async def served(application: Any) -> AsyncIterator[Facade]:
    """An application that runs, with its lifespan."""
    async with _lifespan(application):
        running = Facade(application, application.store)
        yield running
        await running.close()


@contextlib.asynccontextmanager
async def _lifespan(application: Any) -> AsyncIterator[None]:
    inbox: asyncio.Queue[JsonObject] = asyncio.Queue()
    outbox: asyncio.Queue[JsonObject] = asyncio.Queue()
    task = asyncio.create_task(application({"type": "lifespan", "state": {}}, inbox.get, outbox.put))
    for stage in ("startup", "shutdown"):
        await inbox.put({"type": f"lifespan.{stage}"})
        said = await outbox.get()
        assert said["type"] == f"lifespan.{stage}.complete", said
        if stage == "startup":
            yield
    await task


def issues(answer: httpx.Response) -> list[JsonObject]:
    """The issues of an OperationOutcome; fails where the answer is none."""
    outcome = loads(answer.content)
    assert outcome["resourceType"] == "OperationOutcome", outcome["resourceType"]
    assert all({"severity", "code"} <= issue.keys() for issue in outcome["issue"])
    return list(outcome["issue"])


def expressions(answer: httpx.Response) -> list[str]:
    """Where the issues of an OperationOutcome point."""
    return [path for issue in issues(answer) for path in issue.get("expression", ())]


def entry(method: str, url: str, resource: JsonObject | None = None, **more: Any) -> JsonObject:
    """One entry of a batch or transaction; ``full_url`` is the entry's, all else the request's."""
    made: JsonObject = {"request": {"method": method, "url": url}}
    if "full_url" in more:
        made["fullUrl"] = more.pop("full_url")
    made["request"].update(more)
    if resource is not None:
        made["resource"] = resource
    return made


def patient(id: str = "", **members: Any) -> JsonObject:
    """A Patient, with the id where one is given."""
    resource: JsonObject = {"resourceType": "Patient"}
    if id:
        resource["id"] = id
    return {**resource, "name": [{"family": "Okafor", "given": ["Ada"]}], **members}


def said(confidence: str = "", method: str = "", mode: str = "", **members: Any) -> str:
    """An ``X-Provenance`` header."""
    base = "https://credence.health/fhir/StructureDefinition"
    extensions: list[JsonObject] = []
    if confidence:
        extensions.append({"url": f"{base}/confidence", "valueDecimal": Decimal(confidence)})
    if method:
        extensions.append({"url": f"{base}/assertion-method", "valueCode": method})
    if mode:
        extensions.append({"url": f"{base}/assertion-mode", "valueCode": mode})
    provenance: JsonObject = {"resourceType": "Provenance", **members}
    if extensions:
        provenance["extension"] = extensions
    return dumps(provenance).decode()
