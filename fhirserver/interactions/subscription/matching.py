"""Whether one version of one resource fulfils search criteria, as the search itself would say.

What lies in the resource is asked of its own index values, in memory. What another resource decides (chains, ``_has``,
hierarchies) is asked of the store, as it is now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast
from urllib.parse import parse_qsl

from fhirserver.interactions.exchange import Context
from fhirserver.interactions.resources import RESULT_PARAMS
from fhirserver.kernel.instants import microseconds
from fhirserver.kernel.json import JsonObject, loads
from fhirserver.kernel.outcomes import Category, Issue, Refusal
from fhirserver.ports.storage import Key, Version
from fhirserver.search.expression import (
    And,
    Chain,
    Expression,
    Has,
    IdIs,
    Not,
    Or,
    Query,
    TokenAmong,
    Within,
    conjunction,
)
from fhirserver.search.following import following
from fhirserver.search.match import Entry, matches
from fhirserver.search.parse import parse
from fhirserver.search.values import ReferenceValue
from fhirserver.store.store import Store

_NOT_OF_ONE = RESULT_PARAMS | {
    "_contained",
    "_containedType",
    "_list",
    "_query",
    "_explain",
    "_format",
    "_pretty",
}


@dataclass(frozen=True)
class Seen:
    """A version of a resource, decoded and indexed at most once, whoever asks."""

    version: Version
    store: Store = field(repr=False)

    @property
    def key(self) -> Key:
        return Key(self.version.type, self.version.id)

    @cached_property
    def json(self) -> JsonObject:
        """The resource; empty for a deletion."""
        return cast(JsonObject, loads(self.version.content)) if self.version.content else {}

    @cached_property
    def entry(self) -> Entry:
        """The resource as search sees it."""
        values = self.store.extract(self.json) if self.json else ()
        updated = microseconds(self.version.recorded)
        return Entry(self.version.type, self.version.id, updated, values, self.version.content)


@dataclass(frozen=True, slots=True)
class Condition:
    """Criteria on resources of one type, understood."""

    type: str
    where: Expression

    async def holds(self, seen: Seen) -> bool:
        """Whether the resource, as it was in this version, fulfils them."""
        if seen.version.type != self.type or not seen.json:
            return False
        where = self.where
        if merged := await seen.store.merges.recent():
            where = following(Query(self.type, where), merged).where
        return await _holds(where, seen.entry, seen.store)


def read_condition(context: Context, type: str, query: str, at: str) -> Condition:
    """The condition in a query string. What is wrong with it is wrong at ``at``, an expression (422)."""
    pairs = parse_qsl(query.removeprefix(f"{type}?").removeprefix("?"), keep_blank_values=True)
    return Condition(type, _where(context, type, pairs, at))


def _where(context: Context, type: str, pairs: Sequence[tuple[str, str]], at: str) -> Expression:
    shaping = [name for name, _ in pairs if name.partition(":")[0] in _NOT_OF_ONE]
    if shaping:
        text = f"{shaping[0][:64]} says nothing of one resource: it cannot be a criterion here"
        raise Refusal(Category.UNPROCESSABLE, [Issue("not-supported", text, (at,))])
    known = context.store.parameters.current
    try:
        return parse(type, pairs, base=context.base_url, terminology=context.terminology, known=known).where
    except Refusal as refusal:
        issues = [replace(issue, expression=(at,)) for issue in refusal.issues]
        raise Refusal(Category.UNPROCESSABLE, issues) from None


class _Alone:
    """A world of one resource: nothing that is asked here needs another."""

    def entry(self, type: str, id: str) -> Entry | None:
        raise AssertionError("joins are not asked here")

    def entries(self, type: str) -> Any:
        raise AssertionError("joins are not asked here")


_ALONE = _Alone()


async def _holds(where: Expression, entry: Entry, store: Store) -> bool:
    match where:
        case And(of):
            return all([await _holds(one, entry, store) for one in of])
        case Or(of):
            return any([await _holds(one, entry, store) for one in of])
        case Not(of):
            return not await _holds(of, entry, store)
        case Chain(by_url=False):
            return await _chained(where, entry, store)
        case Chain() | Has() | Within():
            return await _found_now(where, entry, store)
    if isinstance(where, TokenAmong):  # another server may have to be asked
        return await asyncio.to_thread(matches, where, entry, _ALONE)
    return matches(where, entry, _ALONE)


async def _chained(chain: Chain, entry: Entry, store: Store) -> bool:
    """The references are those of this version; what they lead to is as it is now."""
    for value in entry.by_param.get(chain.param, ()):
        if not isinstance(value, ReferenceValue) or value.type != chain.type:
            continue
        version = await store.read(value.type, value.target.partition("/_history/")[0])
        if version is None or version.deleted:
            continue
        if await _holds(chain.where, Seen(version, store).entry, store):
            return True
    return False


async def _found_now(where: Expression, entry: Entry, store: Store) -> bool:
    """Ask the store of the resource as it is now."""
    asked = Query(entry.type, conjunction([IdIs(entry.id), where]), count=1)
    return bool((await store.search(asked)).versions)
