"""Loading a package: each resource by an ordinary write, with a Provenance that names the package."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from fhirserver.access.principals import Principal
from fhirserver.app.packages import CORE, Content, Package
from fhirserver.app.settings import SYSTEM
from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.ids import derived_id, is_id
from fhirserver.kernel.json import JsonObject, dumps, loads
from fhirserver.kernel.outcomes import Category, Refusal, operation_outcome, refuse
from fhirserver.model.definitions import definitions
from fhirserver.search.expression import Query
from fhirserver.store.conformance import TYPES
from fhirserver.world.vocabulary import ASSERTION_METHOD

AT_ONCE = 8
TURNS = 3
PACKAGES = "https://packages.fhir.org"
METHOD = "package"


class Unreachable(RuntimeError):
    """The server cannot be worked with; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a read or write answered: ``version`` is that of the ETag."""

    status: int
    body: JsonObject
    version: str = ""


class Target(Protocol):
    """Where a package is loaded to."""

    async def get(self, type: str, id: str) -> Answer: ...

    async def put(self, resource: JsonObject, provenance: str) -> Answer: ...

    async def delete(self, type: str, id: str) -> Answer: ...

    async def packages(self) -> frozenset[str]:
        """The ids of the packages whose ImplementationGuide is there."""
        ...


@dataclass(slots=True)
class Summary:
    """What came of it. ``failed`` has the file and why; ``counts`` the types."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, str]] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def provenance_of(package: Package) -> str:
    """The ``X-Provenance`` of every write: the package is the source."""
    identifier = {"system": PACKAGES, "value": f"{package.name}#{package.version}"}
    what = {"identifier": identifier, "display": package.title}
    return dumps(
        {
            "resourceType": "Provenance",
            "extension": [{"url": ASSERTION_METHOD, "valueCode": METHOD}],
            "entity": [{"role": "source", "what": what}],
        }
    ).decode()


async def load(package: Package, target: Target, done: Callable[[], None] = lambda: None) -> Summary:
    """Load all of a package. What fails is kept and the rest goes on; doing it again changes nothing."""
    summary, provenance = Summary(), provenance_of(package)

    async def one(content: Content) -> None:
        await _load_one(content, package, target, provenance, summary)
        done()

    for turn in range(TURNS):
        await _all_at_once(one(content) for content in package.contents() if turn_of(content) == turn)
    here = await target.packages()
    summary.missing = {n: v for n, v in package.dependencies.items() if n not in here | CORE}
    return summary


def turn_of(content: Content) -> int:
    """When a resource is loaded: what others are checked against comes before them."""
    resource = content.resource or {}
    if resource.get("resourceType") not in TYPES:
        return 2
    return 1 if resource.get("type") == "composite" else 0


async def _all_at_once(jobs: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do the jobs, some at once; the next is made when there is room for it."""
    waiting: set[asyncio.Task[None]] = set()
    for job in jobs:
        if len(waiting) >= AT_ONCE:
            finished, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            _raise_first(finished)
        waiting.add(asyncio.ensure_future(job))
    if waiting:
        _raise_first((await asyncio.wait(waiting))[0])


def _raise_first(finished: Iterable[asyncio.Task[None]]) -> None:
    for task in finished:
        task.result()


async def _load_one(
    content: Content, package: Package, target: Target, provenance: str, summary: Summary
) -> None:
    if content.resource is None:
        summary.failed.append((content.file, content.problem))
        return
    resource = content.resource
    type = resource["resourceType"]
    if type not in definitions().resource_types:
        summary.failed.append((content.file, f"'{type[:64]}' is not an R4 resource type"))
        return
    before = await _settle_id(resource, content.file, package, target)
    answer = await target.put(resource, provenance)
    if answer.status not in (200, 201):
        summary.failed.append((content.file, reasons(answer)))
        return
    summary.counts[type] += 1
    if answer.status == 201:
        summary.added += 1
    elif answer.version == before.version:
        summary.unchanged += 1
    else:
        summary.updated += 1


async def _settle_id(resource: JsonObject, file: str, package: Package, target: Target) -> Answer:
    """Give the resource an id that is its own: never that of something with another canonical url."""
    type, id = resource["resourceType"], str(resource.get("id", ""))
    if not is_id(id):
        id = derived_id(package.name, file)
    before = await target.get(type, id)
    if before.status == 200 and before.body.get("url") != resource.get("url"):
        id = derived_id(package.name, file)
        before = await target.get(type, id)
    resource["id"] = id
    return before


def reasons(answer: Answer) -> str:
    """Why something was not written."""
    issues = [one for one in answer.body.get("issue", ()) if one.get("severity") in ("error", "fatal")]
    said = "; ".join(str(one.get("diagnostics", one.get("code"))) for one in issues[:3])
    return f"{answer.status}: {said}" if said else str(answer.status)


class StoreTarget:
    """The store of the settings, by the interactions themselves."""

    def __init__(self, context: Context, registry: Registry, program: str = "credence load"):
        self._context, self._registry = context, registry
        self._principal = Principal(program, SYSTEM, frozenset({"read", "write"}))

    async def get(self, type: str, id: str) -> Answer:
        return await self._ask("GET", type, id)

    async def put(self, resource: JsonObject, provenance: str) -> Answer:
        headers = {"x-provenance": provenance}
        return await self._ask("PUT", resource["resourceType"], resource["id"], headers, resource)

    async def delete(self, type: str, id: str) -> Answer:
        return await self._ask("DELETE", type, id)

    async def _ask(
        self,
        method: str,
        type: str,
        id: str,
        headers: dict[str, str] | None = None,
        body: JsonObject | None = None,
    ) -> Answer:
        request = Request(self._principal, method, type, id, headers=headers or {}, body=body)
        try:
            result = await self._registry.dispatch(self._context, request)
        except Refusal as refusal:
            return Answer(refusal.category.value, operation_outcome(refusal.issues))
        return Answer(
            result.status, loads(result.body) if result.body else {}, result.headers.get("ETag", "")
        )

    async def packages(self) -> frozenset[str]:
        page = await self._context.store.search(Query("ImplementationGuide", count=1000))
        return frozenset(str(loads(one.content).get("packageId", "")) for one in page.versions)


class ServerTarget:
    """A running server, over HTTP as a principal that may write."""

    def __init__(self, client: httpx.AsyncClient):
        self._client = client

    async def get(self, type: str, id: str) -> Answer:
        return await self._ask("GET", f"{type}/{id}")

    async def put(self, resource: JsonObject, provenance: str) -> Answer:
        headers = {"Content-Type": "application/fhir+json", "X-Provenance": provenance}
        return await self._ask(
            "PUT", f"{resource['resourceType']}/{resource['id']}", headers, dumps(resource)
        )

    async def delete(self, type: str, id: str) -> Answer:
        return await self._ask("DELETE", f"{type}/{id}")

    async def _ask(
        self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        try:
            answer = await self._client.request(method, path, headers=headers, content=body)
        except httpx.HTTPError as error:
            raise Unreachable(f"the server does not answer ({type(error).__name__})") from None
        if answer.status_code in (401, 403):
            raise Unreachable(
                f"the server answered {answer.status_code}: the token must be of one who may write"
            )
        if answer.status_code >= 500:
            raise Unreachable(f"the server answered {answer.status_code}")
        return Answer(answer.status_code, _object(answer.content), answer.headers.get("etag", ""))

    async def packages(self) -> frozenset[str]:
        found = await self._ask("GET", "ImplementationGuide?_elements=packageId&_count=1000")
        if found.status != 200:
            raise refuse(
                Category.INVALID, "processing", "The server cannot be searched for ImplementationGuides"
            )
        resources = (entry.get("resource", {}) for entry in found.body.get("entry", ()))
        return frozenset(str(resource.get("packageId", "")) for resource in resources)


@asynccontextmanager
async def server_target(url: str, token: str) -> AsyncIterator[ServerTarget]:
    """The server whose FHIR base is ``url``, for the block."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=url.rstrip("/") + "/", headers=headers, timeout=60) as client:
        yield ServerTarget(client)


def _object(content: bytes) -> JsonObject:
    try:
        found = loads(content) if content else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
