"""One change handed to an EHR, as it stands in figures and traces."""

from __future__ import annotations

import time
from typing import Final

from fhirserver.kernel.measures import Histogram
from fhirserver.kernel.tracing import CLIENT, span
from fhirserver.ports.ehr import Change, Conflict, Ehr, EhrError, Receipt, Retryable

DELIVERIES: Final = Histogram(
    "credence_delivery_duration_seconds",
    "How long an EHR took to take a change or not",
    ("connector", "result"),
)


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


def _word(error: EhrError) -> str:
    if isinstance(error, Conflict):
        return "conflict"
    return "again" if isinstance(error, Retryable) else "refused"
