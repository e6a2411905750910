"""What can be wrong with XML, or with a resource that should become XML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LIMIT = 100
"""Faults told of one document; hostile content could otherwise make as many as it has bytes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. ``problem`` holds no content; ``expression`` is the element's FHIRPath, empty where
    there is none, and ``line`` 0 where it is not known."""

    line: int
    problem: str
    expression: str = ""

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}" if self.line else self.problem


class InvalidXml(ValueError):
    """The text is not FHIR XML: all of its faults that can be told, at least one, in their order."""

    def __init__(self, faults: Sequence[Fault]):
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


class NotInXml(ValueError):
    """JSON that FHIR XML cannot hold: an element R4 does not have, or a character XML does not have."""
