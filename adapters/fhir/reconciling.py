"""Reading all ids of a type, for what no query for changes tells: silent deletions, and whatever was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from adapters.fhir.bundles import Bundles, matches
from adapters.fhir.exchange import Exchange
from fhirserver.ports.ehr import Gone, Record

PAGE = 1000


class Reconciliation:
    """Compares what one EHR holds with what is known of it."""

    def __init__(self, exchange: Exchange, bundles: Bundles):
        self._exchange, self._bundles = exchange, bundles

    async def ids(self, type: str) -> AsyncIterator[str]:
        """The ids of all records of ``type``, in whatever order; none twice only if the EHR's pages are steady."""
        async for answer in self._bundles.pages(type, {"_elements": "id", "_count": str(PAGE)}):
            for each in matches(type, answer.body or {}):
                yield str(each["id"])

    async def differences(self, type: str, known: Collection[str]) -> AsyncIterator[Record]:
        """See :meth:`adapters.fhir.ehr.FhirEhr.differences`.

        That an id is not listed proves nothing (pages move while they are read): each is asked for by itself.
        """
        listed = {id async for id in self.ids(type)}
        for id in sorted(set(known) - listed):
            try:
                await self._exchange.read(type, id)
            except Gone:
                yield Record(type, id, "", "", {}, deleted=True)
        for id in sorted(listed - set(known)):
            try:
                found = await self._exchange.read(type, id)
            except Gone:
                continue  # deleted meanwhile
            yield found
