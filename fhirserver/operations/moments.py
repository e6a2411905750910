"""``_asOf`` as an input of operations."""

from __future__ import annotations

from collections.abc import Iterable

from fhirserver.interactions.exchange import Context, Request
from fhirserver.interactions.moments import moment_of, version_then
from fhirserver.interactions.read import current
from fhirserver.interactions.registry import Parameter
from fhirserver.kernel.json import Json, JsonObject
from fhirserver.operations.parameters import group, one, part
from fhirserver.ports.storage import Key, Version
from fhirserver.store.as_of import AS_OF, Moment

AS_OF_INPUT = Parameter(
    AS_OF, "string", "As of the end of this date or time, or of the commit at this position of the log"
)
AS_OF_OUTPUT = Parameter(
    "asOf",
    "",
    "The moment that is answered for",
    0,
    use="out",
    parts=(
        Parameter("position", "integer", "The last commit that counts", 1, use="out"),
        Parameter("recorded", "instant", "When it was recorded", use="out"),
    ),
)


async def moment_given(context: Context, given: dict[str, list[Json]], name: str = AS_OF) -> Moment | None:
    """The moment that an input names, if it is there."""
    value = one(given, name)
    return None if value is None else await moment_of(context, str(value), name)


async def version_asked(context: Context, request: Request, at: Moment | None) -> Version:
    """The version of the request's resource as of the moment, or the current one. 404 and 410 as for a read."""
    if at is None:
        return await current(context, request.type, request.id)
    return await version_then(context, Key(request.type, request.id), at)


def as_of(at: Moment) -> JsonObject:
    """The moment that is answered for."""
    said: Iterable[JsonObject | None] = (
        part("position", "Integer", at.position),
        part("recorded", "Instant", at.recorded) if at.recorded else None,
    )
    return group("asOf", said)
