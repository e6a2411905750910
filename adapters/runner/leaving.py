"""What is to be written to a sink about a resource, as things stand: the same for follower and pusher."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.runner.sent import Sent, mark
from fhirserver.kernel.json import JsonObject
from fhirserver.model.validation import validate
from fhirserver.world.entity import Entity
from fhirserver.world.gates import may_leave, outbound
from fhirserver.world.policy import Policy
from fhirserver.world.survivorship import Win
from fhirserver.world.units import join

_OVER = {
    "Appointment": ("cancelled", "noshow", "entered-in-error"),
    "Coverage": ("cancelled", "entered-in-error"),
}


def leaving(
    entity: Entity | None, policy: Policy, sink: str, sent: Sent, linked: bool, task: str = ""
) -> dict[str, Win]:
    """The units that pass their gates, that the sink does not have, and that it did not answer otherwise.

    What the sink refused does not leave again until it changes, is decided on again, or its failed ``task`` is
    retried. A record new to the sink leaves only as a valid whole, and not at all where it is over already: nobody
    there has heard of it.
    """
    if entity is None:
        return {}
    units = _unsettled(entity, may_leave(entity, policy, sink), sink, sent)
    if not linked and not sent.tried and is_over(entity.key.type, _status(units)):
        return {}
    if task != sent.refused_by or not task:
        allowed = {u: w for u, w in units.items() if sent.refused.get(u) != mark(entity, u, w)}
        units = allowed if linked or not allowed else units
    return units if linked or is_whole(entity, sink, units) else {}


def is_over(type: str, content: JsonObject) -> bool:
    """Whether there is nothing to keep or to do any more, so that who never heard of it need not."""
    return content.get("status") in _OVER.get(type, ("entered-in-error",))


def _status(units: Mapping[str, Win]) -> JsonObject:
    return join({unit: win.claim.value for unit, win in units.items() if unit == "status"})


def _unsettled(entity: Entity, units: Mapping[str, Win], sink: str, sent: Sent) -> dict[str, Win]:
    view = entity.ledger.view(sink)
    says = view.units if view is not None else {}
    return {u: w for u, w in units.items() if not sent.is_settled(u, w.claim.value, says.get(u))}


def is_whole(entity: Entity, sink: str, units: Mapping[str, Win]) -> bool:
    """Whether the units are a valid record by themselves, so that it can be created."""
    content: JsonObject = join(outbound(entity, sink, units))
    issues = validate({"resourceType": entity.key.type, **content}) if content else None
    return issues is not None and not any(issue.severity in ("error", "fatal") for issue in issues)
