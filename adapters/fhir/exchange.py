"""One HTTP exchange with an EHR: the token, the media types, and every failure as the port's error."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlencode

import httpx

from adapters.fhir.refusals import refusal
from adapters.fhir.tokens import TokenProvider
from fhirserver.kernel.instants import Clock, parse_instant
from fhirserver.kernel.json import InvalidJson, JsonObject, dumps, loads
from fhirserver.ports.ehr import Permanent, Record, Retryable, Unanswered

MEDIA_TYPE = "application/fhir+json"
_RECORD = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. ``date`` is when the EHR says it was made."""

    status: int
    headers: Mapping[str, str]
    body: JsonObject | None
    date: datetime


class Exchange:
    """Sends requests to one EHR over kept-alive connections."""

    def __init__(self, base_url: str, tokens: TokenProvider, http: httpx.AsyncClient, clock: Clock):
        # httpx logs every URL at INFO, and URLs hold identifiers.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.base = httpx.URL(base_url.rstrip("/") + "/")
        self._tokens = tokens
        self._http = http
        self._clock = clock

    async def close(self) -> None:
        await self._http.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: JsonObject | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; ``path`` is relative to the base or a link the EHR gave.

        Raises the errors of :mod:`fhirserver.ports.ehr`. A refused token is renewed once.
        """
        url = self._url(path, query)
        body = dumps(content) if content is not None else None
        response = await self._once(method, url, body, headers or {}, renew=False)
        if response.status_code == 401:
            response = await self._once(method, url, body, headers or {}, renew=True)
        now = self._clock.now()
        if not response.is_success:
            named = _RECORD.match(path) is not None
            raise refusal(response.status_code, response.headers, response.content, now, on_record=named)
        return Answer(response.status_code, response.headers, _resource(response), _date(response, now))

    async def read(self, type: str, id: str) -> Record:
        """The current version. Raises :class:`~fhirserver.ports.ehr.Gone` where there is none."""
        answer = await self.send("GET", f"{type}/{id}")
        if answer.body is None or answer.body["resourceType"] != type:
            raise Retryable(f"the answer to a read is not a {type}", status=answer.status)
        return record(answer.body)

    async def search(self, type: str, query: Mapping[str, str]) -> list[Record]:
        """The first page of a search whose matches are few."""
        answer = await self.send("GET", type, query=query)
        found = (member(entry, "resource") for entry in members(answer.body or {}, "entry"))
        return [record(each) for each in found if each.get("resourceType") == type]

    def _url(self, path: str, query: Mapping[str, str] | None) -> httpx.URL:
        """An address below the base. A link to elsewhere is refused: the token would go there."""
        url = self.base.join(path)
        if (url.scheme, url.host, url.port) != (self.base.scheme, self.base.host, self.base.port):
            raise Permanent("the EHR's link leads to another server")
        return url.copy_with(query=urlencode(query, safe=":/|").encode()) if query else url

    async def _once(
        self, method: str, url: httpx.URL, body: bytes | None, headers: Mapping[str, str], renew: bool
    ) -> httpx.Response:
        token = await self._tokens.token(renew)
        own = {"Authorization": f"Bearer {token}", "Accept": MEDIA_TYPE}
        if body is not None:
            own["Content-Type"] = MEDIA_TYPE
        try:
            return await self._http.request(method, url, content=body, headers={**own, **headers})
        except httpx.HTTPError as error:
            raise Unanswered(f"no answer from the EHR: {type(error).__name__}") from None


def _resource(response: httpx.Response) -> JsonObject | None:
    """The resource in the body, or None for an empty one."""
    if not response.content.strip():
        return None
    try:
        body = loads(response.content)
    except InvalidJson:
        raise Retryable("the answer is not JSON", status=response.status_code) from None
    if not isinstance(body, dict) or "resourceType" not in body:
        raise Retryable("the answer is not a FHIR resource", status=response.status_code)
    return body


def _date(response: httpx.Response, now: datetime) -> datetime:
    try:
        at = parsedate_to_datetime(response.headers["date"])
    except (KeyError, ValueError):
        return now
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def member(value: JsonObject, name: str) -> JsonObject:
    """The object under ``name``; an empty one where an EHR sent none, or something else."""
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


def members(value: JsonObject, name: str) -> list[JsonObject]:
    """The objects in the list under ``name``; whatever else an EHR put there is left out."""
    inner = value.get(name)
    return [item for item in inner if isinstance(item, dict)] if isinstance(inner, list) else []


def record(content: JsonObject) -> Record:
    """A resource as the EHR sent it, as a record."""
    meta = member(content, "meta")
    version, updated = str(meta.get("versionId", "")), str(meta.get("lastUpdated", ""))
    return Record(content["resourceType"], str(content.get("id", "")), version, updated, content)


def updated_at(record: Record) -> datetime | None:
    """When the EHR last changed the record, if it says so."""
    try:
        return parse_instant(record.last_updated)
    except ValueError:
        return None
