"""Birth dates, and how far two agree."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from fhirserver.world.identity.similarity import one_slip

_DATE: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")


@lru_cache(maxsize=65536)
def compare_birth(mine: str, other: str) -> str:
    """The level for two FHIR dates, which may be partial.

    ``same``; ``near``: day and month changed about, one digit wrong, two digits changed about; ``partial``: what both
    say agrees, but one does not say all; ``year`` and ``day``: only the year, or only day and month, agree;
    ``different``; "" where there is nothing to compare.
    """
    one, two = _DATE.match(mine), _DATE.match(other)
    if one is None or two is None:
        return ""
    a, b = [p for p in one.groups() if p], [p for p in two.groups() if p]
    if a == b:
        return "same" if len(a) == 3 else "partial"
    if len(a) < 3 or len(b) < 3:
        short = min(len(a), len(b))
        return "partial" if a[:short] == b[:short] else "year" if a[0] == b[0] else "different"
    return _compare_days(a, b)


def _compare_days(a: list[str], b: list[str]) -> str:
    changed_about = a[0] == b[0] and a[1:] == b[1:][::-1]
    if changed_about or one_slip("".join(a), "".join(b)) or _next_day(a, b):
        return "near"
    if a[0] == b[0]:
        return "year"
    return "day" if a[1:] == b[1:] else "different"


def _next_day(a: list[str], b: list[str]) -> bool:
    """The day before or after in the same month: ``09`` and ``10`` differ by two digits."""
    return a[:2] == b[:2] and abs(int(a[2]) - int(b[2])) == 1
