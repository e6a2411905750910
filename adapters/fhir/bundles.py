"""Bundles page by page, and what their entries say."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping

from adapters.fhir.exchange import Answer, Exchange, member, members
from adapters.fhir.retries import RetryPolicy, Sleep
from fhirserver.kernel.json import JsonObject
from fhirserver.ports.ehr import Permanent, Record, Retryable

_RECORD = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/]*)?\Z")
_WORST = ("error", "fatal")


class Bundles:
    """Reads searches and histories of one EHR, each request retried."""

    def __init__(self, exchange: Exchange, policy: RetryPolicy, sleep: Sleep):
        self._exchange, self._policy, self._sleep = exchange, policy, sleep

    async def pages(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Answer]:
        """A search or history, page by page."""
        link: str | None = path
        parameters: Mapping[str, str] | None = query
        followed: set[str] = set()
        while link is not None:
            if link in followed:
                raise Permanent("the EHR's pages lead in a circle")
            followed.add(link)
            answer = await self._get(link, parameters)
            if answer.body is None or answer.body["resourceType"] != "Bundle":
                raise Retryable("the answer to a search is not a Bundle", status=answer.status)
            yield answer
            link, parameters = next_link(answer.body), None

    async def _get(self, link: str, query: Mapping[str, str] | None) -> Answer:
        answer: Answer = await self._policy.retrying(self._sleep)(
            self._exchange.send, "GET", link, query=query
        )
        return answer


def matches(type: str, bundle: JsonObject) -> Iterator[JsonObject]:
    """The resources that were searched for; included ones and outcomes are left out."""
    for entry in members(bundle, "entry"):
        resource = member(entry, "resource")
        mode = member(entry, "search").get("mode", "match")
        if mode == "match" and resource.get("resourceType") == type and resource.get("id"):
            yield resource


def is_partial(bundle: JsonObject) -> bool:
    """Whether the EHR says, in an OperationOutcome among the matches, that something is missing."""
    for entry in members(bundle, "entry"):
        resource = member(entry, "resource")
        if resource.get("resourceType") == "OperationOutcome":
            return any(issue.get("severity") in _WORST for issue in members(resource, "issue"))
    return False


def deletion(entry: JsonObject) -> Record | None:
    """The deleted record that an entry of a history, or of an export's deletions, is about."""
    request, response = member(entry, "request"), member(entry, "response")
    found = reference(str(request.get("url", ""))) or reference(str(entry.get("fullUrl", "")))
    if request.get("method") != "DELETE" or found is None:
        return None
    version = str(response.get("etag", "")).removeprefix("W/").strip('"')
    return Record(*found, version, str(response.get("lastModified", "")), {}, deleted=True)


def written(entry: JsonObject) -> tuple[str, str] | None:
    """Type and id of the record that an entry of a history is about."""
    resource = member(entry, "resource")
    if "id" in resource:
        return str(resource.get("resourceType", "")), str(resource["id"])
    return reference(str(member(entry, "request").get("url", ""))) or reference(str(entry.get("fullUrl", "")))


def reference(text: str) -> tuple[str, str] | None:
    """Type and id of a reference, whether relative, absolute or to a version."""
    found = _RECORD.search(text)
    return (found[1], found[2]) if found else None


def next_link(bundle: JsonObject | None) -> str | None:
    for link in members(bundle or {}, "link"):
        if link.get("relation") == "next" and link.get("url"):
            return str(link["url"])
    return None
