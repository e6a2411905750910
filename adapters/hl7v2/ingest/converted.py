"""What a conversion hands over, as far as taking it in needs to know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from adapters.hl7v2.message import Message
from fhirserver.kernel.json import JsonObject

LOCAL = "urn:local:"
"""How a resource of the conversion refers to another: ``urn:local:Patient[1]``."""


class Mapped(Protocol):
    """One resource of a conversion: FHIR R4 content without an id, and where its elements come from.

    ``absent`` are the top-level elements that the message states to be absent (``""``), ``origin`` maps a
    top-level element to the field that it comes from, such as ``PID-5``.
    """

    @property
    def local(self) -> str: ...
    @property
    def content(self) -> JsonObject: ...
    @property
    def absent(self) -> frozenset[str]: ...
    @property
    def origin(self) -> Mapping[str, str]: ...


class Conversion(Protocol):
    """All resources of a message; ``unmapped`` are the segments of which no map speaks."""

    @property
    def resources(self) -> Sequence[Mapped]: ...
    @property
    def unmapped(self) -> Sequence[str]: ...
    @property
    def issues(self) -> Sequence[object]: ...


Convert = Callable[[Message, Any], Conversion]
"""A message and its site's ways → the resources it speaks of."""
