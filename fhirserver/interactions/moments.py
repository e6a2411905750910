"""``_asOf``: the moment that a request asks about, and how an answer says it."""

from __future__ import annotations

from collections.abc import Sequence

from fhirserver.interactions.exchange import Context
from fhirserver.interactions.preconditions import version_headers
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.storage import Key, Version
from fhirserver.store.as_of import AS_OF, Moment, moment, version_as_of

Pairs = Sequence[tuple[str, str]]


async def moment_asked(context: Context, pairs: Pairs) -> Moment | None:
    """The moment that the parameters of a URL name, if they do."""
    named = [value for name, value in pairs if name == AS_OF]
    if len(named) > 1:
        raise refuse(Category.INVALID, "invalid", f"{AS_OF} may be given once", f"http.{AS_OF}")
    return await moment(context.store, named[0]) if named else None


def without_moment(pairs: Pairs) -> list[tuple[str, str]]:
    """The other parameters."""
    return [pair for pair in pairs if pair[0] != AS_OF]


def at_position(pairs: Pairs, at: Moment) -> list[tuple[str, str]]:
    """The parameters with the moment as a position: asked again they mean the same, whatever comes."""
    return [(name, str(at.position) if name == AS_OF else value) for name, value in pairs]


def refuse_moment(pairs: Pairs) -> None:
    """Refuse (400), however lenient the handling, to answer from the present what is asked of the past."""
    if any(name.partition(":")[0] == AS_OF for name, _ in pairs):
        places = "reads, $lineage, $story, $diff, $everything and searches of one Patient's compartment"
        raise refuse(Category.INVALID, "not-supported", f"{AS_OF} is taken by {places}", f"http.{AS_OF}")


async def version_then(context: Context, key: Key, at: Moment, name: str = AS_OF) -> Version:
    """The version of a resource that was current then. 404 where it was not yet, 410 where it was deleted."""
    version = await version_as_of(context.store, key, at)
    if version is None:
        text = f"{key} was not there at position {at.position} of the log"
        raise refuse(Category.NOT_FOUND, "not-found", text, f"http.{name}")
    if version.deleted:
        refusal = refuse(
            Category.GONE, "deleted", f"{key} was deleted by position {at.position}", f"http.{name}"
        )
        raise Refusal(refusal.category, refusal.issues, version_headers(version))
    return version
