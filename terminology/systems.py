"""What value sets need of a code system, and where the code systems come from that are no resources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from fhirserver.kernel.json import JsonObject
from fhirserver.ports.terminology import Concept
from terminology.code_systems import Test


class System(Protocol):
    """One code system. A code is written as the system writes it, except for :meth:`find`."""

    url: str
    version: str
    is_complete: bool

    def __iter__(self) -> Iterator[Concept]:
        """All concepts. Raises a refusal (``too-costly``) where they cannot be listed."""
        ...

    def find(self, code: str) -> Concept | None: ...

    def is_a(self, code: str, ancestor: str) -> bool: ...

    def ancestors(self, code: str) -> Sequence[str]: ...

    def descendants(self, code: str) -> Sequence[str]: ...

    def test(self, condition: JsonObject) -> Test: ...
