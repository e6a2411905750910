"""Which of several resources with one canonical url is meant. https://hl7.org/fhir/R4/references.html#canonical"""

from __future__ import annotations

import re
from typing import TypeAlias

Rank: TypeAlias = tuple[int, tuple[tuple[int, int, str], ...], str, int]
"""The greatest is meant where no version is stated."""

_STATUS = {"active": 3, "draft": 2, "unknown": 1}
_PARTS = re.compile(r"[0-9]+|[A-Za-z]+")


def rank(status: str, version: str, date: str, position: int) -> Rank:
    """Active before draft before retired; then the newer version, date and position in the log."""
    return (_STATUS.get(status, 0), version_order(version), date, position)


def version_order(version: str) -> tuple[tuple[int, int, str], ...]:
    """Versions in their order: numbers as numbers, ``1.0.0-ballot`` before ``1.0.0``, none before all others."""
    release, _, label = version.partition("-") if not version[:4].isdigit() else (version, "", "")
    if not version:
        return ()
    parts = [_part(text) for text in _PARTS.findall(release)]
    return (*parts, (1, 0, "") if not label else (0, 0, label))


def _part(text: str) -> tuple[int, int, str]:
    return (2, int(text[:18]), "") if text.isdigit() else (1, 0, text)
