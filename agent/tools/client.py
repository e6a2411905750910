"""A FHIR client over httpx: reads are tried again, writes are not."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import httpx

from fhirserver.kernel.json import Json, JsonObject, dumps, loads
from fhirserver.kernel.tracing import outgoing

FHIR_JSON = "application/fhir+json"
_PAGES = 20
_LOCAL = re.compile(
    r"[A-Z][A-Za-z]+/(?!\.+(?:/|$))[A-Za-z0-9.-]{1,64}(?:/_history/[A-Za-z0-9.-]{1,64}|/\$[a-z-]+)?\Z"
)
"""A reference within one server: https://hl7.org/fhir/R4/references.html#literal"""
_LIMITS = httpx.Limits(max_connections=16, max_keepalive_connections=16)
"""For each request httpcore looks at all its connections several times: with 40 requests at once and the 100
connections that it would open, that took three times the processor time of these."""
AGAIN = frozenset({429, 502, 503, 504})


class Unreachable(Exception):
    """The server did not answer; a write may or may not have happened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``body`` is the parsed JSON, an empty object where there was none."""

    status: int
    body: JsonObject
    headers: Mapping[str, str]

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def taken(self) -> bool:
        """Refused because somebody else was first."""
        return self.status in (409, 412)

    @property
    def held(self) -> tuple[str, ...]:
        """The paths another source's word still wins (``X-Held``)."""
        return tuple(p.strip() for p in self.headers.get("x-held", "").split(",") if p.strip())


def version_of(resource: JsonObject) -> str:
    """``meta.versionId``, or empty."""
    return str(resource.get("meta", {}).get("versionId", ""))


class FhirClient:
    """Speaks FHIR JSON to one base URL with one bearer token.

    ``transport`` may be an in-process one. ``base`` is the FHIR base (``http://host:port/fhir``). ``tls``: how
    the server is known, where that is not by the usual authorities.
    """

    def __init__(
        self,
        base: str,
        token: str,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout: float = 10.0,
        tls: ssl.SSLContext | None = None,
    ):
        headers = {"Accept": FHIR_JSON, "Authorization": f"Bearer {token}"}
        self.base = base.rstrip("/")
        self._http = httpx.AsyncClient(
            headers=headers, transport=transport, timeout=timeout, verify=tls or True, limits=_LIMITS
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def send(
        self, method: str, path: str, body: Json = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request. ``path`` is below the base; the token goes nowhere else. Raises :class:`Unreachable` when there
        is no answer."""
        content = None if body is None else dumps(body)
        sent = {**outgoing(), **(headers or {})}
        if content is not None:
            sent.setdefault("Content-Type", FHIR_JSON)
        url = f"{self.base}/{path}" if path else self.base
        try:
            response = await self._http.request(method, url, content=content, headers=sent)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(type(error).__name__) from None
        return Answer(response.status_code, _body(response), response.headers)

    async def get(self, path: str, tries: int = 3) -> Answer:
        """Read, once more after a pause where the server is busy or gone. Raises :class:`Unreachable`."""
        for attempt in range(1, tries + 1):
            try:
                answer = await self.send("GET", path)
            except Unreachable:
                if attempt == tries:
                    raise
            else:
                if answer.status not in AGAIN or attempt == tries:
                    return answer
            await asyncio.sleep(0.1 * 2**attempt)
        raise AssertionError("unreachable")

    async def read(self, reference: str) -> JsonObject | None:
        """A resource, or None where there is none, which is so of what a reference to another place leads to."""
        local = _LOCAL.match(reference.removeprefix(f"{self.base}/"))
        if local is None:
            return None
        answer = await self.get(local[0])
        if answer.ok:
            return answer.body
        if answer.status in (404, 410):
            return None
        raise Unreachable(f"HTTP {answer.status}")

    async def search(self, type: str, params: list[tuple[str, str]]) -> list[JsonObject]:
        """Every match over all pages, included resources too. Raises :class:`Unreachable`."""
        return [resource async for resource in self._pages(f"{type}?{urlencode(params)}")]

    async def _pages(self, path: str) -> AsyncIterator[JsonObject]:
        for _ in range(_PAGES):
            answer = await self.get(path)
            if not answer.ok:
                raise Unreachable(f"HTTP {answer.status}")
            for entry in answer.body.get("entry", ()):
                if entry.get("resource", {}).get("resourceType") not in (None, "OperationOutcome"):
                    yield entry["resource"]
            path = next_page(path, answer.body)
            if not path:
                return


def next_page(path: str, bundle: JsonObject) -> str:
    """The path of the page after the one at ``path``, empty at the end. Of the link only what it asks counts: where it
    leads to is the address by which others know the server."""
    link = next((str(x["url"]) for x in bundle.get("link", ()) if x.get("relation") == "next"), "")
    return f"{path.partition('?')[0]}?{urlsplit(link).query}" if link else ""


def _body(response: httpx.Response) -> JsonObject:
    if "json" not in response.headers.get("content-type", "") or not response.content:
        return {}
    parsed = loads(response.content)
    return parsed if isinstance(parsed, dict) else {}
