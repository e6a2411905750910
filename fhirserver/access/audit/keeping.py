"""What is taken away from the trail when it is older than the settings want it kept.

The trail says so itself: an entry names the last batch that was taken away and its seal, so that
:mod:`~fhirserver.access.audit.verifying` knows that it does not begin where somebody cut it.
"""

from __future__ import annotations

from fhirserver.access.audit.event import KEPT, Event, now_microseconds
from fhirserver.access.audit.recorder import Recorder
from fhirserver.ports.audit import HasTrail

_DAY = 86_400_000_000


async def keep(storage: HasTrail, recorder: Recorder, days: int) -> int:
    """Take away the batches with nothing in them that is younger. Returns how many there were."""
    trail = storage.trail
    edge = now_microseconds() - days * _DAY
    first = await trail.read(0, 1)
    if not first or first[0].until >= edge:
        return 0
    young = await trail.between(edge, 2**62)
    last = await trail.last()
    until = (young[0] if young else last.number if last else 1) - 1
    gone = await trail.read(until - 1, 1)
    if until < first[0].number or not gone or gone[0].number != until:
        return 0
    recorder.note(Event(KEPT, details={"until": str(until), "seal": gone[0].seal.hex()}))
    await recorder.flush()
    return await trail.drop(until)
