"""Quantities in one unit for each kind of measure, so that 5.4 g finds 5400 mg.

https://hl7.org/fhir/R4/search.html#quantity The unit of a kind is the one mostly written in care: what is written
in it already needs no second entry in the index. Kinds that nobody thought of have their UCUM base units.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from fhirserver.model.fhirpath.ucum import Unit, unit

UCUM: Final = "http://unitsofmeasure.org"

_USUAL: Final = (
    "kg", "cm", "min", "Cel", "mm[Hg]", "/min", "kg/m2", "m2", "m/s", "mg/dL", "mmol/L", "%", "L", "U/L",
    "mL/min", "[IU]/L", "mol", "m[H2O]", "W", "V", "Hz", "kcal", "mg/min", "mL/kg", "mg/kg/d",
)  # fmt: skip
_DIGITS = 40


class Scale(NamedTuple):
    """A number in the unit that was written, times ``factor``, is the number in ``code``."""

    code: str
    factor: Fraction


@lru_cache(1)
def _usual() -> dict[tuple[tuple[str, int], ...], tuple[str, Unit]]:
    found: dict[tuple[tuple[str, int], ...], tuple[str, Unit]] = {}
    for code in _USUAL:
        meant = unit(code)
        if meant is not None:
            found.setdefault(meant.dimensions, (code, meant))
    return found


@lru_cache(4096)
def scale(code: str) -> Scale | None:
    """How a UCUM code is brought to the unit of its kind; None for what is no UCUM unit."""
    meant = unit(code) if code else None
    if meant is None or meant.factor <= 0:
        return None
    usual = _usual().get(meant.dimensions)
    if usual is None:
        return Scale(".".join(f"{name}{power}" for name, power in meant.dimensions), meant.factor)
    return Scale(usual[0], meant.factor / usual[1].factor)


def exact(number: int | float | Decimal) -> Fraction:
    """The number itself; one of unreasonable length as the nearest float."""
    if isinstance(number, Decimal):
        _, digits, exponent = number.as_tuple()
        if len(digits) <= _DIGITS and isinstance(exponent, int) and abs(exponent) <= _DIGITS:
            return Fraction(number)
    elif isinstance(number, int) and number.bit_length() <= 128:
        return Fraction(number)
    return Fraction(float(number))
