"""``near``: places on the globe and how far they are apart. https://hl7.org/fhir/R4/location.html#positional

Distances are along a great circle of a sphere with the mean radius of the earth.
"""

from __future__ import annotations

from decimal import Decimal
from math import asin, cos, degrees, isfinite, pi, radians, sin, sqrt
from typing import Final

from fhirserver.model.fhirpath.ucum import unit
from fhirserver.search.escapes import split, unescape
from fhirserver.search.expression import Near
from fhirserver.search.literals import number

RADIUS: Final = 6_371_008.8
"""Metres."""
DEFAULT_DISTANCE: Final = 50_000.0
"""Metres, where a search says none."""
_EXPECTED: Final = "expected [latitude]|[longitude]|[distance]|[units]"


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Metres between two places given in degrees."""
    north = radians(other_latitude - latitude)
    east = radians(other_longitude - longitude)
    chord = sin(north / 2) ** 2 + cos(radians(latitude)) * cos(radians(other_latitude)) * sin(east / 2) ** 2
    return 2 * RADIUS * asin(min(1.0, sqrt(chord)))


def box(near: Near) -> tuple[float, float, float, float]:
    """Least and greatest latitude and longitude of what may be near; all longitudes where the box would wrap."""
    angle = near.metres / RADIUS
    reach = degrees(angle) + 1e-6
    south, north = near.latitude - reach, near.latitude + reach
    if north >= 90 or south <= -90:
        return south, north, -180, 180
    wide = degrees(asin(min(1.0, sin(min(angle, pi / 2)) / cos(radians(near.latitude))))) + 1e-6
    west, east = near.longitude - wide, near.longitude + wide
    return (south, north, -180, 180) if west < -180 or east > 180 else (south, north, west, east)


def near(code: str, text: str) -> Near:
    """``latitude|longitude|distance|units``; the distance is 50 km and the unit km where none is stated.

    Raises :class:`ValueError` for anything else.
    """
    parts = [unescape(part) for part in split(text, "|")]
    if not 2 <= len(parts) <= 4:
        raise ValueError(_EXPECTED)
    latitude, longitude = _degrees(parts[0], 90), _degrees(parts[1], 180)
    return Near(code, latitude, longitude, _metres(*parts[2:]))


def _degrees(text: str, limit: int) -> float:
    try:
        value = number(text)
    except ValueError:
        raise ValueError(_EXPECTED) from None
    if abs(value) > limit:
        raise ValueError(f"expected degrees from -{limit} to {limit}")
    return float(value)


def _metres(amount: str = "", units: str = "") -> float:
    if not amount:
        if units:
            raise ValueError(_EXPECTED)
        return DEFAULT_DISTANCE
    meant = unit(units or "km")
    if meant is None or meant.dimensions != (("m", 1),):
        raise ValueError("expected a UCUM unit of length, such as km, m or [mi_us]")
    try:
        metres = float(number(amount) * Decimal(meant.factor.numerator) / Decimal(meant.factor.denominator))
    except (ValueError, ArithmeticError):
        raise ValueError(_EXPECTED) from None
    if metres < 0 or not isfinite(metres):
        raise ValueError("expected a distance from 0")
    return metres
