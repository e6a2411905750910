"""``_asOf``: the moment that a request asks about, and how an answer says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fhirserver.access.guarded import GuardedStore
from fhirserver.interactions.exchange import Context
from fhirserver.interactions.preconditions import version_headers
from fhirserver.kernel.outcomes import Category, Refusal, refuse
from fhirserver.ports.storage import Key, Version
from fhirserver.store.as_of import AS_OF, Moment, moment, version_as_of
from fhirserver.store.past import Past

Pairs = Sequence[tuple[str, str]]


async def moment_asked(context: Context, pairs: Pairs) -> Moment | None:
    """The moment that the parameters of a URL name, if they do."""
    named = [value for name, value in pairs if name == AS_OF]
    if len(named) > 1:
        raise refuse(Category.INVALID, "invalid", f"{AS_OF} may be given once", f"http.{AS_OF}")
    return await moment_of(context, named[0]) if named else None


async def moment_of(context: Context, text: str, name: str = AS_OF) -> Moment:
    """The moment that a text names, to who may ask about it."""
    if isinstance(context.store, GuardedStore):
        return await context.store.moment(text, name)
    return await moment(context.store, text, name)


def past_of(context: Context, at: Moment, patients: Iterable[str]) -> Past:
    """What the compartments of patients held at a moment, as far as it may be seen."""
    if isinstance(context.store, GuardedStore):
        return context.store.past(at, patients)
    return Past(context.store, at, patients)


def without_moment(pairs: Pairs) -> list[tuple[str, str]]:
    """The other parameters."""
    return [pair for pair in pairs if pair[0] != AS_OF]


def at_position(pairs: Pairs, at: Moment) -> list[tuple[str, str]]:
    """The parameters with the moment as it is called: asked again they mean the same, whatever comes."""
    return [(name, at.text if name == AS_OF else value) for name, value in pairs]


def refuse_moment(pairs: Pairs) -> None:
    """Refuse (400), however lenient the handling, to answer from the present what is asked of the past."""
    if any(name.partition(":")[0] == AS_OF for name, _ in pairs):
        places = "reads, $lineage, $story, $diff, $everything and searches of one Patient's compartment"
        raise refuse(Category.INVALID, "not-supported", f"{AS_OF} is taken by {places}", f"http.{AS_OF}")


async def version_then(context: Context, key: Key, at: Moment, name: str = AS_OF) -> Version:
    """The version of a resource that was current then. 404 where it was not yet, 410 where it was deleted."""
    store = context.store
    if isinstance(store, GuardedStore):
        version = await store.version_at(key, at)
    else:
        version = await version_as_of(store, key, at)
    if version is None:
        text = f"{key} was not there {at.told}"
        raise refuse(Category.NOT_FOUND, "not-found", text, f"http.{name}")
    if version.deleted:
        refusal = refuse(Category.GONE, "deleted", f"{key} was deleted {at.told}", f"http.{name}")
        raise Refusal(refusal.category, refusal.issues, version_headers(version))
    return version
