"""Quantities: a number with a UCUM unit or a calendar duration. https://hl7.org/fhirpath/N1/#quantity"""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.fhirpath import ucum

UCUM = "http://unitsofmeasure.org"
_SINGULAR = ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
CALENDAR_UNITS = {name: name for name in _SINGULAR} | {f"{name}s": name for name in _SINGULAR}
"""Calendar duration words, singular and plural, to the singular."""

_DEFINITE = {"week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s", "millisecond": "ms"}
_DEFINITE_ALSO = {"year": "a", "month": "mo"}
_MONTHS = ucum.Unit(Fraction(1), (("calendar month", 1),))
_YEARS = ucum.Unit(Fraction(12), (("calendar month", 1),))
CONTEXT = Context(prec=28, Emin=-100_000, Emax=100_000, traps=[])
"""Decimal arithmetic that never raises: what is undefined or too large is not finite."""


class Quantity(NamedTuple):
    """``unit`` is a UCUM code or a calendar word (``calendar``); a unit that is neither has ``system``."""

    value: Decimal
    unit: str
    calendar: bool = False
    system: str = UCUM


def literal_quantity(value: Decimal, unit: str, calendar: bool) -> JsonObject:
    """The Quantity of ``4 days`` (``calendar``) or ``10 'mg'``, in the shape of FHIR's JSON."""
    if calendar:
        return {"value": value, "unit": CALENDAR_UNITS[unit]}
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def as_json(quantity: Quantity) -> JsonObject:
    """The JSON of a System Quantity."""
    return literal_quantity(quantity.value, quantity.unit, quantity.calendar)


def read(value: JsonObject, is_system: bool) -> Quantity | None:
    """The quantity in a JSON object; None without a number or with a comparator."""
    number = value.get("value")
    if not isinstance(number, int | Decimal) or isinstance(number, bool) or value.get("comparator"):
        return None
    code, unit = value.get("code"), value.get("unit")
    if is_system and code is None:
        return Quantity(Decimal(number), str(unit), calendar=True)
    if isinstance(code, str):
        return Quantity(Decimal(number), code, system=str(value.get("system", "")))
    return Quantity(Decimal(number), unit if isinstance(unit, str) else "1", system="" if unit else UCUM)


def scale(quantity: Quantity, loosely: bool = False) -> ucum.Unit | None:
    """What the unit means. Calendar years and months are a dimension of their own, unless ``loosely``."""
    if quantity.calendar:
        return _calendar_scale(quantity.unit, loosely)
    if quantity.system != UCUM:
        return ucum.Unit(Fraction(1), ((f"{quantity.system}|{quantity.unit}", 1),))
    unit = quantity.unit
    return _calendar_scale(CALENDAR_UNITS[unit], loosely) if unit in CALENDAR_UNITS else ucum.unit(unit)


def _calendar_scale(word: str, loosely: bool) -> ucum.Unit | None:
    if word in _DEFINITE:
        return ucum.unit(_DEFINITE[word])
    if loosely:
        return ucum.unit(_DEFINITE_ALSO[word])
    return _YEARS if word == "year" else _MONTHS


def comparable(left: Quantity, right: Quantity, loosely: bool = False) -> Fraction | None:
    """The factor that turns a value of ``right`` into the unit of ``left``; None for other dimensions."""
    if (left.unit, left.calendar, left.system) == (right.unit, right.calendar, right.system):
        return Fraction(1)
    ours, theirs = scale(left, loosely), scale(right, loosely)
    if ours is None or theirs is None or ours.dimensions != theirs.dimensions:
        return None
    return theirs.factor / ours.factor


def compare(left: Quantity, right: Quantity) -> int | None:
    """-1, 0 or 1; None when the units cannot be compared."""
    factor = comparable(left, right)
    if factor is None:
        return None
    ours, theirs = fraction(left.value), fraction(right.value) * factor
    return (ours > theirs) - (ours < theirs)


def fraction(value: Decimal) -> Fraction:
    """``value`` exactly; cut at ten to the thousandth either way."""
    if not -1000 < value.adjusted() < 1000:
        return Fraction(0) if value.adjusted() < 0 else Fraction(10**1000 * (-1 if value < 0 else 1))
    return Fraction(value)


def decimal(value: Fraction) -> Decimal:
    """``value`` with 28 significant digits."""
    return CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))


def duration_unit(quantity: Quantity) -> str | None:
    """The calendar word that a quantity added to a date moves it by, or None for another unit."""
    if quantity.unit in CALENDAR_UNITS:
        return CALENDAR_UNITS[quantity.unit]
    words = {code: word for word, code in (_DEFINITE | _DEFINITE_ALSO).items()}
    return words.get(quantity.unit) if quantity.system == UCUM else None


def key(value: Json, is_system: bool) -> tuple[object, ...] | None:
    """Something equal for equal quantities."""
    quantity = read(value, is_system)
    if quantity is None:
        return None
    unit = scale(quantity)
    if unit is None:
        return quantity.value, quantity.unit
    return fraction(quantity.value) * unit.factor, unit.dimensions
