"""Parameters that shape the answer: ``_sort``, ``_count``, ``_include``, ``_summary`` and the like.

https://hl7.org/fhir/R4/search.html#return Each reader raises :class:`ValueError` for a malformed value, or
:class:`~fhirserver.search.parameters.NotKnown` for a name that is not there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, cast

from fhirserver.model.definitions import ElementDef, TypeDef, definitions
from fhirserver.search.defined import STANDARD, Parameters
from fhirserver.search.expression import Include, Kind, SortKey
from fhirserver.search.parameters import NotKnown, known_parameter

SUMMARIES: Final = frozenset({"true", "text", "data", "count", "false"})
CONTAINED: Final = {
    "_contained": frozenset({"true", "false", "both"}),
    "_containedType": frozenset({"container", "contained"}),
}
"""Whether contained resources are searched, and what is answered for them."""
TOTALS: Final = frozenset({"none", "estimate", "accurate"})
_SPECIAL_KEYS: Final = {"_id": "id", "_lastUpdated": "updated"}


@lru_cache(maxsize=1024)
def sort_keys(type_name: str, value: str, known: Parameters = STANDARD) -> tuple[SortKey, ...]:
    """``status,-date`` as sort keys."""
    return tuple(_sort_key(type_name, part, known) for part in value.split(","))


def _sort_key(type_name: str, part: str, known: Parameters) -> SortKey:
    descending = part.startswith("-")
    code = part[1:] if descending else part
    if not code:
        raise ValueError("expected parameters with commas between them, - before those in descending order")
    if code in _SPECIAL_KEYS:
        return SortKey(code, cast(Kind, _SPECIAL_KEYS[code]), descending)
    parameter = known_parameter(type_name, code, known)
    if parameter.type == "special" or code in ("_text", "_content"):
        raise NotKnown(f"{code} is a special parameter: there is no order by it")
    if parameter.type == "composite":
        raise NotKnown(f"{code} is a composite parameter: there is no order by it")
    return SortKey(code, cast(Kind, parameter.type), descending)


def page_size(value: str, maximum: int) -> int:
    """``_count``, never more than ``maximum``."""
    if not (value.isascii() and value.isdigit()) or len(value) > 9:
        raise ValueError("expected a number from 0")
    return min(int(value), maximum)


def choice(value: str, allowed: frozenset[str]) -> str:
    if value not in allowed:
        raise ValueError(f"expected one of {', '.join(sorted(allowed))}")
    return value


@lru_cache(maxsize=1024)
def element_names(type_name: str, value: str) -> tuple[str, ...]:
    """``_elements``: names of elements, or paths such as ``name.family``, also with the type before them."""
    names = tuple(name.strip().removeprefix(f"{type_name}.") for name in value.split(","))
    if not all(is_element(type_name, name) for name in names):
        raise ValueError(f"expected names of elements of {type_name}")
    return names


def is_element(type_name: str, path: str) -> bool:
    """Whether a type has an element at a path of FHIRPath or JSON names."""
    head, dot, rest = path.partition(".")
    definition = definitions().type(type_name)
    found = elements_named(definition, head) if definition else ()
    return bool(found) and (not dot or any(is_element(element.type, rest) for element in found))


def elements_named(definition: TypeDef, name: str) -> tuple[ElementDef, ...]:
    """The elements of a type with a FHIRPath name, a JSON name or the name of a choice, ``value[x]``."""
    by_json = definition.elements.get(name)
    return definition.by_name.get(name.removesuffix("[x]"), (by_json,) if by_json else ())


@lru_cache(maxsize=1024)
def include(type_name: str, name: str, value: str, known: Parameters = STANDARD) -> Include:
    """``_include`` or ``_revinclude``, with ``:iterate`` or its old name ``:recurse``."""
    control, _, modifier = name.partition(":")
    if modifier not in ("", "iterate", "recurse"):
        raise NotKnown(f"Modifier of {control} must be :iterate")
    iterate = bool(modifier)
    if value == "*":
        return Include(type_name if control == "_include" and not iterate else "*", "*", "", iterate)
    parts = value.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise ValueError("expected *, [type]:[parameter] or [type]:[parameter]:[target type]")
    source, code, target = (*parts, "") if len(parts) == 2 else parts
    _check_include(type_name, control, iterate, (source, code, target), known)
    return Include(source, code, target, iterate)


def _check_include(
    type_name: str, control: str, iterate: bool, named: tuple[str, str, str], known: Parameters
) -> None:
    source, code, target = named
    types = definitions().resource_types
    if source not in types or (target and target not in types):
        raise NotKnown(f"{control} names a resource type that does not exist")
    if control == "_include" and not iterate and source != type_name:
        raise NotKnown(f"{control} must start at {type_name} unless it has :iterate")
    if code != "*" and known_parameter(source, code, known).type not in ("reference", "uri"):
        raise NotKnown(f"{code} of {source} is not a reference parameter")
