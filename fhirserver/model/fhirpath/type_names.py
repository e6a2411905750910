"""Type specifiers: ``Patient``, ``FHIR.string``, ``System.String``. https://hl7.org/fhirpath/N1/#types"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from fhirserver.model.definitions import definitions
from fhirserver.model.fhirpath.elements import type_of_resource
from fhirserver.model.fhirpath.errors import semantic_error
from fhirserver.model.fhirpath.values import Typed, system_type

_SYSTEM = frozenset(
    {"Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity", "Any"}
)


class TypeName(NamedTuple):
    """A resolved specifier: names in the FHIR and in the System namespace; ``Quantity`` may be in both."""

    fhir: str
    system: str


def type_name(text: str, at: int) -> TypeName:
    """Resolve a specifier. Raises a semantic error for a type that exists nowhere."""
    namespace, dot, name = text.rpartition(".")
    if namespace == "System":
        return TypeName("", f"System.{name}")
    if namespace not in ("", "FHIR"):
        if definitions().type(text) is not None:
            return TypeName(text, "")
        raise semantic_error("unknown type namespace", at)
    fhir = name if definitions().type(name) is not None else ""
    system = f"System.{name}" if not dot and name in _SYSTEM else ""
    if not fhir and not system:
        raise semantic_error("unknown type", at)
    return TypeName(fhir, system)


@lru_cache(16384)
def conforms(actual: str, wanted: TypeName) -> bool:
    """Whether a type is the wanted one or derives from it."""
    if actual == wanted.system or wanted.system == "System.Any":
        return True
    return bool(wanted.fhir) and definitions().is_a(actual, wanted.fhir)


@lru_cache(16384)
def casts(actual: str, wanted: TypeName) -> bool:
    """Whether ``as`` and ``ofType`` let a type through: primitives only as exactly what they are."""
    if actual == wanted.fhir or actual == wanted.system:
        return True
    return system_type(actual) in (None, "System.Quantity") and conforms(actual, wanted)


def tester(wanted: TypeName) -> Callable[[Typed], bool]:
    return lambda item: conforms(item.type, wanted)


def resource_type(value: Typed) -> str:
    return type_of_resource(value.value, value.type)
