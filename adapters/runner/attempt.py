"""One writeback Task about to be pushed, and the change that it is for the sink."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from adapters.runner.crosswalk import Crosswalk, Link
from adapters.runner.leaving import is_over
from adapters.runner.sent import Sent, sent_key
from fhirserver.kernel.json import JsonObject, canonical
from fhirserver.ports.ehr import Change, Operation
from fhirserver.ports.storage import Key, Version
from fhirserver.world.entity import Entity
from fhirserver.world.gates import outbound
from fhirserver.world.survivorship import Win
from fhirserver.world.units import join


@dataclass(frozen=True, slots=True)
class Attempt:
    """What leaves, and what the sink was sent before. ``voice`` is that by which the sink speaks of the record."""

    version: Version
    task: JsonObject
    entity: Entity
    link: Link | None
    sent: Sent
    units: Mapping[str, Win]
    voice: str

    @property
    def sent_key(self) -> Key:
        return sent_key(self.link, self.entity.key)


async def change_of(attempt: Attempt, crosswalk: Crosswalk, number: int) -> Change:
    """The whole record as it shall be: the sink's own words with what leaves laid over them.

    Where a create of other content may have arrived, only that is looked for first: made under the same key it would
    be made twice. What is over before the sink is known to have it is not made there any more. Raises
    :class:`~adapters.runner.crosswalk.Unlinked`.
    """
    entity, link = attempt.entity, attempt.link
    type = entity.key.type
    content = join(outbound(entity, attempt.voice, attempt.units))
    content = await crosswalk.outward({"resourceType": type, **content})
    if link is None:
        change = Change(Operation.CREATE, type, str(entity.key), content, attempt=number)
        earlier = attempt.sent.created if attempt.sent.created != content else None
        return replace(change, only_found=earlier is not None or is_over(type, content), earlier=earlier)
    view = entity.ledger.view(attempt.voice)
    before = await crosswalk.outward(join(view.units)) if view else None
    content = {**content, "id": link.record}
    key = f"{entity.key}@{link.version}-{hashlib.sha256(canonical(content)).hexdigest()[:16]}"
    return Change(Operation.UPDATE, type, key, content, link.record, link.version, before, number)
