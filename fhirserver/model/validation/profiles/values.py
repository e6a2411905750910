"""What an element definition asks of a value as such: fixed, pattern, range, length.

https://hl7.org/fhir/R4/elementdefinition.html#ElementDefinition.fixed_x_
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeAlias

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.fhirpath import FhirPathError, Typed
from fhirserver.model.fhirpath.ordering import order
from fhirserver.model.fhirpath.regex import matches_all

_REGEX = "http://hl7.org/fhir/StructureDefinition/regex"
Fault: TypeAlias = tuple[str, str]
"""Issue code and words."""
ValueCheck: TypeAlias = Callable[[Typed], Fault | None]


def value_checks(element: JsonObject) -> Iterator[ValueCheck]:
    """The checks that an element definition asks for."""
    for name, wanted in element.items():
        if name.startswith("fixed"):
            yield _fixed(wanted)
        elif name.startswith("pattern"):
            yield _pattern(wanted)
        elif name.startswith(("minValue", "maxValue")):
            yield _limit(name[:3], type_in(name, "minValue"), wanted)
    for extension in element.get("extension", ()):
        if extension.get("url") == _REGEX and isinstance(extension.get("valueString"), str):
            yield _matching(extension["valueString"])
    longest = element.get("maxLength")
    if isinstance(longest, int):
        yield _no_longer(longest)


def type_in(name: str, prefix: str) -> str:
    """``integer`` in ``minValueInteger``, ``Quantity`` in ``minValueQuantity``."""
    rest = name[len(prefix) :]
    return rest if rest == "Quantity" else rest[:1].lower() + rest[1:]


def wanted_value(element: JsonObject) -> tuple[str, Json] | None:
    """``("fixed" or "pattern", value)`` of an element definition, or None."""
    for name, wanted in element.items():
        for kind in ("fixed", "pattern"):
            if name.startswith(kind):
                return kind, wanted
    return None


def _fixed(wanted: Json) -> ValueCheck:
    def check(item: Typed) -> Fault | None:
        return None if equal(item.value, wanted) else ("value", "is not the fixed value of the profile")

    return check


def _pattern(wanted: Json) -> ValueCheck:
    def check(item: Typed) -> Fault | None:
        return None if fits(item.value, wanted) else ("value", "does not match the pattern of the profile")

    return check


def _limit(which: str, type_name: str, wanted: Json) -> ValueCheck:
    refused, words = (-1, "less than the minimum") if which == "min" else (1, "more than the maximum")

    def check(item: Typed) -> Fault | None:
        if item.value is None:
            return None
        try:
            found = order(item, Typed(wanted, type_name))
        except FhirPathError:
            return None
        return ("value", f"is {words} of the profile") if found == refused else None

    return check


def _matching(pattern: str) -> ValueCheck:
    def check(item: Typed) -> Fault | None:
        try:
            fits = not isinstance(item.value, str) or matches_all(pattern, item.value)
        except FhirPathError:
            return None
        return None if fits else ("value", "does not match the regular expression of the profile")

    return check


def _no_longer(longest: int) -> ValueCheck:
    def check(item: Typed) -> Fault | None:
        too_long = isinstance(item.value, str) and len(item.value) > longest
        return ("too-long", f"is longer than the {longest} characters of the profile") if too_long else None

    return check


def equal(value: Json, wanted: Json) -> bool:
    """Deep equality; numbers by value, true is not 1."""
    if isinstance(wanted, dict):
        return (
            isinstance(value, dict)
            and value.keys() == wanted.keys()
            and all(equal(value[name], one) for name, one in wanted.items())
        )
    if isinstance(wanted, list):
        return isinstance(value, list) and len(value) == len(wanted) and all(map(equal, value, wanted))
    return same_primitive(value, wanted)


def fits(value: Json, pattern: Json) -> bool:
    """Whether a value has at least what the pattern has; each item of a list somewhere in the list."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            name in value and fits(value[name], one) for name, one in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(fits(one, part) for one in value) for part in pattern)
    return same_primitive(value, pattern)


def same_primitive(value: Json, wanted: Json) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, int | Decimal) and isinstance(wanted, int | Decimal):
        return value == wanted
    return isinstance(value, str) and value == wanted
