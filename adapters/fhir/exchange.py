"""One HTTP exchange with an EHR: the token, the media types, and every failure as the port's error."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from adapters.fhir.addresses import Addresses
from adapters.fhir.bodies import ENCODING, resource, whole
from adapters.fhir.refusals import objection, refusal, unanswered
from adapters.fhir.tokens import TokenProvider
from fhirserver.kernel.instants import Clock, parse_instant
from fhirserver.kernel.json import JsonObject, dumps
from fhirserver.kernel.tracing import outgoing
from fhirserver.ports.ehr import Permanent, Record, Retryable, Unusable

MEDIA_TYPE = "application/fhir+json"
MOST_BYTES = 64 * 1024 * 1024
_MOST_LAG = timedelta(hours=1)
_MOST_REDIRECTS = 3
_MOST_OF_AN_ERROR = 1024 * 1024
_RECORD = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}\Z")
log = logging.getLogger("credence.fhir")


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. ``date`` is when the EHR says it was made; ``dated`` whether it said so at all."""

    status: int
    headers: Mapping[str, str]
    body: JsonObject | None
    date: datetime
    dated: bool = True


class Exchange:
    """Sends requests to one EHR over kept-alive connections."""

    def __init__(
        self,
        base_url: str,
        tokens: TokenProvider,
        http: httpx.AsyncClient,
        clock: Clock,
        also_at: frozenset[str] = frozenset(),
        most_bytes: int = MOST_BYTES,
    ):
        # httpx logs every URL at INFO, and URLs hold identifiers.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.addresses = Addresses(base_url, also_at)
        self._tokens = tokens
        self._http = http
        self._clock = clock
        self.most_bytes = most_bytes
        self.skew = timedelta(0)
        """How far the EHR's clock is before ours, by the last Date header."""
        self.lag = timedelta(0)
        """How far ``lastUpdated`` of what we wrote was behind that clock: where it is another machine's."""

    def their_time(self) -> datetime:
        """The present instant by the EHR's clock, as far as that is known."""
        return self._clock.now() + self.skew

    async def close(self) -> None:
        await self._http.aclose()
        await self._tokens.close()

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
        body = dumps(content) if content is not None else None
        url = self.addresses.of(path, query)
        named = _RECORD.match(path) is not None
        async with self.asked(method, url, body, headers or {}, on_record=named) as response:
            text = await whole(response, self.most_bytes)
            found = resource(text, response.status_code)
            if error := objection(response.status_code, response.headers, found, self._clock.now()):
                raise error
            date, dated = self._date(response)
            if dated and response.status_code == 201:
                self._learn_lag(found, date)
            return Answer(response.status_code, response.headers, found, date, dated)

    @asynccontextmanager
    async def asked(
        self,
        method: str,
        url: httpx.URL,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        token: bool = True,
        on_record: bool = False,
    ) -> AsyncIterator[httpx.Response]:
        """The answer that is success, its body not read yet; reading it may raise the port's errors too.

        ``token`` False: our credentials are not sent.
        """
        try:
            response = await self._authorized(method, url, body, headers or {}, token)
            try:
                if not response.is_success:
                    raise await self._refusal(response, on_record)
                yield response
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise unanswered(error) from None

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

    async def _authorized(
        self, method: str, url: httpx.URL, body: bytes | None, headers: Mapping[str, str], token: bool
    ) -> httpx.Response:
        """One request, once more with a new token where the EHR does not take the one it got."""
        if not token:
            return await self._redirected(method, url, body, headers)
        held = await self._tokens.token()
        response = await self._redirected(method, url, body, {**_bearer(held), **headers})
        if response.status_code != 401 or (fresh := await self._tokens.token(refused=held)) == held:
            return response
        await response.aclose()
        return await self._redirected(method, url, body, {**_bearer(fresh), **headers})

    async def _redirected(
        self, method: str, url: httpx.URL, body: bytes | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        """The answer behind redirects, of which only those of a GET are followed, and within the EHR's servers."""
        for _ in range(_MOST_REDIRECTS):
            response = await self._once(method, url, body, headers)
            place = response.headers.get("location", "")
            if method != "GET" or response.status_code not in (301, 302, 303, 307, 308) or not place:
                return response
            await response.aclose()
            url = self._elsewhere(url, place)
        return await self._once(method, url, body, headers)

    def _elsewhere(self, url: httpx.URL, place: str) -> httpx.URL:
        try:
            return self.addresses.of(str(url.join(place)))
        except (Permanent, httpx.InvalidURL):
            raise Unusable("the EHR redirects to another server") from None

    async def _once(
        self, method: str, url: httpx.URL, body: bytes | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        own = {"Accept": MEDIA_TYPE, "Accept-Encoding": ENCODING}
        if body is not None:
            own["Content-Type"] = MEDIA_TYPE
        request = self._http.build_request(
            method, url, content=body, headers={**own, **outgoing(), **headers}
        )
        return await self._http.send(request, stream=True)

    async def _refusal(self, response: httpx.Response, on_record: bool) -> Exception:
        content = await whole(response, _MOST_OF_AN_ERROR)
        now = self._clock.now()
        return refusal(response.status_code, response.headers, content, now, on_record=on_record)

    def _learn_lag(self, written: JsonObject | None, date: datetime) -> None:
        at = updated_at(record(written)) if written else None
        if at is not None:
            self.lag = max(self.lag, min(date - at, _MOST_LAG))

    def _date(self, response: httpx.Response) -> tuple[datetime, bool]:
        """When the answer was made by the EHR's clock, or else by ours; and whether it was the EHR's."""
        now = self._clock.now()
        try:
            at = parsedate_to_datetime(response.headers["date"])
        except (KeyError, ValueError):
            return now, False
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        self.skew = at - now
        return at, True


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


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
