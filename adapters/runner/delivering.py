"""One change handed to an EHR, as it stands in figures, traces and the audit."""

from __future__ import annotations

import time
from typing import Final

from adapters.runner.attempt import Attempt
from adapters.runner.writeback import Sink
from fhirserver.access.audit.event import WRITEBACK, Audit, Event
from fhirserver.kernel.measures import Histogram
from fhirserver.kernel.tracing import CLIENT, span
from fhirserver.ports.ehr import Change, Conflict, Ehr, EhrError, Receipt, Retryable

DELIVERIES: Final = Histogram(
    "credence_delivery_duration_seconds",
    "How long an EHR took to take a change or not",
    ("connector", "result"),
)
_STATUSES: Final = {"taken": 200, "conflict": 409, "refused": 422, "again": 503, "failed": 500}
_TRIED_AGAIN: Final = frozenset({"again", "failed"})


async def deliver(ehr: Ehr, connector: str, change: Change) -> Receipt:
    """What :meth:`~fhirserver.ports.ehr.Ehr.push` does."""
    begun, result = time.monotonic(), "failed"
    about = {"credence__connector": connector, "credence__operation": change.operation.value}
    try:
        with span(f"deliver {change.type}", CLIENT, **about):
            receipt = await ehr.push(change)
        result = "taken"
        return receipt
    except EhrError as error:
        result = _word(error)
        raise
    finally:
        DELIVERIES.observe(time.monotonic() - begun, connector, result)


class Delivering:
    """Hands changes to one sink. What was sent is noted: an EHR that did not take it, or did not answer, may have it
    all the same. Of attempts at one change that fail the first is."""

    def __init__(self, sink: Sink, audit: Audit):
        self._sink, self._audit = sink, audit
        self._failed_with: dict[str, int] = {}

    async def deliver(self, ehr: Ehr, attempt: Attempt, change: Change) -> Receipt:
        """See :func:`deliver`."""
        if self._audit.is_full:
            await self._audit.room()
        result = "failed"
        try:
            receipt = await deliver(ehr, self._sink.name, change)
            result = "taken"
            return receipt
        except EhrError as error:
            result = _word(error)
            raise
        finally:
            if not change.only_found:
                self._note(attempt, result)

    def _note(self, attempt: Attempt, result: str) -> None:
        task, number = attempt.version.id, attempt.entity.version
        if result in _TRIED_AGAIN:
            if self._failed_with.get(task) == number:
                return
            self._failed_with[task] = number
        else:
            self._failed_with.pop(task, None)
        self._audit.note(disclosure(self._sink, attempt, result))


def disclosure(sink: Sink, attempt: Attempt, result: str) -> Event:
    """What the audit notes of a resource that was sent to an EHR."""
    key = attempt.entity.key
    return Event(
        WRITEBACK,
        type=key.type,
        id=key.id,
        version=str(attempt.entity.version),
        status=_STATUSES[result],
        principal=f"writeback:{sink.name}",
        source=sink.source,
        address=sink.place,
        details={"recipient": sink.name, "task": attempt.version.id, "result": result},
    )


def _word(error: EhrError) -> str:
    if isinstance(error, Conflict):
        return "conflict"
    return "again" if isinstance(error, Retryable) else "refused"
