"""Files of one JSON document per line, read as they arrive, and from where a cut connection left off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from adapters.fhir.bodies import TooLarge, pieces
from adapters.fhir.exchange import Exchange
from adapters.fhir.retries import RetryPolicy, Sleep
from fhirserver.ports.ehr import Retryable

ENDLESS = 2**63
NDJSON = "application/fhir+ndjson"


@dataclass(slots=True)
class Position:
    """The last line that was handed out, from 1."""

    line: int = 0


@dataclass(frozen=True, slots=True)
class Lines:
    """Reads files of one EHR. ``token``: our access token is sent."""

    exchange: Exchange
    policy: RetryPolicy
    sleep: Sleep
    token: bool = True

    async def batches(self, url: str, position: Position, size: int) -> AsyncIterator[list[bytes]]:
        """Up to ``size`` lines at a time, from after ``position``, which moves with them.

        A cut connection is made again, and what was handed out is passed over.
        """
        attempt = 0
        while True:
            try:
                async for number, lines in self._once(url, position.line, size):
                    position.line, attempt = number, 0
                    if lines:
                        yield lines
                return
            except Retryable as error:
                attempt += 1
                if self.policy.gives_up(attempt, error):
                    raise
                await self.sleep(self.policy.delay(attempt, error))

    async def _once(self, url: str, after: int, size: int) -> AsyncIterator[tuple[int, list[bytes]]]:
        """Batches with the number of their last line; empty lines count and are left out."""
        batch: list[bytes] = []
        number = 0
        async for line in self._lines(url):
            number += 1
            if number <= after:
                continue
            if line.strip():
                batch.append(line)
            if len(batch) == size:
                yield number, batch
                batch = []
        if batch:
            yield number, batch

    async def _lines(self, url: str) -> AsyncIterator[bytes]:
        address = self.exchange.addresses.of(url)
        rest = b""
        async with self.exchange.asked(
            "GET", address, None, {"Accept": NDJSON}, token=self.token
        ) as response:
            async for piece in pieces(response, ENDLESS):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    yield line
                if len(rest) > self.exchange.most_bytes:
                    raise TooLarge("a line of the export is larger than allowed")
        if rest:
            yield rest
