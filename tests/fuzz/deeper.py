"""What must hold between answers: what was created is read as it was sent, pages add up, parameters divide a type."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlsplit

from fhirserver.kernel.json import InvalidJson, JsonObject, canonical, loads
from fhirserver.model.definitions import definitions
from fhirserver.model.xml import InvalidXml, read_xml
from fhirserver.search.parameters import searchable
from tests.fuzz.case import Case
from tests.fuzz.wire import Answer

_JSON = {"accept": "application/fhir+json"}
_XML = {"accept": "application/fhir+xml"}
_SHAPES = (
    "_summary",
    "_count",
    "_include",
    "_revinclude",
    "_elements",
    "_total",
    "_cursor",
    "_format",
    "_pretty",
)
_MOST = 400
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Asker:
    """Sends the questions of a check as the principal of the case that they are about."""

    send: Callable[[Case], Awaitable[Answer]]
    principal: str = "admin"

    async def get(self, target: str, headers: dict[str, str] = _JSON) -> Answer:
        return await self.send(Case("deeper", "GET", target, dict(headers), principal=self.principal))

    async def total(self, type: str, query: str) -> int:
        """How many match; -1 where the search is refused."""
        answer = await self.get(f"/{type}?{query}{'&' if query else ''}_summary=count")
        return int(loads(answer.body)["total"]) if answer.status == 200 else -1


async def lost(asker: Asker, case: Case, answer: Answer, path: str) -> list[str]:
    """What a created resource lost: read again, as JSON and as XML, it must say what was sent."""
    place = urlsplit(answer.headers.get("location", "")).path.removeprefix(path).partition("/_history")[0]
    read = await asker.get(place)
    if place.startswith("/AuditEvent/") and read.status == 403:
        return []  # only who has the role privacy reads them
    if read.status != 200:
        return [f"created, but reading {place} answered {read.status}"]
    try:
        sent, got = loads(case.body.removeprefix(codecs.BOM_UTF8)), loads(read.body)
    except InvalidJson as error:
        return [f"created from or read as what is not JSON: {error}"]
    found = [f"created, but read back with another {name}" for name in _changed(sent, got, {"id", "meta"})]
    return found + await _lost_in_xml(asker, place, got)


async def _lost_in_xml(asker: Asker, place: str, got: JsonObject) -> list[str]:
    read = await asker.get(place, _XML)
    if read.status == 406 and read.headers.get("content-type", "").startswith("application/fhir"):
        return []  # characters that XML cannot hold
    if read.status != 200:
        return [f"read as JSON, but as XML answered {read.status}"]
    try:
        back = read_xml(read.body)
    except InvalidXml as error:
        return [f"is served as XML that cannot be read: {error}"]
    return [f"is in XML with another {name}" for name in _changed(got, back, set())]


def _changed(one: JsonObject, other: JsonObject, apart: set[str]) -> list[str]:
    return sorted(
        name for name in {*one, *other} - apart if canonical(one.get(name)) != canonical(other.get(name))
    )


async def disagreeing(asker: Asker, target: str) -> list[str]:
    """Where a search that was answered does not agree with itself. Others write meanwhile, so it is asked again."""
    parts = urlsplit(target)
    type = parts.path.strip("/")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if name.partition(":")[0] not in _SHAPES]
    if type not in definitions().resource_types:
        return []
    found: list[str] = []
    for _ in range(_TRIES):
        found = await _disagreeing(asker, type, kept)
        if not found:
            return []
    return found


async def _disagreeing(asker: Asker, type: str, pairs: list[tuple[str, str]]) -> list[str]:
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    total = await asker.total(
        type, "&".join(part for part in query.split("&") if not part.startswith("_sort"))
    )
    if not 0 <= total <= _MOST:
        return []
    ids = [id async for id in _paged(asker, f"/{type}?{query}{'&' if query else ''}_count=7")]
    if len(set(ids)) != len(ids):
        return [f"pages repeat {len(ids) - len(set(ids))} of {len(ids)} matches"]
    return [f"the pages have {len(ids)} matches, _summary=count says {total}"] if len(ids) != total else []


async def _paged(asker: Asker, target: str) -> AsyncIterator[str]:
    while target:
        answer = await asker.get(target)
        if answer.status != 200:
            yield f"a page answered {answer.status}"
            return
        page = loads(answer.body)
        for entry in page.get("entry", ()):
            if entry["search"]["mode"] == "match":
                yield entry["fullUrl"]  # containers may be of several types
        links = [link["url"] for link in page.get("link", ()) if link["relation"] == "next"]
        target = "/" + links[0].partition("/fhir/")[2] if links else ""


@dataclass(slots=True)
class Division:
    """Every parameter divides a type: what has it and what lacks it are all there is."""

    asker: Asker
    each: Callable[[], None] = lambda: None
    checked: int = 0
    found: list[str] = field(default_factory=list)

    async def sweep(self) -> None:
        """Nobody may write meanwhile."""
        for type in sorted(definitions().resource_types):
            every = await self.asker.total(type, "")
            if every:
                await self._type(type, every)
            self.each()

    async def _type(self, type: str, every: int) -> None:
        for code in sorted(searchable(type)):
            lacking = await self.asker.total(type, f"{code}:missing=true")
            having = await self.asker.total(type, f"{code}:missing=false")
            self.checked += 1
            if -1 not in (lacking, having) and lacking + having != every:
                self.found.append(f"{type}?{code}:missing: {lacking} lack it, {having} have it, of {every}")
