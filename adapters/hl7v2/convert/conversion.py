"""What a message is in FHIR: resources, what was stated to be nothing, merges, and what no map speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from adapters.hl7v2.convert.context import Issue
from adapters.hl7v2.convert.merges import MergeFact
from fhirserver.kernel.frozen import frozen
from fhirserver.kernel.json import JsonObject

__all__ = ["Conversion", "Explained", "Issue", "Mapped", "MergeFact"]


class Mapped(NamedTuple):
    """One resource of a conversion.

    ``local`` is its name in the conversion (``Patient[1]``). ``content`` is R4 JSON without an id; a reference to
    another resource of the conversion is ``{"reference": "urn:local:Patient[1]"}``. ``absent`` are the top-level
    elements that the message states to be nothing (``""``) and says nothing else of, also of no field that feeds the
    same element; ``nulled`` all fields so stated with the element that they feed (``PID-13`` → ``telecom``).
    ``origin`` says which field a top-level element came from. ``supplied`` are the elements that no field said: R4
    requires them, or the event means them.
    """

    local: str
    content: JsonObject
    absent: frozenset[str]
    origin: Mapping[str, str]
    nulled: Mapping[str, str]
    supplied: frozenset[str]


@frozen
class Explained:
    """``element`` of ``local`` came from ``place`` by ``source``, a row of a map."""

    local: str
    element: str
    place: str
    source: str


@frozen
class Conversion:
    """``resources`` in the order they were made. ``unmapped`` names the segments that no map speaks of (``ZPI[1]``),
    ``unmapped_fields`` valued fields that the maps leave out (``PID-22``). ``occurred`` and ``recorded`` are when the
    event happened (EVN-6) and was recorded (EVN-2, else MSH-7), as FHIR instants. ``explained`` only where asked for.
    """

    resources: tuple[Mapped, ...]
    merges: tuple[MergeFact, ...]
    unmapped: tuple[str, ...]
    unmapped_fields: tuple[str, ...]
    issues: tuple[Issue, ...]
    occurred: str | None
    recorded: str | None
    explained: tuple[Explained, ...] = ()

    def of(self, type: str) -> tuple[Mapped, ...]:
        """The resources of one type."""
        return tuple(mapped for mapped in self.resources if mapped.content["resourceType"] == type)
