"""Whether a resource fulfils an expression, and where it stands in an order: what a query means, in Python.

The memory storage answers with it, and the contract suite measures every other storage by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, cast

from fhirserver.search.expression import (
    And,
    Chain,
    CompositeIs,
    Cursor,
    DateIs,
    Everything,
    Expression,
    Has,
    IdIs,
    LastUpdated,
    Missing,
    Not,
    Nothing,
    NumberIs,
    Or,
    QuantityIs,
    ReferenceIs,
    SimplePredicate,
    SortKey,
    SortValue,
    StringIs,
    TokenIs,
    UriIs,
)
from fhirserver.search.ranges import date_holds, number_holds, quantity_holds
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


@dataclass(frozen=True)
class Entry:
    """A current resource as search sees it: ``updated`` in microseconds, ``values`` as extracted."""

    type: str
    id: str
    updated: int
    values: Sequence[IndexValue]

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
    match expression:
        case Everything():
            return True
        case Nothing():
            return False
        case And(of=of):
            return all(matches(e, entry, world) for e in of)
        case Or(of=of):
            return any(matches(e, entry, world) for e in of)
        case Not(of=inner):
            return not matches(inner, entry, world)
        case IdIs(id=wanted):
            return entry.id == wanted
        case LastUpdated(prefix=prefix, low=low, high=high):
            return date_holds(prefix, low, high, entry.updated, entry.updated + 1000)
        case Missing(param=param):
            return param not in entry.by_param
        case Chain():
            return _chained(expression, entry, world)
        case Has():
            return _referred_to(expression, entry, world)
        case CompositeIs(param=param, parts=parts):
            tuples = cast("list[CompositeValue]", entry.by_param.get(param, []))
            return any(all(map(holds, parts, value.parts)) for value in tuples)
        case _:
            return any(holds(expression, value) for value in entry.by_param.get(expression.param, ()))


def _chained(chain: Chain, entry: Entry, world: World) -> bool:
    for value in entry.by_param.get(chain.param, ()):
        if isinstance(value, ReferenceValue) and value.type == chain.type:
            target = world.entry(value.type, value.target)
            if target is not None and matches(chain.where, target, world):
                return True
    return False


def _referred_to(has: Has, entry: Entry, world: World) -> bool:
    reference = ReferenceValue(has.param, entry.type, entry.id)
    return any(
        reference in other.by_param.get(has.param, ()) and matches(has.where, other, world)
        for other in world.entries(has.type)
    )


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
    if predicate.how == "exact":
        return value.text == predicate.text
    if predicate.how == "contains":
        return predicate.text in value.folded
    return value.folded.startswith(predicate.text)


def _quantity_holds(predicate: QuantityIs, value: QuantityValue) -> bool:
    if predicate.system not in (None, value.system):
        return False
    units = (value.code, value.unit) if predicate.system is None else (value.code,)
    if predicate.code is not None and predicate.code not in units:
        return False
    return quantity_holds(predicate.prefix, predicate.low, predicate.high, value.value, value.low, value.high)


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
