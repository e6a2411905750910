"""Another key for the trail: the first batch that it seals says whose place it takes, and keeps that one, wrapped."""

from __future__ import annotations

from fhirserver.access.audit.chain import Chain, packed
from fhirserver.access.audit.event import now_microseconds
from fhirserver.ports.audit import HasTrail, Sealed

_RACES = 1_000


class UnknownKey(LookupError):
    """The key that the trail is sealed with is not among those that were the server's."""


async def change_key(storage: HasTrail, chain: Chain, former: str) -> Sealed | None:
    """Have the trail sealed with the key of ``chain`` from now on, in the place of the one that is called ``former``.

    The batch that says so; None where there is nothing to say: the trail is empty, or is sealed so already. Raises
    :class:`UnknownKey` where the chain does not have the former key.
    """
    for _ in range(_RACES):
        last = await storage.trail.last()
        if last is None or last.key == chain.name:
            return None
        event = chain.taking_over(former, now_microseconds())
        if event is None:
            raise UnknownKey(former)
        batch = chain.sealed(last, [event], packed([event]))
        if await storage.trail.append(batch):
            return batch
    raise RuntimeError("others wrote to the audit trail all the time")
