"""Documents of configuration by their ids: read, listed, written and deleted as who asks, through the registry.

So access, audit and provenance are those of the Library (https://hl7.org/fhir/R4/library.html) that each lies in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from fhirserver.access.principals import Principal
from fhirserver.interactions.exchange import Context, Request, Result
from fhirserver.interactions.noting import dispatch_noted
from fhirserver.interactions.registry import Registry
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.world.configuration import KIND, Configured, NoConfiguration, configured, library

TYPE = "Library"
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier state of a document: which revision, since when, and who said so."""

    revision: str
    recorded: str
    by: str
    status: str
    version: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Libraries:
    """What is refused there is refused here: every method raises :class:`~fhirserver.kernel.outcomes.Refusal`."""

    context: Context
    registry: Registry
    principal: Principal

    async def find(self, kind: str, id: str) -> Configured | None:
        """A document of a kind; None where there is none of that id and kind."""
        try:
            result = await self._dispatch(Request(self.principal, "GET", TYPE, id))
        except Refusal as refusal:
            if refusal.category in (Category.NOT_FOUND, Category.GONE):
                return None
            raise
        return _of_kind(kind, loads(result.body))

    async def read(self, kind: str, id: str) -> Configured:
        """The same; refuses (404) where there is none."""
        found = await self.find(kind, id)
        if found is None:
            raise refuse(Category.NOT_FOUND, "not-found", f"There is no such {kind}")
        return found

    async def page(
        self, kind: str, *more: tuple[str, str], limit: int = _PAGE, cursor: str = ""
    ) -> tuple[Sequence[Configured], str]:
        """Documents of a kind that are found, and the cursor of the page behind them (empty: the last)."""
        asked = [("type", f"{KIND}|{kind}"), *more, ("_count", str(limit))]
        asked += [("_cursor", cursor)] if cursor else []
        bundle = loads((await self._dispatch(Request(self.principal, "GET", TYPE, params=asked))).body)
        found = [_of_kind(kind, entry["resource"]) for entry in bundle.get("entry", ())]
        return [one for one in found if one is not None], _next(bundle)

    async def all(self, kind: str, *more: tuple[str, str]) -> Sequence[Configured]:
        """All documents of a kind that are found."""
        found: list[Configured] = []
        cursor = ""
        while True:
            page, cursor = await self.page(kind, *more, cursor=cursor)
            found += page
            if not cursor:
                return found

    async def write(self, one: Configured, if_match: str = "", only_new: bool = False) -> Configured:
        """Store a document under its id (412 where ``if_match`` is not its ETag, 409 where it has to be ``only_new``
        and is not, or where another source's word is held to be truer)."""
        headers = {"if-match": if_match} if if_match else {"if-none-match": "*"} if only_new else {}
        headers["prefer"] = "return=representation"
        request = Request(self.principal, "PUT", TYPE, one.id, headers=headers, body=library(one))
        try:
            result = await self._dispatch(request)
        except Refusal as refusal:
            if only_new and refusal.category is Category.PRECONDITION_FAILED:
                text = f"There is a Library '{one.id}' already"
                raise refuse(Category.CONFLICT, "duplicate", text, "/id") from None
            raise
        stored = _of_kind(one.kind, loads(result.body))
        if stored is None or (stored.document, stored.status) != (one.document, one.status):
            text = (
                "What was said before by another source is held to be truer than what this one says: "
                "configure as a source that is trusted as much"
            )
            raise refuse(Category.CONFLICT, "business-rule", text)
        return stored

    async def delete(self, kind: str, id: str, if_match: str = "") -> None:
        """Delete a document; refuses (404) where there is none."""
        await self.read(kind, id)
        headers = {"if-match": if_match} if if_match else {}
        await self._dispatch(Request(self.principal, "DELETE", TYPE, id, headers=headers))

    async def history(self, id: str, most: int = 100) -> Sequence[Past]:
        """What was, the latest first, with who said so."""
        history = Request(
            self.principal, "GET", TYPE, id, operation="_history", params=[("_count", str(most))]
        )
        try:
            bundle = loads((await self._dispatch(history)).body)
        except Refusal as refusal:
            if refusal.category is Category.NOT_FOUND:
                return ()
            raise
        by = await self._said_by(id)
        return [_past(entry, by) for entry in bundle.get("entry", ())]

    async def _said_by(self, id: str) -> dict[str, str]:
        """Who stated each version, by its reference."""
        params = [("target", f"{TYPE}/{id}"), ("_count", "1000")]
        bundle = loads(
            (await self._dispatch(Request(self.principal, "GET", "Provenance", params=params))).body
        )
        said: dict[str, str] = {}
        for entry in bundle.get("entry", ()):
            for target in entry["resource"].get("target", ()):
                said[str(target.get("reference", ""))] = _who(entry["resource"])
        return said

    async def _dispatch(self, request: Request) -> Result:
        return await dispatch_noted(self.context, self.registry, request)


def etag(one: Configured) -> str:
    """What the next change of a document is to match."""
    return f'W/"{one.revision}"'


def _of_kind(kind: str, resource: JsonObject) -> Configured | None:
    try:
        found = configured(resource)
    except NoConfiguration:
        return None
    return found if found.kind == kind else None


def _next(bundle: JsonObject) -> str:
    urls = (link["url"] for link in bundle.get("link", ()) if link["relation"] == "next")
    return next((parse_qs(urlsplit(url).query).get("_cursor", [""])[0] for url in urls), "")


def _past(entry: JsonObject, by: dict[str, str]) -> Past:
    resource, response = entry.get("resource", {}), entry.get("response", {})
    etag = str(response.get("etag", "")).removeprefix('W/"').rstrip('"')
    meta = resource.get("meta", {})
    revision = str(meta.get("versionId", "")) or etag
    id = resource.get("id") or str(entry.get("request", {}).get("url", "")).split("/")[1]
    return Past(
        revision,
        str(meta.get("lastUpdated", "") or response.get("lastModified", "")),
        by.get(f"{TYPE}/{id}/_history/{revision}", ""),
        str(resource.get("status", "")),
        str(resource.get("version", "")),
        not resource,
    )


def _who(provenance: JsonObject) -> str:
    for agent in provenance.get("agent", ()):
        who = agent.get("who", {})
        said = who.get("display") or who.get("identifier", {}).get("value") or who.get("reference")
        if said:
            return str(said)
    return ""
