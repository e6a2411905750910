"""``lowBoundary``, ``highBoundary``, ``precision`` and ``comparable``.

https://build.fhir.org/ig/HL7/FHIRPath/#utility-functions. Where the rounding of a boundary to fewer digits
is concerned, and the minutes of a dateTime that ends at the hour, the official tests decide.
"""

from __future__ import annotations

from calendar import monthrange
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

from fhirserver.model.fhirpath import quantity, temporal
from fhirserver.model.fhirpath.arithmetic import decimal
from fhirserver.model.fhirpath.environment import Frame
from fhirserver.model.fhirpath.equality import quantity_of, temporal_of
from fhirserver.model.fhirpath.errors import FhirPathError
from fhirserver.model.fhirpath.functions.signature import Apply, Function, Functions
from fhirserver.model.fhirpath.temporal import Temporal
from fhirserver.model.fhirpath.values import (
    BOOLEAN,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    QUANTITY,
    TIME,
    Items,
    Typed,
    boolean,
    integer,
    kind,
    single,
    single_integer,
)

MAX_PLACES = 31
_EXACT = Context(prec=1100, Emin=-100_000, Emax=100_000, traps=[])
_DATE_FIELDS = {4: 1, 6: 2, 8: 3, 10: 4, 12: 5, 14: 6, 17: 6}
_TIME_FIELDS = {2: 1, 4: 2, 6: 3, 9: 3}
_PER_DATE, _PER_TIME = (4, 6, 8, 10, 12, 14), (2, 4, 6)
_LAST_MICROSECOND = 59_999_000


def _boundary(high: bool) -> Apply:
    def function(frame: Frame, items: Items, precision: Items | None = None) -> Items:
        item = single(items)
        places = None if precision is None else single_integer(precision)
        if item is None or (item.value is None):
            return []
        return _boundary_of(item, places, high)

    return function


def _boundary_of(item: Typed, places: int | None, high: bool) -> Items:
    found = kind(item)
    if found in (INTEGER, DECIMAL):
        value = _bound(Decimal(item.value), places, high)
        return [] if value is None else decimal(value)
    if found == QUANTITY:
        read = quantity_of(item)
        value = None if read is None else _bound(read.value, places, high)
        return (
            []
            if read is None or value is None
            else [Typed(quantity.as_json(read._replace(value=value)), QUANTITY)]
        )
    at = temporal_of(item)
    if at is None:
        raise FhirPathError(f"{item.type} has no boundaries")
    return _bound_time(at, places, high)


def _bound(value: Decimal, places: int | None, high: bool) -> Decimal | None:
    places = 8 if places is None else places
    exponent = value.as_tuple().exponent
    if not 0 <= places <= MAX_PLACES or not isinstance(exponent, int) or abs(value.adjusted()) > 100:
        return None
    half = Decimal(5).scaleb(min(exponent, 0) - 1)
    outwards = high == (not value.is_signed())
    size = _EXACT.add(value.copy_abs(), half if outwards else -half)
    step = Decimal(1).scaleb(-places)
    bound = size.quantize(step, ROUND_HALF_UP if outwards else ROUND_DOWN, _EXACT)
    return bound.copy_negate() if value.is_signed() else bound


def _bound_time(at: Temporal, places: int | None, high: bool) -> Items:
    if at.is_time:
        fields = _TIME_FIELDS.get(9 if places is None else places)
        return [] if fields is None else _as_items(_filled_time(at, high), fields, places == 6, TIME)
    default = 8 if at.system == DATE else 17
    fields = _DATE_FIELDS.get(default if places is None else places)
    if fields is None:
        return []
    system = DATE if fields <= 3 else DATETIME
    return _as_items(_filled_date(at, high), fields, places == 14, system)


def _as_items(full: Temporal, fields: int, whole_seconds: bool, system: str) -> Items:
    short = full._replace(fields=full.fields[:fields], digits=0 if whole_seconds else 3)
    return [Typed(temporal.text_of(short), system)]


def _filled_time(at: Temporal, high: bool) -> Temporal:
    missing = (23, 59, _LAST_MICROSECOND) if high else (0, 0, 0)
    return at._replace(fields=(*at.fields, *missing[len(at.fields) :]))


def _filled_date(at: Temporal, high: bool) -> Temporal:
    year, month, *_ = (*at.fields, 12 if high else 1)
    last = monthrange(year, month)[1] if high else 1
    minute = 59 if high and len(at.fields) < 4 else 0
    missing = (year, month, last, 23 if high else 0, minute, _LAST_MICROSECOND if high else 0)
    offset = at.offset if at.offset is not None else -12 * 60 if high else 14 * 60
    return at._replace(fields=(*at.fields, *missing[len(at.fields) :]), offset=offset)


def precision(frame: Frame, items: Items) -> Items:
    """Digits after the point of a number, digits of a date or time."""
    item = single(items)
    if item is None:
        return []
    if kind(item) in (INTEGER, DECIMAL):
        exponent = Decimal(item.value).as_tuple().exponent
        return integer(max(-exponent, 0)) if isinstance(exponent, int) else []
    at = temporal_of(item)
    if at is None:
        raise FhirPathError(f"{item.type} has no precision")
    digits = (_PER_TIME if at.is_time else _PER_DATE)[len(at.fields) - 1]
    return integer(digits + 3 if at.digits else digits)


def comparable(frame: Frame, items: Items, other: Items) -> Items:
    left, right = single(items), single(other)
    ours = None if left is None else quantity_of(left) if kind(left) == QUANTITY else None
    theirs = None if right is None else quantity_of(right) if kind(right) == QUANTITY else None
    if ours is None or theirs is None:
        return []
    return boolean(quantity.comparable(ours, theirs) is not None)


FUNCTIONS: Functions = {
    "lowBoundary": Function(_boundary(high=False), 0, 1),
    "highBoundary": Function(_boundary(high=True), 0, 1),
    "precision": Function(precision, result=INTEGER),
    "comparable": Function(comparable, 1, 1, BOOLEAN),
}
