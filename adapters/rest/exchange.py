"""One HTTP exchange with a vendor: authorisation, templates made requests, every failure as the port's error."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from adapters.rest.expressions import Scope, Unmappable, plain
from adapters.rest.inward import Inward
from adapters.rest.mapping import Request
from adapters.rest.refusals import refusal
from adapters.rest.templates import Templates
from adapters.rest.tokens import Authorisation, Authoriser
from fhirserver.kernel.instants import Clock
from fhirserver.kernel.json import InvalidJson, Json, JsonObject, dumps, loads
from fhirserver.kernel.tracing import outgoing
from fhirserver.ports.ehr import Permanent, Retryable, Unanswered


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. ``date`` is when the vendor says it was made."""

    status: int
    headers: Mapping[str, str]
    body: Json = field(repr=False)
    date: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """A request ready to be sent. ``link``: the path is an address that the vendor gave."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: JsonObject | None = field(default=None, repr=False)
    form: bool = False
    link: bool = False


class Exchange:
    """Sends requests to one vendor over kept-alive connections."""

    def __init__(
        self, base_url: str, inward: Inward, http: httpx.AsyncClient, authoriser: Authoriser, clock: Clock
    ):
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every URL, and URLs hold identifiers
        self._inward, self._http, self._authoriser, self._clock = inward, http, authoriser, clock
        self._server = inward.mapping.server
        scope = inward.scope()
        self.base = httpx.URL(base_url.rstrip("/") + "/")
        self._prefix = self._server.path.path(inward.evaluator, {}, scope)
        self._headers = {"Accept": "application/json", **self._texts(self._server.headers, {}, scope)}
        self._query = self._texts(self._server.query, {}, scope)

    @property
    def now(self) -> datetime:
        return self._clock.now()

    async def close(self) -> None:
        await self._http.aclose()

    def _texts(self, templates: Templates, content: Json, scope: Scope) -> dict[str, str]:
        values = {name: one.value(self._inward.evaluator, content, scope) for name, one in templates.items()}
        return {name: plain(value) for name, value in values.items() if value is not None}

    def make(self, request: Request, content: Json, scope: Scope, more: Templates | None = None) -> Made:
        """A request of a mapping for some content. Raises :class:`~fhirserver.ports.ehr.Permanent`."""
        try:
            path = request.path.path(self._inward.evaluator, content, scope)
            query = self._texts({**request.query, **(more or {})}, content, scope)
            body = request.body.value(self._inward.evaluator, content, scope)
        except Unmappable as error:
            raise Permanent(f"the mapping fails at {error}") from None
        form = self._server.body == "form"
        writes = request.method not in ("GET", "DELETE")
        return Made(request.method, self._prefix + path, query, body if body or writes else None, form)

    async def send(self, made: Made, failed: Any = None) -> Answer:
        """Send one. A refused token is renewed once. Raises :class:`~fhirserver.ports.ehr.EhrError`."""
        response = await self._once(made, refused=False)
        if response.status_code == 401:
            response = await self._once(made, refused=True)
        body = _body(response)
        if not response.is_success or self._has_failed(body, failed):
            raise self._refusal(response, body)
        if isinstance(body, _NotJson):
            raise Retryable("the answer is not JSON", status=response.status_code)
        return Answer(response.status_code, response.headers, body, self._date(response))

    def _has_failed(self, body: Json, failed: Any) -> bool:
        """Whether a body refuses although its status says success."""
        expressions = [one for one in (self._server.failed, failed) if one is not None]
        return any(self._inward.says(expression, body, self._inward.scope()) for expression in expressions)

    def _refusal(self, response: httpx.Response, body: Json) -> Exception:
        words = ""
        if self._server.message is not None and not isinstance(body, _NotJson):
            words = self._inward.evaluator.text(self._server.message, body, self._inward.scope())
        rules, text = self._inward.mapping.errors, response.text[:10_000]
        status = response.status_code if not response.is_success else 400
        return refusal(rules, status, response.headers, text, words, self._clock.now())

    def _url(self, made: Made) -> httpx.URL:
        """An address at the vendor's. A link to elsewhere is refused: the token would go there."""
        url = self.base.join(made.path if made.link else f"./{made.path.lstrip('/')}")
        if (url.scheme, url.host, url.port) != (self.base.scheme, self.base.host, self.base.port):
            raise Permanent("the EHR's link leads to another server")
        return url

    async def _once(self, made: Made, refused: bool) -> httpx.Response:
        allowed = await self._authoriser.authorisation(refused)
        url = self._url(made)
        query = {**self._query, **allowed.query, **made.query}
        if query:
            url = url.copy_merge_params(query)
        try:
            return await self._http.request(made.method, url, **self._content(made, allowed))
        except httpx.HTTPError as error:
            raise Unanswered(f"no answer from the EHR: {type(error).__name__}") from None

    def _content(self, made: Made, allowed: Authorisation) -> dict[str, Any]:
        headers = {**self._headers, **outgoing(), **allowed.headers}
        content: dict[str, Any] = {"headers": headers}
        if allowed.basic is not None:
            content["auth"] = allowed.basic
        if made.body is not None and made.form:
            content["data"] = {name: _form_value(value) for name, value in made.body.items()}
        elif made.body is not None:
            headers["Content-Type"] = "application/json"
            content["content"] = dumps(made.body)
        return content

    def _date(self, response: httpx.Response) -> datetime:
        try:
            at = parsedate_to_datetime(response.headers["date"])
        except (KeyError, ValueError):
            return self._clock.now()
        return at if at.tzinfo else at.replace(tzinfo=UTC)


class _NotJson(str):
    """A body that is no JSON."""


def _body(response: httpx.Response) -> Json:
    if not response.content.strip():
        return None
    try:
        return loads(response.content)
    except InvalidJson:
        return _NotJson(response.text)


def _form_value(value: Json) -> str:
    return dumps(value).decode() if isinstance(value, dict | list) else plain(value)
