"""Conversions between System types. https://hl7.org/fhirpath/N1/#conversion"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from fhirserver.model.fhirpath import quantity, temporal
from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.equality import quantity_of
from fhirserver.model.fhirpath.functions.signature import Apply, Function, Functions
from fhirserver.model.fhirpath.quantity import CALENDAR_UNITS, Quantity
from fhirserver.model.fhirpath.values import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    QUANTITY,
    STRING,
    TIME,
    Items,
    Typed,
    boolean,
    integer,
    kind,
    single,
    single_string,
)

Convert: TypeAlias = Callable[[Typed], Typed | None]

_INTEGER = re.compile(r"[+-]?\d{1,10}\Z", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d+(?:\.\d+)?\Z", re.ASCII)
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-zA-Z]+))?\Z", re.ASCII)
_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})


def to_boolean(item: Typed) -> Typed | None:
    found, value = kind(item), item.value
    if found == BOOLEAN:
        return Typed(value, BOOLEAN)
    if found in (INTEGER, DECIMAL):
        return Typed(bool(value), BOOLEAN) if value in (0, 1) else None
    if found == STRING and value.lower() in _TRUE | _FALSE:
        return Typed(value.lower() in _TRUE, BOOLEAN)
    return None


def to_integer(item: Typed) -> Typed | None:
    found, value = kind(item), item.value
    if found in (INTEGER, BOOLEAN):
        return Typed(int(value), INTEGER)
    if found == STRING and _INTEGER.match(value):
        return next(iter(integer(int(value))), None)
    return None


def to_decimal(item: Typed) -> Typed | None:
    found, value = kind(item), item.value
    if found in (INTEGER, DECIMAL):
        return Typed(Decimal(value), DECIMAL)
    if found == BOOLEAN:
        return Typed(Decimal("1.0") if value else Decimal("0.0"), DECIMAL)
    if found == STRING and len(value) < 1000 and _DECIMAL.match(value):
        return Typed(Decimal(value), DECIMAL)
    return None


def to_string(item: Typed) -> Typed | None:
    found, value = kind(item), item.value
    if found is None:
        return None
    if found == BOOLEAN:
        return Typed("true" if value else "false", STRING)
    if found == QUANTITY:
        read = quantity_of(item)
        return None if read is None else Typed(quantity_text(read), STRING)
    return Typed(decimal_text(value) if isinstance(value, Decimal) else str(value), STRING)


def decimal_text(value: Decimal) -> str:
    """A decimal without an exponent, its trailing zeros kept."""
    return f"{value:f}" if abs(value.adjusted()) < 1000 else str(value)


def quantity_text(read: Quantity) -> str:
    """``4 days`` for a calendar duration, ``10 'mg'`` for a UCUM unit."""
    number = decimal_text(read.value)
    if not read.calendar:
        return f"{number} '{read.unit}'"
    return f"{number} {read.unit}" + ("" if read.value == 1 else "s")


def to_quantity(item: Typed) -> Typed | None:
    found, value = kind(item), item.value
    if found == QUANTITY:
        read = quantity_of(item)
        return None if read is None else Typed(quantity.as_json(read), QUANTITY)
    if found in (INTEGER, DECIMAL, BOOLEAN):
        number = Decimal("1.0" if value else "0.0") if found == BOOLEAN else Decimal(value)
        return Typed(quantity.literal_quantity(number, "1", calendar=False), QUANTITY)
    return _quantity_from(value) if found == STRING and len(value) < 1000 else None


def _quantity_from(value: str) -> Typed | None:
    match = _QUANTITY.match(value.strip())
    if match is None or (match[3] and match[3] not in CALENDAR_UNITS):
        return None
    unit, word = match[2] or "1", match[3]
    return Typed(
        quantity.literal_quantity(Decimal(match[1]), word or unit, calendar=word is not None), QUANTITY
    )


def _to_temporal(system: str) -> Convert:
    def convert(item: Typed) -> Typed | None:
        found = kind(item)
        if found not in (STRING, DATE, DATETIME, TIME) or (
            found != STRING and (found == TIME) != (system == TIME)
        ):
            return None
        text = item.value.partition("T")[0] if system == DATE and found == DATETIME else item.value
        if found == STRING and system == DATETIME:
            text = text.removesuffix("T")
        if found == STRING and system == TIME:
            text = text.removeprefix("T")
        return Typed(text, system) if temporal.parse(text, system) is not None else None

    return convert


def _converting(convert: Convert) -> Apply:
    def function(frame: Frame, items: Items) -> Items:
        item = single(items)
        found = None if item is None else convert(item)
        return [] if found is None else [found]

    return function


def _testing(convert: Convert) -> Apply:
    def function(frame: Frame, items: Items) -> Items:
        item = single(items)
        return [] if item is None else boolean(convert(item) is not None)

    return function


def _in_unit(item: Typed, unit: str) -> Typed | None:
    """A quantity converted to another unit, None where the units have nothing in common."""
    read = quantity_of(item)
    calendar = unit in CALENDAR_UNITS
    wanted = Quantity(Decimal(0), CALENDAR_UNITS[unit] if calendar else unit, calendar)
    factor = None if read is None else quantity.comparable(wanted, read)
    if read is None or factor is None:
        return None
    value = read.value if factor == 1 else quantity.decimal(quantity.fraction(read.value) * factor)
    return Typed(quantity.as_json(wanted._replace(value=value)), QUANTITY)


def _quantity_in_unit(items: Items, unit: Items | None) -> Typed | None:
    item = single(items)
    found = None if item is None else to_quantity(item)
    wanted = None if unit is None else single_string(unit)
    return found if found is None or wanted is None else _in_unit(found, wanted)


def as_quantity(frame: Frame, items: Items, unit: Items | None = None) -> Items:
    found = _quantity_in_unit(items, unit)
    return [] if found is None else [found]


def converts_to_quantity(frame: Frame, items: Items, unit: Items | None = None) -> Items:
    return boolean(_quantity_in_unit(items, unit) is not None) if items else []


_CONVERSIONS: dict[str, Convert] = {
    BOOLEAN: to_boolean,
    INTEGER: to_integer,
    DECIMAL: to_decimal,
    STRING: to_string,
    DATE: _to_temporal(DATE),
    DATETIME: _to_temporal(DATETIME),
    TIME: _to_temporal(TIME),
}


def _name(system: str) -> str:
    return system.removeprefix("System.")


FUNCTIONS: Functions = {
    **{f"to{_name(s)}": Function(_converting(c), result=s) for s, c in _CONVERSIONS.items()},
    **{f"convertsTo{_name(s)}": Function(_testing(c), result=BOOLEAN) for s, c in _CONVERSIONS.items()},
    "toQuantity": Function(as_quantity, 0, 1, QUANTITY),
    "convertsToQuantity": Function(converts_to_quantity, 0, 1, BOOLEAN),
}
