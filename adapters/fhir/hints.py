"""What notifications have named: read first in the next pull, and believed only as the EHR then tells it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from adapters.fhir.exchange import Exchange
from fhirserver.ports.ehr import EhrError, Gone, Record

log = logging.getLogger("credence.fhir")
MOST_HINTS = 1000
_AT_ONCE = 8


class Hints:
    """References that wait for the next pull. They are kept in memory: whatever is lost the pull itself finds."""

    def __init__(self, exchange: Exchange):
        self._exchange = exchange
        self._waiting: dict[tuple[str, str], None] = {}

    def add(self, references: Iterable[tuple[str, str]]) -> None:
        """Type and id of each. Beyond :data:`MOST_HINTS` they are left to the pull."""
        for each in references:
            if len(self._waiting) < MOST_HINTS:
                self._waiting[each] = None

    async def read(self, types: Sequence[str]) -> list[Record]:
        """The records named since the last time, of these types, in their order."""
        waiting, self._waiting = self._waiting, {}
        order = {type: number for number, type in enumerate(types)}
        wanted = sorted((each for each in waiting if each[0] in order), key=lambda each: order[each[0]])
        found: list[Record | None] = []
        for start in range(0, len(wanted), _AT_ONCE):
            found += await asyncio.gather(*(self._read(*each) for each in wanted[start : start + _AT_ONCE]))
        return [each for each in found if each is not None]

    async def _read(self, type: str, id: str) -> Record | None:
        """The record; None where it could not be read, or is not (yet) to be seen."""
        try:
            return await self._exchange.read(type, id)
        except Gone as error:
            return Record(type, id, "", "", {}, deleted=True) if error.status == 410 else None
        except EhrError as error:
            log.info("a %s that was notified of was not read: %s", type, error.__class__.__name__)
            return None
