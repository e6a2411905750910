"""Whether a resource fulfils an expression, and where it stands in an order: what a query means, in Python.

The memory storage answers with it, and the contract suite measures every other storage by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias, cast

from fhirserver.kernel.json import loads
from fhirserver.search import sphere
from fhirserver.search.expression import (
    And,
    Chain,
    CompositeIs,
    Cursor,
    DateIs,
    Differs,
    Everything,
    Expression,
    Has,
    IdIs,
    LastUpdated,
    Missing,
    Near,
    Not,
    Nothing,
    NumberIs,
    Or,
    PhraseIs,
    QuantityIs,
    ReferenceIs,
    SimplePredicate,
    SortKey,
    SortValue,
    StringIs,
    TokenAmong,
    TokenIn,
    TokenIs,
    UriIs,
    Within,
    WordIs,
)
from fhirserver.search.ranges import date_holds, number_holds
from fhirserver.search.uris import ancestors, is_below
from fhirserver.search.values import (
    CompositeValue,
    DateValue,
    IndexValue,
    NumberValue,
    QuantityValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    UriValue,
)
from fhirserver.search.words import has_phrase, narrative_words, other_words


@dataclass(frozen=True)
class Entry:
    """A current resource as search sees it: ``updated`` in microseconds, ``values`` as extracted."""

    type: str
    id: str
    updated: int
    values: Sequence[IndexValue]
    content: bytes = b""

    @cached_property
    def words(self) -> dict[str, set[str]]:
        """The words of the narrative, and of everything."""
        resource = loads(self.content) if self.content else {}
        narrative = narrative_words(resource)
        return {"_text": narrative, "_content": narrative | other_words(resource)}

    @cached_property
    def by_param(self) -> dict[str, list[IndexValue]]:
        found: dict[str, list[IndexValue]] = {}
        for value in self.values:
            found.setdefault(value.param, []).append(value)
        return found


class World(Protocol):
    """What chains and ``_has`` ask for."""

    def entry(self, type: str, id: str) -> Entry | None:
        """The current resource, or None."""
        ...

    def entries(self, type: str) -> Iterable[Entry]:
        """All current resources of a type."""
        ...


def matches(expression: Expression, entry: Entry, world: World) -> bool:
    """Whether ``entry`` fulfils ``expression``."""
    test = _TESTS.get(type(expression))
    if test is not None:
        return test(expression, entry, world)
    predicate = cast(SimplePredicate, expression)
    return any(holds(predicate, value) for value in entry.by_param.get(predicate.param, ()))


def _is_within(expression: Within, entry: Entry, world: World) -> bool:
    ids = _line(expression, world)
    references = cast("list[ReferenceValue]", entry.by_param.get(expression.param, []))
    return any(value.type == expression.type and value.target in ids for value in references)


def _has_word(expression: WordIs, entry: Entry, world: World) -> bool:
    words = entry.words[expression.param]
    return (
        any(w.startswith(expression.word) for w in words) if expression.starts else expression.word in words
    )


def _has_phrase(expression: PhraseIs, entry: Entry, world: World) -> bool:
    return has_phrase(entry.content, expression.param, " ".join(expression.words))


def _is_other(expression: Differs, entry: Entry, world: World) -> bool:
    return any(not holds(expression.of, value) for value in entry.by_param.get(expression.of.param, ()))


def _is_near(expression: Near, entry: Entry, world: World) -> bool:
    ends = [entry.by_param.get(f"{expression.param}:{name}", []) for name in ("latitude", "longitude")]
    latitudes, longitudes = (cast("list[NumberValue]", end) for end in ends)
    here = expression.latitude, expression.longitude
    return any(
        sphere.distance(*here, north.low, east.low) <= expression.metres
        for north, east in zip(latitudes, longitudes, strict=True)
    )


def _line(within: Within, world: World) -> set[str]:
    """The target and all below or above it."""
    found, waiting = {within.target}, [within.target]
    while waiting:
        nearest = _children if within.direction == "below" else _parents
        fresh = nearest(within, waiting.pop(), world) - found
        found |= fresh
        waiting += fresh
    return found


def _children(within: Within, id: str, world: World) -> set[str]:
    reference = ReferenceValue(within.via, within.type, id)
    return {one.id for one in world.entries(within.type) if reference in one.by_param.get(within.via, ())}


def _parents(within: Within, id: str, world: World) -> set[str]:
    entry = world.entry(within.type, id)
    values = cast("list[ReferenceValue]", entry.by_param.get(within.via, [])) if entry else []
    return {value.target for value in values if value.type == within.type}


def _is_coded(expression: TokenIn, entry: Entry, world: World) -> bool:
    tokens = cast("list[TokenValue]", entry.by_param.get(expression.param, []))
    return any(t.system == system and t.code in codes for t in tokens for system, codes in expression.sets)


def _is_among(expression: TokenAmong, entry: Entry, world: World) -> bool:
    tokens = cast("list[TokenValue]", entry.by_param.get(expression.param, []))
    return any(
        expression.codes.members(system, codes)
        for system in expression.codes.systems
        if (codes := {t.code for t in tokens if t.system == system and t.code})
    )


def _is_tuple(expression: CompositeIs, entry: Entry, world: World) -> bool:
    tuples = cast("list[CompositeValue]", entry.by_param.get(expression.param, []))
    return any(all(map(holds, expression.parts, value.parts)) for value in tuples)


def _chained(chain: Chain, entry: Entry, world: World) -> bool:
    if chain.by_url:
        return _chained_by_url(chain, entry, world)
    for value in entry.by_param.get(chain.param, ()):
        if isinstance(value, ReferenceValue) and value.type == chain.type:
            target = world.entry(value.type, value.target)
            if target is not None and matches(chain.where, target, world):
                return True
    return False


def _chained_by_url(chain: Chain, entry: Entry, world: World) -> bool:
    named = cast("list[UriValue]", entry.by_param.get(chain.param, []))
    own = {UriValue("url:canonical", value.uri) for value in named}
    return bool(own) and any(
        not own.isdisjoint(other.by_param.get("url:canonical", ())) and matches(chain.where, other, world)
        for other in world.entries(chain.type)
    )


def _referred_to(has: Has, entry: Entry, world: World) -> bool:
    if has.by_url:
        return _referred_to_by_url(has, entry, world)
    reference = ReferenceValue(has.param, entry.type, entry.id)
    return any(
        reference in other.by_param.get(has.param, ()) and matches(has.where, other, world)
        for other in world.entries(has.type)
    )


def _referred_to_by_url(has: Has, entry: Entry, world: World) -> bool:
    own = cast("list[UriValue]", entry.by_param.get("url:canonical", []))
    named = {UriValue(has.param, value.uri) for value in own}
    return bool(named) and any(
        not named.isdisjoint(other.by_param.get(has.param, ())) and matches(has.where, other, world)
        for other in world.entries(has.type)
    )


_TESTS: dict[type, Callable[[Any, Entry, World], bool]] = {
    Everything: lambda e, entry, world: True,
    Nothing: lambda e, entry, world: False,
    And: lambda e, entry, world: all(matches(one, entry, world) for one in e.of),
    Or: lambda e, entry, world: any(matches(one, entry, world) for one in e.of),
    Not: lambda e, entry, world: not matches(e.of, entry, world),
    IdIs: lambda e, entry, world: bool(entry.id == e.id),
    LastUpdated: lambda e, entry, world: date_holds(
        e.prefix, e.low, e.high, entry.updated, entry.updated + 1000
    ),
    Missing: lambda e, entry, world: e.param not in entry.by_param,
    Chain: _chained,
    Has: _referred_to,
    TokenIn: _is_coded,
    TokenAmong: _is_among,
    Within: _is_within,
    WordIs: _has_word,
    PhraseIs: _has_phrase,
    Near: _is_near,
    CompositeIs: _is_tuple,
    Differs: _is_other,
}


def holds(predicate: SimplePredicate, value: IndexValue) -> bool:
    """Whether one value fulfils a predicate, its ``param`` aside."""
    match predicate, value:
        case StringIs(), StringValue():
            return _string_holds(predicate, value)
        case TokenIs(system=system, code=code), TokenValue():
            return system in (None, value.system) and code in (None, value.code)
        case ReferenceIs(type=None, target=target), ReferenceValue():
            return value.target == target and value.type != ""
        case ReferenceIs(type=type_name, target=target), ReferenceValue():
            return value.target == target and value.type == type_name
        case DateIs(prefix=prefix, low=low, high=high), DateValue():
            return date_holds(prefix, low, high, value.low, value.high)
        case NumberIs(prefix=prefix, low=low, high=high), NumberValue():
            return number_holds(prefix, low, high, value.low, value.high)
        case QuantityIs(), QuantityValue():
            return _quantity_holds(predicate, value)
        case UriIs(), UriValue():
            return _uri_holds(predicate, value.uri)
    return False


def _string_holds(predicate: StringIs, value: StringValue) -> bool:
    match predicate.how:
        case "exact":
            return value.text == predicate.text
        case "whole":
            return value.folded == predicate.text
        case "contains":
            return predicate.text in value.folded
        case "ends":
            return value.folded.endswith(predicate.text)
    return value.folded.startswith(predicate.text)


def _quantity_holds(predicate: QuantityIs, value: QuantityValue) -> bool:
    if predicate.system not in (None, value.system):
        return False
    units = (value.code, value.unit) if predicate.system is None else (value.code,)
    if predicate.code is not None and predicate.code not in units:
        return False
    return number_holds(predicate.prefix, predicate.low, predicate.high, value.low, value.high)


def _uri_holds(predicate: UriIs, uri: str) -> bool:
    match predicate.how:
        case "exact":
            return uri == predicate.uri
        case "below":
            return is_below(uri, predicate.uri)
        case "above":
            return uri in ancestors(predicate.uri)
        case "contains":
            return ascii_lower(predicate.uri) in ascii_lower(uri)


def ascii_lower(text: str) -> str:
    """``text`` with only A to Z lowered, as databases do it."""
    return text.translate(_ASCII_LOWER)


_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


# --- order

Place: TypeAlias = tuple[tuple[SortValue, ...], int]
"""Sort values and number of a resource: where it stands in an order."""

_COMPARED: dict[str, Callable[[IndexValue], SortValue]] = {
    "string": lambda value: cast(StringValue, value).folded,
    "token": lambda value: cast(TokenValue, value).code,
    "reference": lambda value: cast(ReferenceValue, value).target,
    "date": lambda value: cast(DateValue, value).low,
    "number": lambda value: cast(NumberValue, value).low,
    "quantity": lambda value: cast(QuantityValue, value).value,
    "uri": lambda value: cast(UriValue, value).uri,
}


def sort_value(key: SortKey, entry: Entry) -> SortValue:
    """What ``entry`` is ordered by; None if it has no such value."""
    if key.kind == "id":
        return entry.id
    if key.kind == "updated":
        return entry.updated
    compared = [_COMPARED[key.kind](value) for value in entry.by_param.get(key.param, ())]
    if not compared:
        return None
    return max(compared) if key.descending else min(compared)  # type: ignore[type-var]


def is_after(sort: Sequence[SortKey], keys: Sequence[SortValue], tie: int, cursor: Cursor) -> bool:
    """Whether the place (``keys``, ``tie``) comes after the cursor."""
    for key, mine, last in zip(sort, keys, cursor.keys, strict=True):
        if mine == last:
            continue
        if mine is None or last is None:
            return mine is None
        return bool(mine < last) if key.descending else bool(mine > last)  # type: ignore[operator]
    last_tie = cast(int, cursor.tie)
    return tie < last_tie if reversed_ties(sort) else tie > last_tie


def reversed_ties(sort: Sequence[SortKey]) -> bool:
    """Whether ties are in reverse order of creation."""
    return bool(sort) and sort[0].descending


def in_order(sort: Sequence[SortKey], places: Iterable[Place]) -> list[Place]:
    """The places in the order of ``sort``."""
    ordered = sorted(places, key=lambda place: place[1], reverse=reversed_ties(sort))
    for at in reversed(range(len(sort))):
        valued = [place for place in ordered if place[0][at] is not None]
        valued.sort(key=lambda place: cast(str, place[0][at]), reverse=sort[at].descending)
        ordered = valued + [place for place in ordered if place[0][at] is None]
    return ordered
