"""Faults: what the server did not expect, without anything of what it was working on."""

from __future__ import annotations

import logging
import traceback

from fhirserver.kernel.ids import new_id
from fhirserver.kernel.outcomes import Category, Refusal, refuse

log = logging.getLogger("credence.rest")


def fault(error: Exception) -> Refusal:
    """500 with a number to find the log line by. Exception texts may hold PHI, so only places are logged.

    What is nested so deeply that Python gives up is the client's doing: 422.
    """
    if isinstance(error, RecursionError):
        text = "The content or an expression in it is nested too deeply"
        return refuse(Category.UNPROCESSABLE, "too-costly", text)
    number = new_id()
    places = " < ".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
        for frame in reversed(traceback.extract_tb(error.__traceback__)[-6:])
    )
    log.error("fault %s: %s at %s", number, type(error).__name__, places)
    return refuse(Category.FAULT, "exception", f"The server failed; its log says more under {number}")
