"""``+ - * / div mod &`` and the signs. https://hl7.org/fhirpath/N1/#math"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import NoReturn

from fhirserver.model.fhirpath import quantity, temporal
from fhirserver.model.fhirpath.equality import quantity_of, temporal_of
from fhirserver.model.fhirpath.errors import FhirPathError
from fhirserver.model.fhirpath.quantity import CONTEXT, Quantity
from fhirserver.model.fhirpath.values import (
    DECIMAL,
    INTEGER,
    QUANTITY,
    STRING,
    Items,
    Typed,
    integer,
    kind,
    single_string,
    string,
)

MAX_TEXT = 1_000_000
"""Longest string an expression may build, in characters."""
_NUMBERS = (INTEGER, DECIMAL)


def decimal(value: Decimal) -> Items:
    """A Decimal; empty when it is not finite or out of range."""
    return [Typed(value, DECIMAL)] if value.is_finite() and value.adjusted() < 1000 else []


def text(value: str) -> Items:
    """A String, unless it grew beyond :data:`MAX_TEXT`."""
    if len(value) > MAX_TEXT:
        raise FhirPathError(f"the string is longer than {MAX_TEXT} characters")
    return string(value)


def _quantity(value: Decimal, like: Quantity) -> Items:
    if not value.is_finite():
        return []
    return [Typed(quantity.as_json(like._replace(value=value)), QUANTITY)]


def _mismatch(left: Typed, right: Typed) -> NoReturn:
    raise FhirPathError(f"the operator is not defined for {left.type} and {right.type}")


def _both_integers(left: Typed, right: Typed) -> bool:
    return kind(left) == INTEGER == kind(right)


def _both_numbers(left: Typed, right: Typed) -> bool:
    return kind(left) in _NUMBERS and kind(right) in _NUMBERS


def add(left: Typed, right: Typed) -> Items:
    if _both_integers(left, right):
        return integer(left.value + right.value)
    if _both_numbers(left, right):
        return decimal(CONTEXT.add(Decimal(left.value), Decimal(right.value)))
    if kind(left) == STRING == kind(right):
        return text(left.value + right.value)
    return _add_quantity(left, right, 1)


def subtract(left: Typed, right: Typed) -> Items:
    if _both_integers(left, right):
        return integer(left.value - right.value)
    if _both_numbers(left, right):
        return decimal(CONTEXT.subtract(Decimal(left.value), Decimal(right.value)))
    return _add_quantity(left, right, -1)


def _add_quantity(left: Typed, right: Typed, sign: int) -> Items:
    if kind(right) != QUANTITY:
        _mismatch(left, right)
    amount = quantity_of(right)
    if amount is None:
        return []
    if kind(left) == QUANTITY:
        return _add_quantities(quantity_of(left), amount, sign)
    return _add_duration(left, right, amount, sign)


def _add_quantities(left: Quantity | None, right: Quantity, sign: int) -> Items:
    factor = None if left is None else quantity.comparable(left, right)
    if left is None or factor is None:
        return []
    moved = right.value if factor == 1 else quantity.decimal(quantity.fraction(right.value) * factor)
    return _quantity(CONTEXT.add(left.value, sign * moved), left)


def _add_duration(left: Typed, right: Typed, amount: Quantity, sign: int) -> Items:
    """A date or time moved by a duration; parts of a unit count only for seconds."""
    at = temporal_of(left)
    if at is None:
        _mismatch(left, right)
    unit = quantity.duration_unit(amount)
    if unit is None:
        raise FhirPathError("only a duration can be added to a date or time")
    if amount.value.adjusted() > 18:
        return []
    if unit in ("second", "millisecond"):
        steps, unit = int(amount.value * (1_000_000 if unit == "second" else 1000)), "second"
    else:
        steps = int(amount.value)
    moved = temporal.add(at, sign * steps, unit)
    return [] if moved is None else [Typed(temporal.text_of(moved), left.type)]


def multiply(left: Typed, right: Typed) -> Items:
    if _both_integers(left, right):
        return integer(left.value * right.value)
    if _both_numbers(left, right):
        return decimal(CONTEXT.multiply(Decimal(left.value), Decimal(right.value)))
    ours, theirs = _as_quantity(left, right), _as_quantity(right, left)
    if ours is None or theirs is None:
        return []
    value = CONTEXT.multiply(ours.value, theirs.value)
    return _quantity(value, Quantity(Decimal(0), _joined(_code(ours), ".", _code(theirs))))


def divide(left: Typed, right: Typed) -> Items:
    if _both_numbers(left, right):
        return _no_zero(right) and decimal(
            _trimmed(CONTEXT.divide(Decimal(left.value), Decimal(right.value)))
        )
    ours, theirs = _as_quantity(left, right), _as_quantity(right, left)
    if ours is None or theirs is None or theirs.value == 0:
        return []
    value = _trimmed(CONTEXT.divide(ours.value, theirs.value))
    return _quantity(value, Quantity(Decimal(0), _joined(_code(ours), "/", _code(theirs))))


def _no_zero(item: Typed) -> Items:
    return [] if item.value == 0 else [item]


def _trimmed(value: Decimal) -> Decimal:
    """``value`` without the trailing zeros that division leaves, written without an exponent."""
    if not value.is_finite():
        return value
    short = value.normalize(CONTEXT)
    return (
        short.quantize(Decimal(1))
        if isinstance(e := short.as_tuple().exponent, int) and 0 < e < 20
        else short
    )


def _as_quantity(item: Typed, other: Typed) -> Quantity | None:
    if kind(item) == QUANTITY:
        return quantity_of(item)
    if kind(item) in _NUMBERS and kind(other) == QUANTITY:
        return Quantity(Decimal(item.value), "1")
    return _mismatch(item, other)


def _code(of: Quantity) -> str:
    if of.calendar:
        return {"year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min"}.get(
            of.unit, "s" if of.unit == "second" else "ms"
        )
    return of.unit


def _joined(left: str, operator: str, right: str) -> str:
    if right == "1":
        return left
    if len(left) + len(right) > 100:
        raise FhirPathError("the unit is too long")
    if operator == "/":
        return "1" if left == right else f"{left}/({right})" if _is_compound(right) else f"{left}/{right}"
    if left == "1":
        return right
    return f"{left}.({right})" if "/" in right else f"{left}.{right}"


def _is_compound(unit: str) -> bool:
    """Whether a unit has several factors, so that it needs brackets below a stroke."""
    return "." in unit or "/" in unit


def whole_division(left: Typed, right: Typed) -> Items:
    if not _both_numbers(left, right):
        _mismatch(left, right)
    if right.value == 0:
        return []
    if _both_integers(left, right):
        result = abs(left.value) // abs(right.value)
        return integer(result if (left.value < 0) == (right.value < 0) else -result)
    result = CONTEXT.divide(Decimal(left.value), Decimal(right.value))
    return integer(int(result.to_integral_value(ROUND_DOWN))) if result.adjusted() < 20 else []


def remainder(left: Typed, right: Typed) -> Items:
    if not _both_numbers(left, right):
        _mismatch(left, right)
    if right.value == 0:
        return []
    if _both_integers(left, right):
        result = abs(left.value) % abs(right.value)
        return integer(-result if left.value < 0 else result)
    return decimal(CONTEXT.remainder(Decimal(left.value), Decimal(right.value)))


def concatenate(left: Items, right: Items) -> Items:
    """``&``: an empty operand counts as an empty string."""
    return text((single_string(left) or "") + (single_string(right) or ""))


def negative(item: Typed) -> Items:
    if kind(item) == INTEGER:
        return integer(-item.value)
    if kind(item) == DECIMAL:
        return decimal(Decimal(item.value).copy_negate())
    if kind(item) == QUANTITY:
        found = quantity_of(item)
        return [] if found is None else _quantity(found.value.copy_negate(), found)
    raise FhirPathError(f"a sign is not defined for {item.type}")


def positive(item: Typed) -> Items:
    if kind(item) not in (*_NUMBERS, QUANTITY):
        raise FhirPathError(f"a sign is not defined for {item.type}")
    return [item]
