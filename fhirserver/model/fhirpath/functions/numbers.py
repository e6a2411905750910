"""Math functions. https://hl7.org/fhirpath/N1/#math"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

from fhirserver.model.fhirpath.arithmetic import decimal, negative
from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.errors import FhirPathError
from fhirserver.model.fhirpath.functions.signature import Apply, Function, Functions
from fhirserver.model.fhirpath.quantity import CONTEXT
from fhirserver.model.fhirpath.values import (
    DECIMAL,
    INTEGER,
    QUANTITY,
    Items,
    integer,
    kind,
    single,
    single_integer,
    single_of,
)

_WIDE = Context(prec=50, Emin=-100_000, Emax=100_000, traps=[])


def _number(items: Items) -> Decimal | None:
    value = single_of(items, DECIMAL)
    if value is None:
        return None
    number = Decimal(value)
    if not -1000 < number.adjusted() < 1000:
        raise FhirPathError("the number is too large or too small to compute with")
    return number


def _on_number(apply: Callable[[Decimal], Decimal]) -> Apply:
    def function(frame: Frame, items: Items) -> Items:
        number = _number(items)
        return [] if number is None else decimal(CONTEXT.plus(apply(number)))

    return function


def _rounding(mode: str) -> Apply:
    def function(frame: Frame, items: Items) -> Items:
        number = _number(items)
        return (
            [] if number is None or number.adjusted() > 12 else integer(int(number.to_integral_value(mode)))
        )

    return function


def absolute(frame: Frame, items: Items) -> Items:
    item = single(items)
    if item is None:
        return []
    if kind(item) == QUANTITY:
        value = item.value.get("value", 0)
        return negative(item) if value < 0 else [item]
    number = _number(items)
    if number is None:
        return []
    return integer(abs(item.value)) if kind(item) == INTEGER else decimal(abs(number))


def logarithm(frame: Frame, items: Items, to_base: Items) -> Items:
    number, base = _number(items), _number(to_base)
    if number is None or base is None or number <= 0 or base <= 0 or base == 1:
        return []
    return decimal(CONTEXT.plus(_WIDE.divide(_WIDE.ln(number), _WIDE.ln(base))).normalize(CONTEXT))


def power(frame: Frame, items: Items, exponent: Items) -> Items:
    number, by = _number(items), _number(exponent)
    if number is None or by is None:
        return []
    result = CONTEXT.plus(_WIDE.power(number, by)) if abs(by) <= 1_000_000 else Decimal("NaN")
    whole = kind(items[0]) == INTEGER == kind(exponent[0]) and by >= 0
    if whole and result.is_finite() and result.adjusted() < 12:
        return integer(int(result))
    return [] if whole else decimal(result)


def rounded(frame: Frame, items: Items, precision: Items | None = None) -> Items:
    number = _number(items)
    places = 0 if precision is None else single_integer(precision)
    if number is None or places is None:
        return []
    if places < 0:
        raise FhirPathError("the precision of round is negative")
    if places >= 28:
        return items
    wide = _WIDE.copy()
    wide.prec = 1100
    return decimal(number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, wide))


FUNCTIONS: Functions = {
    "abs": Function(absolute, input="number"),
    "ceiling": Function(_rounding(ROUND_CEILING), result=INTEGER, input="number"),
    "floor": Function(_rounding(ROUND_FLOOR), result=INTEGER, input="number"),
    "truncate": Function(_rounding(ROUND_DOWN), result=INTEGER, input="number"),
    "exp": Function(_on_number(_WIDE.exp), result=DECIMAL, input="number"),
    "ln": Function(
        _on_number(lambda n: _WIDE.ln(n) if n > 0 else Decimal("NaN")), result=DECIMAL, input="number"
    ),
    "sqrt": Function(_on_number(_WIDE.sqrt), result=DECIMAL, input="number"),
    "log": Function(logarithm, 1, 1, DECIMAL, input="number"),
    "power": Function(power, 1, 1, input="number"),
    "round": Function(rounded, 0, 1, DECIMAL, input="number"),
}
