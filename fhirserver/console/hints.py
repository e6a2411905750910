"""What a correction of a claim starts from and may hold: by ``$hints``, and the codes of what lies deeper."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.console.desk import Desk
from fhirserver.console.sessions import Session
from fhirserver.interactions.exchange import Context
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Refusal
from fhirserver.model.definitions import Binding

Codes = Sequence[tuple[str, str]]
MOST = 60
"""Codes that a list offers; of a longer one none are."""


async def starts(desk: Desk, session: Session, id: str) -> dict[str, JsonObject]:
    """By unit the elements that a correction of an item's claim starts from."""
    result = await desk.invoke(session, "Task", id, "hints")
    found: dict[str, JsonObject] = {}
    for claim in loads(result.body).get("parameter", ()):
        parts = {one["name"]: one for one in claim["part"]}
        found[parts["unit"]["valueString"]] = loads(parts["start"]["valueString"])
    return found


def codes_of(context: Context, binding: Binding | None) -> Codes:
    """The codes of a required binding, with their displays; none where there are too many or nobody knows them."""
    if binding is None or context.terminology is None or binding.strength != "required":
        return ()
    try:
        expansion = context.terminology.expand(binding.value_set, count=MOST)
    except Refusal:
        return ()
    if expansion.total > len(expansion.concepts):
        return ()
    return [(one.code, one.display or one.code) for one in expansion.concepts]
