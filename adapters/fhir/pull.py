"""Pulling what has changed: a walk over the types by ``_lastUpdated``, oldest first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from adapters.fhir.cursor import Mark, read_cursor, whole_milliseconds, write_cursor
from adapters.fhir.exchange import Answer, Exchange, member, members, record, updated_at
from adapters.fhir.retries import RetryPolicy, Sleep
from fhirserver.kernel.instants import instant
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.ehr import Page, Permanent, Record, Retryable

DEPENDENCY_ORDER = (
    *("Organization", "Location", "Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Coverage"),
    *("Schedule", "Slot", "Encounter", "Appointment", "Condition", "AllergyIntolerance", "Medication"),
    *("MedicationRequest", "Immunization", "Procedure", "DiagnosticReport", "Observation", "ServiceRequest"),
    *("CareTeam", "CarePlan", "DocumentReference", "Communication", "Flag", "Task"),
)
"""The types that are pulled by default, each after those which it usually refers to."""


@dataclass(slots=True)
class Walk:
    """What a walk over one type has seen so far."""

    before: Mark
    horizon: datetime
    records: dict[str, Record] = field(default_factory=dict)
    last: datetime | None = None
    ordered: bool = True

    def take(self, found: Sequence[Record]) -> list[Record]:
        """The records of a page that were not handed out before."""
        for each in found:
            self.records.pop(each.id, None)
            self.records[each.id] = each
            at = updated_at(each)
            self.ordered = self.ordered and at is not None and (self.last is None or at >= self.last)
            self.last = at
        return [
            each for each in found if not _version(each) or self.before.seen.get(each.id) != _version(each)
        ]

    def mark(self, complete: bool) -> Mark:
        """Where the type stands now; between pages only an ordered answer moves it."""
        if complete:
            since = whole_milliseconds(self.horizon)
            return Mark.make(since, self._seen(since))
        if not self.ordered or self.last is None:
            return self.before
        since = whole_milliseconds(min(self.last, self.horizon))
        return Mark.make(since, {**self.before.seen, **self._seen(since)})

    def _seen(self, since: datetime) -> dict[str, str]:
        recent = ((each, updated_at(each)) for each in self.records.values())
        return {
            each.id: _version(each) for each, at in recent if _version(each) and (at is None or at >= since)
        }


class Puller:
    """Pulls from one EHR. ``deletions`` says for which types its history tells what was deleted."""

    def __init__(
        self,
        exchange: Exchange,
        policy: RetryPolicy,
        sleep: Sleep,
        overlap: timedelta,
        page_size: int,
    ):
        self._exchange = exchange
        self._policy = policy
        self._sleep = sleep
        self._overlap = overlap
        self._page_size = page_size

    async def pages(
        self, cursor: JsonObject | None, types: Sequence[str], deletions: frozenset[str]
    ) -> AsyncIterator[Page]:
        """Pages of what is new, and at the end one with the final cursor, which may be empty."""
        marks = read_cursor(cursor)
        for type in types:
            async for records, mark in self._type(type, marks.get(type, Mark()), type in deletions):
                marks[type] = mark
                if records:
                    yield Page(records, write_cursor(marks))
        yield Page((), write_cursor(marks))

    async def _type(
        self, type: str, before: Mark, deletions: bool
    ) -> AsyncIterator[tuple[list[Record], Mark]]:
        walk: Walk | None = None
        async for answer in self._bundles(type, self._query(before)):
            if walk is None:
                walk = Walk(before, answer.date - self._overlap)
            fresh = walk.take([record(each) for each in _matches(type, answer.body or {})])
            last = _next(answer.body) is None
            if last and deletions and before.since is not None:
                fresh += walk.take([each async for each in self._deleted(type, before.since, walk)])
            yield fresh, walk.mark(complete=last)

    def _query(self, mark: Mark) -> dict[str, str]:
        query = {"_sort": "_lastUpdated", "_count": str(self._page_size)}
        return {"_lastUpdated": f"ge{instant(mark.since)}", **query} if mark.since else query

    async def _deleted(self, type: str, since: datetime, walk: Walk) -> AsyncIterator[Record]:
        """The records deleted since, and not there again. https://hl7.org/fhir/R4/http.html#history"""
        latest: dict[str, Record] = {}
        query = {"_since": instant(since), "_count": str(self._page_size)}
        async for answer in self._bundles(f"{type}/_history", query):
            for entry in members(answer.body or {}, "entry"):  # newest first
                if deleted := _deletion(type, entry):
                    latest.setdefault(deleted.id, deleted)
        for each in latest.values():
            if each.id not in walk.records:
                yield each

    async def _bundles(self, path: str, query: dict[str, str]) -> AsyncIterator[Answer]:
        """A search or history, page by page, each request retried."""
        link: str | None = path
        parameters: dict[str, str] | None = query
        followed: set[str] = set()
        while link is not None:
            if link in followed:
                raise Permanent("the EHR's pages lead in a circle")
            followed.add(link)
            answer = await self._get(link, parameters)
            if answer.body is None or answer.body["resourceType"] != "Bundle":
                raise Retryable("the answer to a search is not a Bundle", status=answer.status)
            yield answer
            link, parameters = _next(answer.body), None

    async def _get(self, link: str, query: dict[str, str] | None) -> Answer:
        answer: Answer = await self._policy.retrying(self._sleep)(
            self._exchange.send, "GET", link, query=query
        )
        return answer


def _matches(type: str, bundle: JsonObject) -> Iterator[JsonObject]:
    """The resources that were searched for; included ones and outcomes are left out."""
    for entry in members(bundle, "entry"):
        resource = member(entry, "resource")
        mode = member(entry, "search").get("mode", "match")
        if mode == "match" and resource.get("resourceType") == type and resource.get("id"):
            yield resource


def _deletion(type: str, entry: JsonObject) -> Record | None:
    request, response = member(entry, "request"), member(entry, "response")
    id = str(request.get("url", "")).rpartition("/")[2]
    if request.get("method") != "DELETE" or not id:
        return None
    version = str(response.get("etag", "")).removeprefix("W/").strip('"')
    return Record(type, id, version, str(response.get("lastModified", "")), {}, deleted=True)


def _next(bundle: JsonObject | None) -> str | None:
    for link in members(bundle or {}, "link"):
        if link.get("relation") == "next" and link.get("url"):
            return str(link["url"])
    return None


def _version(record: Record) -> str:
    """What tells two versions apart: the version id, or the time for EHRs that have none."""
    return record.version or record.last_updated
