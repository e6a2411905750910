"""What each prefix asks of the range of a value. https://hl7.org/fhir/R4/search.html#prefix

Dates are half-open ranges of microseconds. Numbers of a resource are points or closed ranges; the ranges of
search values come from the digits written: ``100`` means 99.5 ≤ x < 100.5.
"""

from __future__ import annotations

from fhirserver.search.expression import Prefix


def date_holds(prefix: Prefix, low: int, high: int, value_low: int, value_high: int) -> bool:
    """Whether the range of a value stands to the search range [low, high) as ``prefix`` asks."""
    match prefix:
        case "eq":
            return low <= value_low and value_high <= high
        case "ne":
            return not (low <= value_low and value_high <= high)
        case "gt":
            return value_high > high
        case "lt":
            return value_low < low
        case "ge":
            return value_high > high or (low <= value_low and value_high <= high)
        case "le":
            return value_low < low or (low <= value_low and value_high <= high)
        case "sa":
            return value_low >= high
        case "eb":
            return value_high <= low
        case "ap":
            return value_low < high and low < value_high


def number_holds(prefix: Prefix, low: float, high: float, value_low: float, value_high: float) -> bool:
    """Whether a number (or closed range) stands to the search range as ``prefix`` asks."""
    match prefix:
        case "eq":
            return low <= value_low and value_high < high
        case "ne":
            return not (low <= value_low and value_high < high)
        case "gt":
            return value_high > high
        case "lt":
            return value_low < low
        case "ge":
            return value_high > high or low <= value_low <= value_high <= high
        case "le":
            return value_low < low or low <= value_low <= value_high <= high
        case "sa":
            return value_low > high
        case "eb":
            return value_high < low
        case "ap":
            return value_low <= high and low <= value_high
