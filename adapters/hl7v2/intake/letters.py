"""The seam between the record of failures and the queue in which operators see them."""

from __future__ import annotations

from typing import Protocol

from adapters.hl7v2.acknowledgement import Verdict
from fhirserver.store.commands import Write


class Letters(Protocol):
    """What else is written of a failure, in the commit that records it. ``entry`` is its key in the record."""

    async def kept(self, entry: str, since: str, verdict: Verdict) -> tuple[Write, ...]:
        """It failed, for this reason."""
        ...

    async def failed_again(self, entry: str, verdict: Verdict) -> tuple[Write, ...]:
        """It was tried once more and failed for the same reason; nothing where nobody had asked for that."""
        ...

    async def settled(self, entry: str) -> tuple[Write, ...]:
        """It is taken in."""
        ...
