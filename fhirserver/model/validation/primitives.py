"""The formats of primitive types, as predicates. https://hl7.org/fhir/R4/datatypes.html#primitive"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

from fhirserver.kernel.json import Json
from fhirserver.model.definitions import definitions

Predicate: TypeAlias = Callable[[Json], bool]

LONGEST_STRING = 1024 * 1024
MOST_REMEMBERED, LONGEST_REMEMBERED = 4096, 128
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")
_INTEGER_RANGES = {
    "integer": (-(2**31), 2**31 - 1),
    "unsignedInt": (0, 2**31 - 1),
    "positiveInt": (1, 2**31 - 1),
}
_DATED = frozenset({"date", "dateTime", "instant"})


def is_text(value: Json) -> bool:
    """A string that is not empty, not over 1 MB, and free of control characters."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_STRING:
        return False
    return value.isprintable() or _CONTROL.search(value) is None


class Remembering:
    """Remembers short values that passed: uris and codes repeat, and a set is faster than a regex.

    ``knows`` is a method of C that accepts a value at once, or cannot tell; it raises TypeError for a list or
    an object. Sets are only added to, so threads need no lock.
    """

    def __init__(self, check: Predicate):
        self._check = check
        self._known: set[str] = set()
        self.knows: Predicate = self._known.__contains__

    def __call__(self, value: Json) -> bool:
        passed = self._check(value)
        if passed and len(self._known) < MOST_REMEMBERED and len(value) <= LONGEST_REMEMBERED:
            self._known.add(value)
        return passed


def is_boolean(value: Json) -> bool:
    return value is True or value is False


def is_decimal(value: Json) -> bool:
    return isinstance(value, Decimal | int) and not isinstance(value, bool)


def is_base64(value: Json) -> bool:
    if not isinstance(value, str) or not value or _BASE64.fullmatch(value) is None:
        return False
    return len(value if value.isalnum() else "".join(value.split())) % 4 == 0


def is_xhtml(value: Json) -> bool:
    """Any string: what may stand in it is checked with the narrative."""
    return isinstance(value, str) and value != ""


def in_range(low: int, high: int) -> Predicate:
    def check(value: Json) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return check


def matching(regex: str) -> Predicate:
    match = re.compile(regex, re.ASCII).fullmatch

    def check(value: Json) -> bool:
        return isinstance(value, str) and match(value) is not None

    return check


def of_a_string(check: Predicate) -> Predicate:
    """With the limit of strings, which their specialisations have, too."""
    return lambda value: check(value) and isinstance(value, str) and len(value) <= LONGEST_STRING


def dated(regex: str) -> Predicate:
    """Like :func:`matching`, and the day must be one that its month has."""
    match = re.compile(regex, re.ASCII).fullmatch

    def check(value: Json) -> bool:
        if not isinstance(value, str) or match(value) is None:
            return False
        return value[8:10] <= "28" or int(value[8:10]) <= monthrange(int(value[:4]), int(value[5:7]))[1]

    return check


_BY_NAME: dict[str, Predicate] = {
    "string": is_text,
    "markdown": is_text,
    "uri": Remembering(matching(r"\S+")),
    "url": Remembering(matching(r"\S+")),
    "canonical": Remembering(matching(r"\S+")),
    "code": Remembering(of_a_string(matching(r"[^\s]+(\s[^\s]+)*"))),
    "boolean": is_boolean,
    "decimal": is_decimal,
    "base64Binary": is_base64,
    "xhtml": is_xhtml,
}


def predicate(type_name: str) -> Predicate:
    """The check of a primitive type: those not written out here follow the specification's regex."""
    if type_name in _BY_NAME:
        return _BY_NAME[type_name]
    if type_name in _INTEGER_RANGES:
        return in_range(*_INTEGER_RANGES[type_name])
    definition = definitions().type(type_name)
    if definition is None or not definition.regex:
        raise LookupError(f"{type_name} is not a primitive type with a format")
    return dated(definition.regex) if type_name in _DATED else matching(definition.regex)


def json_type(type_name: str) -> str:
    """What JSON type carries a primitive: boolean, number or string."""
    if type_name == "boolean":
        return "boolean"
    return "number" if type_name == "decimal" or type_name in _INTEGER_RANGES else "string"


def has_json_type(value: Json, wanted: str) -> bool:
    if wanted == "boolean" or isinstance(value, bool):
        return wanted == "boolean" and isinstance(value, bool)
    return isinstance(value, Decimal | int) if wanted == "number" else isinstance(value, str)


def fault(value: Json, type_name: str) -> tuple[str, str]:
    """The issue code and words for a value that its predicate refused."""
    wanted = json_type(type_name)
    if value is None:
        return "structure", "null stands only in a list, beside an extension of the same index"
    if not has_json_type(value, wanted):
        return "structure", f"must be a JSON {wanted} ({type_name})"
    if value == "":
        return "value", "must not be empty"
    if isinstance(value, str) and len(value) > LONGEST_STRING and type_name in ("string", "markdown", "code"):
        return "too-long", "is longer than 1 MB"
    return "value", f"is not a valid {type_name}"
