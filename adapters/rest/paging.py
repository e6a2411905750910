"""Reading a list page by page, in the ways in which vendors page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.fhir.retries import RetryPolicy, Sleep
from adapters.rest.exchange import Answer, Exchange, Made
from adapters.rest.expressions import Expression, Scope, Unmappable, plain
from adapters.rest.inward import Inward
from adapters.rest.mapping import Paging
from fhirserver.kernel.json import Json
from fhirserver.ports.ehr import Permanent, Retryable

MOST_PAGES = 100_000


@dataclass(frozen=True, slots=True)
class VendorPage:
    """Records of one answer, as the vendor has them."""

    records: list[Json]
    date: datetime


class Lister:
    """Reads lists of one vendor; each request is retried by the policy."""

    def __init__(self, exchange: Exchange, inward: Inward, retries: RetryPolicy, sleep: Sleep):
        self._exchange, self._inward, self._retries, self._sleep = exchange, inward, retries, sleep

    async def pages(
        self, made: Made, records: Expression, paging: Paging, scope: Scope
    ) -> AsyncIterator[VendorPage]:
        """All pages, at least one. Raises :class:`~fhirserver.ports.ehr.EhrError`.

        A list that ends before the total it states is a failure: what is missing must not count as gone.
        """
        following: Made | None = _begun(made, paging)
        followed: set[str] = set()
        taken = 0
        for _ in range(MOST_PAGES):
            if following is None:
                return
            answer = await self.get(following)
            found = self._records(records, answer, scope)
            taken += len(found)
            yield VendorPage(found, answer.date)
            following = self._following(following, answer, len(found), taken, paging, scope)
            if following is not None:
                _no_circle(following, followed)
        raise Permanent("the EHR's list does not end")

    async def once(self, made: Made, records: Expression, paging: Paging, scope: Scope) -> list[Json]:
        """The records of one answer, asked for once."""
        return self._records(records, await self._exchange.send(_begun(made, paging)), scope)

    async def get(self, made: Made) -> Answer:
        answer: Answer = await self._retries.retrying(self._sleep)(self._exchange.send, made)
        return answer

    def _records(self, expression: Expression, answer: Answer, scope: Scope) -> list[Json]:
        try:
            found = self._inward.evaluator.value(expression, answer.body, scope)
        except Unmappable as error:
            raise Retryable(f"the answer has no list where {error}", status=answer.status) from None
        if found is None:
            return []
        if not isinstance(found, list):
            raise Retryable("the answer to a list holds none", status=answer.status)
        return [record for record in found if record is not None]

    def _following(
        self, made: Made, answer: Answer, count: int, taken: int, paging: Paging, scope: Scope
    ) -> Made | None:
        if paging.kind == "none":
            return None
        if paging.kind == "link-header":
            return _link(made, answer)
        if paging.kind in ("next", "cursor"):
            return self._next(made, answer, paging, scope)
        total = self._total(answer, paging, scope)
        if count == 0 or (total is None and count < paging.size) or (total is not None and taken >= total):
            if total is not None and taken < total:
                raise Retryable("the EHR's list ended before its total", status=answer.status)
            return None
        place = taken if paging.kind == "offset" else int(made.query[paging.parameter]) + 1
        return replace(made, query={**made.query, paging.parameter: str(place)})

    def _total(self, answer: Answer, paging: Paging, scope: Scope) -> int | None:
        if paging.total is None:
            return None
        text = self._inward.evaluator.text(paging.total, answer.body, scope)
        return int(text) if text.isdigit() else None

    def _next(self, made: Made, answer: Answer, paging: Paging, scope: Scope) -> Made | None:
        value = self._inward.evaluator.value(paging.next, answer.body, scope) if paging.next else None
        if value in (None, "", False):
            return None
        if paging.kind == "cursor":
            return replace(made, query={**made.query, paging.parameter: plain(value)})
        return replace(made, path=plain(value), query={}, link=True)


def _begun(made: Made, paging: Paging) -> Made:
    query = dict(made.query)
    if paging.limit:
        query[paging.limit] = str(paging.size)
    if paging.kind in ("offset", "page"):
        query[paging.parameter] = "0" if paging.kind == "offset" else str(paging.first)
    return replace(made, query=query)


def _link(made: Made, answer: Answer) -> Made | None:
    """https://www.rfc-editor.org/rfc/rfc8288"""
    for part in answer.headers.get("link", "").split(","):
        address, _, parameters = part.partition(";")
        if 'rel="next"' in parameters.replace(" ", "") or "rel=next" in parameters:
            return replace(made, path=address.strip().strip("<>"), query={}, link=True)
    return None


def _no_circle(made: Made, followed: set[str]) -> None:
    place = f"{made.path}?{sorted(made.query.items())}"
    if place in followed:
        raise Permanent("the EHR's pages lead in a circle")
    followed.add(place)
