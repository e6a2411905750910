"""The id under which a request stands in logs, traces and its answer.

https://hl7.org/fhir/R4/http.html#custom
"""

from __future__ import annotations

import itertools
import os
import re
from contextvars import ContextVar
from typing import Final

REQUEST: Final[ContextVar[str]] = ContextVar("request", default="")
"""The id of the request that is being answered; empty outside of any."""
_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._~-]{16,64}\Z")
_process = f"{os.urandom(6).hex()}-"
_numbers = itertools.count(1)


def is_well_formed(id: str) -> bool:
    """Whether an id that a client made may stand in a log: UUIDs, ULIDs, hexadecimal. What is shorter could be
    somebody's number (of insurance, of a record, of a telephone), and a log holds none."""
    return _WELL_FORMED.match(id) is not None


def made() -> str:
    """A new id: random for the process, then counted."""
    return f"{_process}{next(_numbers):x}"
