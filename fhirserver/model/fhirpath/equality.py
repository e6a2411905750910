"""``=`` and ``~``, and what follows from them: distinct, membership, subsets.

https://hl7.org/fhirpath/N1/#equality
"""

from __future__ import annotations

from collections.abc import Hashable
from decimal import ROUND_HALF_UP, Decimal

from fhirserver.kernel.json import Json
from fhirserver.model.fhirpath import quantity, temporal
from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.quantity import CONTEXT
from fhirserver.model.fhirpath.temporal import Temporal
from fhirserver.model.fhirpath.values import BOOLEAN, DECIMAL, INTEGER, QUANTITY, STRING, Items, Typed, kind

_NUMBERS = (INTEGER, DECIMAL)


def equal(left: Items, right: Items) -> bool | None:
    """Equality of collections, in order; None when either is empty or when it cannot be told."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    if len(left) == 1:
        return equal_items(left[0], right[0])
    answers = [equal_items(a, b) for a, b in zip(left, right, strict=True)]
    return False if False in answers else None if None in answers else True


def equal_items(left: Typed, right: Typed) -> bool | None:
    """Equality of two items."""
    ours, theirs = kind(left), kind(right)
    if ours is None or theirs is None:
        return ours is theirs and bool(left.value == right.value)
    if ours == theirs == QUANTITY:
        return _equal_quantities(left, right)
    if ours == theirs and ours in (STRING, BOOLEAN):
        return bool(left.value == right.value)
    if ours in _NUMBERS and theirs in _NUMBERS:
        return bool(left.value == right.value)
    return _equal_times(left, right)


def _equal_quantities(left: Typed, right: Typed) -> bool | None:
    ours, theirs = quantity_of(left), quantity_of(right)
    if ours is None or theirs is None:
        return bool(left.value == right.value)
    order = quantity.compare(ours, theirs)
    return None if order is None else order == 0


def quantity_of(item: Typed) -> quantity.Quantity | None:
    """The quantity in an item, None when it has no usable number."""
    return quantity.read(item.value, item.type == QUANTITY)


def temporal_of(item: Typed) -> Temporal | None:
    """The parts of a date, dateTime or time; None for other items and for text that is none."""
    found = kind(item)
    if found is None or found in (STRING, BOOLEAN, INTEGER, DECIMAL, QUANTITY):
        return None
    return temporal.parse(item.value, found)


def _equal_times(left: Typed, right: Typed) -> bool | None:
    ours, theirs = temporal_of(left), temporal_of(right)
    if ours is None or theirs is None or ours.is_time != theirs.is_time:
        return False
    order = temporal.compare(ours, theirs)
    return None if order is None else order == 0


def equivalent(left: Items, right: Items) -> bool:
    """Equivalence of collections, in any order."""
    if len(left) != len(right):
        return False
    rest = list(right)
    for item in left:
        at = next((i for i, other in enumerate(rest) if equivalent_items(item, other)), None)
        if at is None:
            return False
        del rest[at]
    return True


def equivalent_items(left: Typed, right: Typed) -> bool:
    """Equivalence of two items."""
    ours, theirs = kind(left), kind(right)
    if ours == theirs == STRING:
        return _folded(left.value) == _folded(right.value)
    if ours in _NUMBERS and theirs in _NUMBERS:
        return equivalent_numbers(Decimal(left.value), Decimal(right.value))
    if ours == theirs == QUANTITY:
        return _equivalent_quantities(left, right)
    if ours is None and theirs is None:
        return equivalent_json(left.value, right.value)
    return equal_items(left, right) is True


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _places(value: Decimal) -> int:
    exponent = value.normalize(CONTEXT).as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def equivalent_numbers(left: Decimal, right: Decimal) -> bool:
    """Equality when rounded to the precision of the less precise, trailing zeros apart."""
    places = Decimal(1).scaleb(-min(_places(left), _places(right), 28))
    if max(left.adjusted(), right.adjusted()) > 1000:
        return left == right
    wide = CONTEXT.copy()
    wide.prec = 1100
    return left.quantize(places, ROUND_HALF_UP, wide) == right.quantize(places, ROUND_HALF_UP, wide)


def _equivalent_quantities(left: Typed, right: Typed) -> bool:
    ours, theirs = quantity_of(left), quantity_of(right)
    if ours is None or theirs is None:
        return equivalent_json(left.value, right.value)
    factor = quantity.comparable(ours, theirs, loosely=True)
    if factor is None:
        return False
    return equivalent_numbers(ours.value, quantity.decimal(quantity.fraction(theirs.value) * factor))


def equivalent_json(left: Json, right: Json) -> bool:
    """Equivalence of complex values: strings folded, lists in any order, ids apart."""
    if isinstance(left, dict) and isinstance(right, dict):
        names = (left.keys() | right.keys()) - {"id"}
        return all(n in left and n in right and equivalent_json(left[n], right[n]) for n in names)
    if isinstance(left, list) and isinstance(right, list):
        return sorted(map(_text, left)) == sorted(map(_text, right))
    if isinstance(left, str) and isinstance(right, str):
        return _folded(left) == _folded(right)
    return bool(left == right)


def _text(value: Json) -> str:
    return repr(frozen(value, fold=True))


def frozen(value: Json, fold: bool = False) -> Hashable:
    """A hashable stand-in for a JSON value, equal for equal values."""
    if isinstance(value, dict):
        return tuple(sorted((name, frozen(inner, fold)) for name, inner in value.items()))
    if isinstance(value, list):
        return tuple([frozen(inner, fold) for inner in value])
    if isinstance(value, str):
        return _folded(value) if fold else value
    return ("bool", value) if isinstance(value, bool) else ("number", value)


def key(item: Typed) -> Hashable:
    """Something hashable that is the same for equal items."""
    found = kind(item)
    if found is None:
        return "complex", frozen(item.value)
    if found in (STRING, BOOLEAN):
        return found, item.value
    if found in _NUMBERS:
        return "number", item.value
    if found == QUANTITY:
        return "quantity", quantity.key(item.value, item.type == QUANTITY) or frozen(item.value)
    return _temporal_key(item)


def _temporal_key(item: Typed) -> Hashable:
    found = temporal_of(item)
    if found is None:
        return "text", item.value
    return found.is_time, temporal.comparable_fields(found), found.offset is None


def distinct(frame: Frame, items: Items) -> Items:
    """The items without those that equal an earlier one."""
    frame.spend(len(items))
    seen: set[Hashable] = set()
    out: Items = []
    for item in items:
        one = key(item)
        if one not in seen:
            seen.add(one)
            out.append(item)
    return out


def keys(frame: Frame, items: Items) -> set[Hashable]:
    """The keys of all items."""
    frame.spend(len(items))
    return {key(item) for item in items}
