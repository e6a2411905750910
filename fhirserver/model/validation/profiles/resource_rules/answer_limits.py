"""What extensions of a question ask of its answers: least and most, length, pattern, precision, how many.

https://hl7.org/fhir/R4/questionnaire-profiles.html#extensions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeAlias

from fhirserver.kernel.json import Json, JsonObject
from fhirserver.model.fhirpath import FhirPathError, Typed
from fhirserver.model.fhirpath.ordering import order
from fhirserver.model.fhirpath.regex import matches_all
from fhirserver.model.validation.profiles.objects import objects, text, value_of

Value: TypeAlias = tuple[str, Json]
"""The type and the value of a ``value[x]``, such as ``("Integer", 3)``."""
_BASE = "http://hl7.org/fhir/StructureDefinition/"
_NOWHERE = (None, "", -1)


def broken_limits(answer: Value, question: JsonObject) -> Iterator[str]:
    """In words, each limit of a question that an answer does not keep."""
    for extension, _ in objects(question, "extension", _NOWHERE):
        name, limit = text(extension, "url").removeprefix(_BASE), value_of(extension)
        check = _CHECKS.get(name)
        if check is not None and limit is not None and not check(answer, limit):
            yield f"does not keep the limit {name} of the questionnaire"


def occurrences(question: JsonObject) -> tuple[int, int | None]:
    """How often a question must and may be answered, beside ``required`` and ``repeats``."""
    found = {
        text(e, "url").removeprefix(_BASE): value_of(e) for e, _ in objects(question, "extension", _NOWHERE)
    }
    least, most = (_integer(found.get(f"questionnaire-{name}Occurs")) for name in ("min", "max"))
    return least or 0, most


def _integer(value: Value | None) -> int | None:
    return value[1] if value is not None and isinstance(value[1], int) else None


def _compares(answer: Value, limit: Value) -> int | None:
    """-1, 0 or 1; None where the two cannot be compared."""
    try:
        return order(_typed(answer), _typed(limit))
    except FhirPathError:
        return None


def _typed(value: Value) -> Typed:
    name = value[0]
    return Typed(value[1], name if name == "Quantity" else name[:1].lower() + name[1:])


def _long_enough(answer: Value, limit: Value) -> bool:
    return not isinstance(answer[1], str) or not isinstance(limit[1], int) or len(answer[1]) >= limit[1]


def _matches(answer: Value, limit: Value) -> bool:
    if not isinstance(answer[1], str) or not isinstance(limit[1], str):
        return True
    try:
        return matches_all(limit[1], answer[1])
    except FhirPathError:
        return True  # a pattern that cannot be read is a fault of the questionnaire


def _precise(answer: Value, limit: Value) -> bool:
    if not isinstance(answer[1], Decimal) or not isinstance(limit[1], int):
        return True
    exponent = answer[1].as_tuple().exponent
    return not isinstance(exponent, int) or -exponent <= limit[1]


_CHECKS: dict[str, Callable[[Value, Value], bool]] = {
    "minValue": lambda answer, limit: _compares(answer, limit) != -1,
    "maxValue": lambda answer, limit: _compares(answer, limit) != 1,
    "minLength": _long_enough,
    "regex": _matches,
    "maxDecimalPlaces": _precise,
}
