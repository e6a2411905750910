"""Pulling what has changed: a walk over the types by ``_lastUpdated``, oldest first."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.fhir.bodies import TooLarge
from adapters.fhir.bundles import Bundles, deletion, is_partial, matches, next_link, written
from adapters.fhir.cursor import Cursor, Mark, whole_milliseconds
from adapters.fhir.exchange import Answer, Exchange, members, record
from adapters.fhir.walk import Walk
from fhirserver.kernel.instants import instant
from fhirserver.ports.ehr import EhrError, Gone, Page, Permanent, Record, Unauthorized, Unusable

log = logging.getLogger("credence.fhir")

DEPENDENCY_ORDER = (
    *("Organization", "Location", "Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Coverage"),
    *("Schedule", "Slot", "Encounter", "Appointment", "Condition", "AllergyIntolerance", "Medication"),
    *("MedicationRequest", "Immunization", "Procedure", "DiagnosticReport", "Observation", "ServiceRequest"),
    *("CareTeam", "CarePlan", "DocumentReference", "Communication", "Flag", "Task"),
)
"""The types that are pulled by default, each after those which it usually refers to."""
_UNKNOWN_PARAMETER = (400, 422)


@dataclass(frozen=True, slots=True)
class PullSettings:
    """How an EHR is pulled from. Times are seconds; :class:`adapters.fhir.ehr.FhirSettings` explains them."""

    overlap: float = 30.0
    page_size: int = 200
    whole_every: float = 900.0
    without_last_updated: frozenset[str] = frozenset()


class Puller:
    """Pulls from one EHR. ``refused`` says which types it did not let us read in the last pull, and why."""

    def __init__(self, exchange: Exchange, bundles: Bundles, settings: PullSettings):
        self._exchange, self._bundles, self._settings = exchange, bundles, settings
        self._whole = set(settings.without_last_updated)
        self._unsorted: set[str] = set()
        self._sizes: dict[str, int] = {}
        self.refused: dict[str, str] = {}

    async def pages(
        self, cursor: Cursor, types: Sequence[str], histories: Collection[str], system_history: bool
    ) -> AsyncIterator[Page]:
        """Pages of what is new, and at the end one with the final cursor, which may be empty.

        ``histories`` are the types whose own history tells what was deleted; else that of the system may.
        """
        failed: dict[str, EhrError] = {}
        if system_history and cursor.system.since is None:  # from here on, before anything is read
            cursor.system = Mark(whole_milliseconds(self._exchange.their_time() - self._overlap()))
        for type in types:
            try:
                async for records, mark in self._type(type, cursor, type in histories):
                    cursor.types[type] = mark
                    if records:
                        yield Page(records, cursor.as_json())
            except (Permanent, Unauthorized) as error:
                if _concerns_all(error):
                    raise
                failed[type] = error
        self._report(failed)
        if failed and len(failed) == len(types):
            raise next(iter(failed.values()))
        if system_history:
            records = await self._deleted_anywhere(cursor, [type for type in types if type not in histories])
            if records:
                yield Page(records, cursor.as_json())
        yield Page((), cursor.as_json())

    def _report(self, failed: dict[str, EhrError]) -> None:
        for type, error in failed.items():
            if type not in self.refused:
                log.warning("%s is not read: %s", type, error)
        self.refused = {type: error.__class__.__name__ for type, error in failed.items()}

    async def _type(
        self, type: str, cursor: Cursor, deletions: bool
    ) -> AsyncIterator[tuple[list[Record], Mark]]:
        """One type, with smaller pages where the EHR's are larger than we allow."""
        while True:
            before = cursor.types.get(type, Mark())
            if type in self._whole and not self._is_due(before):
                return
            try:
                async for found in self._walked(type, before, deletions):
                    yield found
                return
            except TooLarge:
                if self._size(type) == 1:
                    raise
                self._sizes[type] = max(1, self._size(type) // 4)
            except Permanent as error:
                if error.status not in _UNKNOWN_PARAMETER or not self._simpler(type, before):
                    raise

    def _simpler(self, type: str, before: Mark) -> bool:
        """Whether a search that the EHR refused can be made without one of its parameters; then it will be."""
        if type not in self._unsorted:
            self._unsorted.add(type)
            return True
        if type in self._whole or before.since is None:
            return False
        log.warning("%s cannot be searched by _lastUpdated: it is read as a whole, now and then", type)
        self._whole.add(type)
        return True

    def _size(self, type: str) -> int:
        return self._sizes.get(type, self._settings.page_size)

    def _is_due(self, before: Mark) -> bool:
        """Whether a type that can only be read as a whole is to be read again."""
        every = timedelta(seconds=self._settings.whole_every)
        return before.since is None or self._exchange.their_time() - before.since >= every

    async def _walked(
        self, type: str, before: Mark, deletions: bool
    ) -> AsyncIterator[tuple[list[Record], Mark]]:
        walk: Walk | None = None
        async for answer in self._bundles.pages(type, self._query(type, before)):
            body = answer.body or {}
            walk = walk or self._walk(type, before, answer)
            fresh = walk.take([record(each) for each in matches(type, body)])
            walk.partial = walk.partial or is_partial(body)
            last = next_link(answer.body) is None
            if last and deletions and before.since is not None:
                fresh += walk.take(await self._deleted(type, before, walk))
            yield fresh, walk.mark(complete=last)
        if walk is not None and walk.older and type not in self._whole:
            log.warning("%s: the EHR ignores _lastUpdated; it is read as a whole, now and then", type)
            self._whole.add(type)

    def _walk(self, type: str, before: Mark, answer: Answer) -> Walk:
        overlap = self._overlap()
        horizon = answer.date - overlap if answer.dated or type in self._whole else None
        return Walk(before, horizon, overlap, ordered=type not in self._whole)

    def _query(self, type: str, mark: Mark) -> dict[str, str]:
        query = {"_count": str(self._size(type))}
        if type in self._whole:
            return query
        if type not in self._unsorted:
            query = {"_sort": "_lastUpdated", **query}
        return {"_lastUpdated": f"ge{instant(mark.since)}", **query} if mark.since else query

    async def _deleted(self, type: str, before: Mark, walk: Walk) -> list[Record]:
        """The records deleted since, and not there again. https://hl7.org/fhir/R4/http.html#history"""
        try:
            latest, _ = await self._deletions(f"{type}/_history", before)
        except (Permanent, Gone, Unauthorized) as error:
            self._not_read(type, error)
            return []
        return [each for each in latest if each.type == type and each.id not in walk.versions]

    async def _deleted_anywhere(self, cursor: Cursor, types: Collection[str]) -> list[Record]:
        """What the history of the whole system says was deleted. Moves the cursor's mark for it."""
        before = cursor.system
        assert before.since is not None
        try:
            latest, date = await self._deletions("_history", before)
        except (Permanent, Gone, Unauthorized) as error:
            self._not_read("the system", error)
            return []
        found = [each for each in latest if each.type in types]
        since = whole_milliseconds(max(date - self._overlap(), before.since))
        cursor.system = Mark.make(since, {each.reference: each.version or "deleted" for each in found})
        return [each for each in found if before.seen.get(each.reference) != (each.version or "deleted")]

    def _not_read(self, whose: str, error: EhrError) -> None:
        """A history that is refused keeps nothing else from being read; deletions are left to the sweep."""
        if _concerns_all(error):
            raise error
        log.warning("the history of %s is not read: %s", whose, error)

    def _overlap(self) -> timedelta:
        return timedelta(seconds=self._settings.overlap) + self._exchange.lag

    async def _deletions(self, path: str, before: Mark) -> tuple[list[Record], datetime]:
        """The latest deletion of each record since the mark, unless it was written again; and when we asked."""
        assert before.since is not None
        latest: dict[str, Record | None] = {}
        date = self._exchange.their_time()
        query = {"_since": instant(before.since), "_count": str(self._settings.page_size)}
        async for answer in self._bundles.pages(path, query):
            date = min(date, answer.date)
            for entry in members(answer.body or {}, "entry"):  # newest first
                if found := written(entry):
                    latest.setdefault("/".join(found), deletion(entry))
        return [each for each in latest.values() if each is not None], date


def _concerns_all(error: EhrError) -> bool:
    """Whether what was refused for one type would be for every other."""
    return isinstance(error, Unusable) or (isinstance(error, Unauthorized) and error.status != 403)
