"""How often somebody may try: more and more time between tries after the first few, counted for all processes.

What is counted under is kept as a digest, so that no login and no address stands in the records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from fhirserver.kernel.instants import Clock
from fhirserver.ports.access_records import AccessRecord, AccessRecords

WINDOW_SECONDS: Final = 900
"""After this time without a try, all is forgotten."""
_PATIENCE: Final = 20
"""How often a count is tried that others change at the same time."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Under what is counted, and how many tries are free before one must wait: 1 second, 2, 4, … ``longest``."""

    kind: str
    name: str
    free: int
    longest: int

    @property
    def key(self) -> str:
        digest = hashlib.sha256(self.name.encode("utf-8", "replace")).hexdigest()[:32]
        return f"attempts/{self.kind}/{digest}"

    def wait(self, count: int, since: int) -> int:
        """The seconds still to wait after ``count`` tries of which the last was ``since`` seconds ago."""
        if count < self.free:
            return 0
        return max(0, min(1 << min(count - self.free, 20), self.longest) - since)


class TooManyTries(Exception):
    """Not now: ``seconds`` are to be waited."""

    def __init__(self, seconds: int):
        self.seconds = seconds
        super().__init__(f"too many tries, wait {seconds} seconds")


class Throttle:
    """Counts tries. A try counts when it begins, so that many at once are no way around."""

    def __init__(self, records: AccessRecords, clock: Clock):
        self._records, self._clock = records, clock

    async def begin(self, allowances: Sequence[Allowance]) -> None:
        """Count a try under each. Raises :class:`TooManyTries` where one has none left now; then none counts it."""
        counted: list[Allowance] = []
        for allowance in allowances:
            try:
                await self._count(allowance)
            except TooManyTries:
                for one in counted:
                    await self.give_back(one)
                raise
            counted.append(allowance)

    async def _count(self, allowance: Allowance) -> None:
        for _ in range(_PATIENCE):
            kept = await self._records.read(allowance.key)
            now = int(self._clock.now().timestamp())
            count, at = _state(kept, now)
            wait = allowance.wait(count, now - at)
            if wait:
                raise TooManyTries(wait)
            revision = kept.revision if kept else 0
            if await self._records.swap(allowance.key, revision, {"n": count + 1, "at": now}, _end(now)):
                return
        raise TooManyTries(1)

    async def give_back(self, allowance: Allowance) -> None:
        """A try that should not count after all: it succeeded."""
        for _ in range(_PATIENCE):
            kept = await self._records.read(allowance.key)
            if kept is None or kept.value["n"] <= 0:
                return
            fewer = {**kept.value, "n": kept.value["n"] - 1}
            if await self._records.swap(allowance.key, kept.revision, fewer, kept.expires):
                return

    async def forget(self, allowance: Allowance) -> None:
        """Begin anew: whoever tries has shown that it is theirs."""
        for _ in range(_PATIENCE):
            kept = await self._records.read(allowance.key)
            if kept is None or await self._records.remove(allowance.key, kept.revision):
                return


def _state(kept: AccessRecord | None, now: int) -> tuple[int, int]:
    if kept is None or now - kept.value["at"] > WINDOW_SECONDS:
        return 0, now
    return int(kept.value["n"]), int(kept.value["at"])


def _end(now: int) -> int:
    return now + WINDOW_SECONDS + 1


def network(address: str) -> str:
    """Under what an address is counted: IPv6 by the network of a household (/64), of which it has all addresses."""
    try:
        host = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(host, IPv6Address):
        return str(host)
    if host.ipv4_mapped:
        return str(host.ipv4_mapped)
    return str(IPv6Address(int(host) >> 64 << 64))
