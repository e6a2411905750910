"""FHIR as the one who asks: the same interactions as at ``/fhir``, so that access, audit and provenance hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from fhirserver.access.principals import Principal
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.noting import dispatch_noted
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal

Params = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search. ``included`` came along by ``_include`` and ``_revinclude``; ``next`` is the cursor of the
    page behind it."""

    resources: Sequence[JsonObject]
    next: str | None = None
    included: Sequence[JsonObject] = ()
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Fhir:
    """What is refused there is refused here: every method raises :class:`~fhirserver.kernel.outcomes.Refusal`."""

    context: Context
    registry: Registry
    principal: Principal

    async def read(self, type: str, id: str) -> JsonObject:
        """A resource as it is now (404, 410)."""
        return _resource(await self._dispatch(Request(self.principal, "GET", type, id)))

    async def find(self, type: str, id: str) -> JsonObject | None:
        """The same; None where there is none, or none any more."""
        try:
            return await self.read(type, id)
        except Refusal as refusal:
            if refusal.category in (Category.NOT_FOUND, Category.GONE):
                return None
            raise

    async def search(self, type: str, params: Params = (), limit: int = 50, cursor: str = "") -> Found:
        """A page of what is found; ``params`` without ``_count`` and ``_cursor``."""
        asked = [*params, ("_count", str(limit)), *((("_cursor", cursor),) if cursor else ())]
        bundle = _resource(await self._dispatch(Request(self.principal, "GET", type, params=asked)))
        by_mode: dict[str, list[JsonObject]] = {"match": [], "include": [], "outcome": []}
        for entry in bundle.get("entry", ()):
            by_mode[entry.get("search", {}).get("mode", "match")].append(entry["resource"])
        return Found(by_mode["match"], next_of(bundle), by_mode["include"], bundle.get("total"))

    async def create(self, resource: JsonObject) -> JsonObject:
        """Store a new resource under an id of the server's; as it is stored."""
        request = Request(self.principal, "POST", resource["resourceType"], body=resource)
        return await self._written(request)

    async def update(self, resource: JsonObject, if_match: str = "", only_new: bool = False) -> JsonObject:
        """Store a resource under its id; as it is stored (412 where ``if_match`` is not its version, or where it has
        to be ``only_new`` and is not)."""
        headers = {"if-match": if_match} if if_match else {"if-none-match": "*"} if only_new else {}
        kind, id = resource["resourceType"], resource["id"]
        return await self._written(Request(self.principal, "PUT", kind, id, headers=headers, body=resource))

    async def delete(self, type: str, id: str, if_match: str = "") -> None:
        """Delete a resource."""
        headers = {"if-match": if_match} if if_match else {}
        await self._dispatch(Request(self.principal, "DELETE", type, id, headers=headers))

    async def operate(
        self, name: str, type: str = "", id: str = "", if_match: str = "", **inputs: object
    ) -> JsonObject:
        """Invoke an operation, ``approve`` without its ``$``; an input is a text, a number, a boolean or a list of
        these. The resource that it answers; empty for none."""
        body: JsonObject = {"resourceType": "Parameters", "parameter": list(_parameters(inputs))}
        given = body if body["parameter"] else None
        headers = {"if-match": if_match} if if_match else {}
        request = Request(self.principal, "POST", type, id, operation=f"${name}", headers=headers, body=given)
        answer = await self._dispatch(request)
        return loads(answer.body) if answer.body else {}

    async def ask(self, name: str, type: str = "", id: str = "", params: Params = ()) -> JsonObject:
        """Invoke an operation that changes nothing, by GET."""
        return _resource(
            await self._dispatch(
                Request(self.principal, "GET", type, id, operation=f"${name}", params=params)
            )
        )

    async def _written(self, request: Request) -> JsonObject:
        request.headers = {**request.headers, "prefer": "return=representation"}
        return _resource(await self._dispatch(request))

    async def _dispatch(self, request: Request) -> Result:
        return await dispatch_noted(self.context, self.registry, request)


def etag_of(resource: JsonObject) -> str:
    """The ETag of a resource, which its next change is to match."""
    return f'W/"{resource.get("meta", {}).get("versionId", "")}"'


def _resource(result: Result) -> JsonObject:
    found: JsonObject = loads(result.body)
    return found


def next_of(bundle: JsonObject) -> str | None:
    """The cursor in the link to the next page."""
    urls = (link["url"] for link in bundle.get("link", ()) if link["relation"] == "next")
    cursors = (parse_qs(urlsplit(url).query).get("_cursor", [""])[0] for url in urls)
    return next(cursors, None) or None


def _parameters(inputs: Mapping[str, object]) -> Sequence[JsonObject]:
    return [
        {"name": name, _VALUES[type(one)]: one}
        for name, value in inputs.items()
        for one in (value if isinstance(value, list) else [value])
    ]


_VALUES = {str: "valueString", bool: "valueBoolean", int: "valueInteger"}
