"""``<``, ``<=``, ``>``, ``>=`` and sorting. https://hl7.org/fhirpath/N1/#comparison"""

from __future__ import annotations

from fhirserver.model.fhirpath import quantity, temporal
from fhirserver.model.fhirpath.equality import quantity_of, temporal_of
from fhirserver.model.fhirpath.errors import FhirPathError
from fhirserver.model.fhirpath.values import DECIMAL, INTEGER, QUANTITY, STRING, Typed, kind


def order(left: Typed, right: Typed) -> int | None:
    """-1, 0 or 1; None where precision or units leave it open. Raises for types without a common order."""
    ours, theirs = kind(left), kind(right)
    if ours in (INTEGER, DECIMAL) and theirs in (INTEGER, DECIMAL):
        return int(left.value > right.value) - int(left.value < right.value)
    if ours == theirs == STRING:
        return int(left.value > right.value) - int(left.value < right.value)
    if ours == theirs == QUANTITY:
        return _order_quantities(left, right)
    return _order_times(left, right)


def _order_quantities(left: Typed, right: Typed) -> int | None:
    ours, theirs = quantity_of(left), quantity_of(right)
    return None if ours is None or theirs is None else quantity.compare(ours, theirs)


def _order_times(left: Typed, right: Typed) -> int | None:
    if (left.value is None and kind(right)) or (right.value is None and kind(left)):
        return None
    ours, theirs = temporal_of(left), temporal_of(right)
    if ours is None or theirs is None or ours.is_time != theirs.is_time:
        raise FhirPathError(f"cannot compare {left.type} with {right.type}")
    return temporal.compare(ours, theirs)
