"""The functions of ``%terminologies``. https://hl7.org/fhir/R5/fhirpath.html#txapi

Parameters come as in a URL, such as ``'activeOnly=true&count=10'``. Where there is no answer the result is empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import parse_qs

from fhirserver.kernel.json import JsonObject
from fhirserver.model.fhirpath.environment import Frame, Given, Terminologies
from fhirserver.model.fhirpath.errors import FhirPathError
from fhirserver.model.fhirpath.functions.signature import Function, Functions
from fhirserver.model.fhirpath.values import TERMINOLOGIES, Items, Typed, single, single_string

_MOST = 64
Named: TypeAlias = str | JsonObject
Ask: TypeAlias = Callable[[Named, Typed, Given], JsonObject | None]


def expand(frame: Frame, items: Items, value_set: Items, parameters: Items | None = None) -> Items:
    service, named = _service(frame, items), _named(value_set)
    return [] if named is None else _resource(service.expand(named, _given(parameters)), "ValueSet")


def lookup(frame: Frame, items: Items, coded: Items, parameters: Items | None = None) -> Items:
    service, item = _service(frame, items), single(coded)
    return [] if item is None else _resource(service.lookup(item, _given(parameters)))


def validate_vs(
    frame: Frame, items: Items, value_set: Items, coded: Items, parameters: Items | None = None
) -> Items:
    return _asked(_service(frame, items).validate_vs, value_set, coded, parameters)


def validate_cs(
    frame: Frame, items: Items, code_system: Items, coded: Items, parameters: Items | None = None
) -> Items:
    return _asked(_service(frame, items).validate_cs, code_system, coded, parameters)


def translate(
    frame: Frame, items: Items, concept_map: Items, coded: Items, parameters: Items | None = None
) -> Items:
    return _asked(_service(frame, items).translate, concept_map, coded, parameters)


def subsumes(frame: Frame, items: Items, system: Items, *more: Items | None) -> Items:
    left, right, parameters = (*more, None, None, None)[:3]
    if left is None or right is None:
        raise FhirPathError("%terminologies.subsumes takes a system and two codes")
    service, url, ours, theirs = _service(frame, items), single_string(system), single(left), single(right)
    if url is None or ours is None or theirs is None:
        return []
    found = service.outcome(url, ours, theirs, _given(parameters))
    return [] if found is None else [Typed(found, "code")]


def _asked(ask: Ask, named: Items, coded: Items, parameters: Items | None) -> Items:
    about, item = _named(named), single(coded)
    return [] if about is None or item is None else _resource(ask(about, item, _given(parameters)))


def _service(frame: Frame, items: Items) -> Terminologies:
    if items != [TERMINOLOGIES]:
        raise FhirPathError("this is a function of %terminologies")
    if frame.environment.terminologies is None:
        raise FhirPathError("the environment has no terminology service")
    frame.spend(_MOST)
    return frame.environment.terminologies


def _named(items: Items) -> Named | None:
    """A canonical url, or the resource itself."""
    item = single(items)
    return item.value if item is not None and isinstance(item.value, str | dict) else None


def _given(parameters: Items | None) -> Given:
    text = single_string(parameters) if parameters else None
    if text is None:
        return {}
    try:
        found = parse_qs(text, keep_blank_values=True, max_num_fields=_MOST)
    except ValueError:
        raise FhirPathError("there are too many parameters") from None
    return {name: [*values] for name, values in found.items()}


def _resource(found: JsonObject | None, type: str = "Parameters") -> Items:
    return [] if found is None else [Typed(found, str(found.get("resourceType", type)))]


FUNCTIONS: Functions = {
    "expand": Function(expand, 1, 2),
    "lookup": Function(lookup, 1, 2),
    "validateVS": Function(validate_vs, 2, 3),
    "validateCS": Function(validate_cs, 2, 3),
    "translate": Function(translate, 2, 3),
}
