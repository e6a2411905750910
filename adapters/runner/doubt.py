"""Readings that may be older than what is known by now.

An EHR may show a write only after a while (:func:`~fhirserver.ports.ehr.visible_within`). Until then a list, or another
of its nodes, still says what was before: taken for news, it would undo what the EHR has acknowledged, such as a
cancellation. Where the record's own time or version does not tell which is the later, the time of the reading does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from adapters.runner.crosswalk import Link
from fhirserver.kernel.instants import Clock, instant, parse_instant
from fhirserver.ports.ehr import Ehr, Gone, Permanent, Record, visible_within


class Doubt:
    """Judges the readings of one EHR."""

    def __init__(self, ehr: Ehr, clock: Clock, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep):
        self._ehr, self._clock, self._sleep = ehr, clock, sleep
        self._within = timedelta(seconds=visible_within(ehr))

    def now(self) -> str:
        """The instant to keep with what is known now; empty for an EHR that shows every write at once."""
        return instant(self._clock.now()) if self._within else ""

    def until(self, link: Link) -> datetime | None:
        """From when on a reading is surely not older than what the link was seen as; None: always."""
        return parse_instant(link.seen) + self._within if link.seen and self._within else None

    def about(self, link: Link, record: Record, asked: datetime) -> bool:
        """Whether a record that the EHR was asked for then may be older than what was known already."""
        until = self.until(link)
        return until is not None and asked < until and not link.is_surely_later(record)

    def is_early(self, link: Link) -> bool:
        """Whether what is read now may be older."""
        until = self.until(link)
        return until is not None and self._clock.now() < until

    async def read_again(self, record: Record) -> tuple[Record, datetime]:
        """The record once all that is known of it, and what it says itself, must be seen; and when it was asked for.

        Raises :class:`EhrError`.
        """
        await self._sleep(self._within.total_seconds())
        asked = self._clock.now()
        try:
            return await self._ehr.read(record.type, record.id), asked
        except Gone:
            return Record(record.type, record.id, "deleted", "", {}, deleted=True), asked
        except Permanent:
            return record, asked  # it comes only within another
