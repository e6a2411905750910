"""Search expressions as routes through JSON.

Nearly all search expressions only step down, choose a type, or filter by one member. Those become routes:
steps with the JSON property names that the definitions give. :func:`routes` returns None for anything else,
which is then evaluated as FHIRPath.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from fhirserver.kernel.json import JsonObject
from fhirserver.model.definitions import ElementDef, definitions
from fhirserver.model.fhirpath.parser import parse
from fhirserver.model.fhirpath.syntax import (
    Binary,
    Call,
    Index,
    Literal,
    Member,
    Node,
    This,
    TypeTest,
    Union,
)

Filter: TypeAlias = tuple[str, str]
"""``("", type)``: the reference is to that type; ``(member, text)``: the member is that text."""


@dataclass(frozen=True, slots=True)
class Step:
    """One property; of its items, those that pass ``keep``, or only the first."""

    name: str
    keep: Filter | None = None
    first: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """Steps down from a node of type ``origin`` to elements of ``type``; ``element`` defines the last one."""

    steps: tuple[Step, ...]
    type: str
    element: ElementDef | None = None


def routes(expression: str, origin: str) -> list[Route] | None:
    """The routes of ``expression`` from a node of type ``origin``, or None if it is more than routes."""
    try:
        return _follow(parse(expression), origin)
    except _NotRoutes:
        return None


@lru_cache(maxsize=4096)
def is_single(type_name: str, code: str) -> bool:
    """Whether a resource has at most one value for a parameter: one element, though perhaps of several types."""
    parameter = definitions().search_parameters(type_name).get(code)
    if parameter is None or parameter.type not in ("date", "number", "quantity"):
        return False
    found = routes(parameter.expression, type_name) or []
    elements = {route.element.path for route in found if route.element is not None}
    return len(elements) == 1 and all(_repeats_nowhere(route, type_name) for route in found)


def _repeats_nowhere(route: Route, type_name: str) -> bool:
    for step in route.steps:
        definition = definitions().type(type_name)
        element = definition.elements.get(step.name) if definition else None
        if element is None or element.is_list:
            return False
        type_name = element.type
    return True


def is_any_case(found: list[Route]) -> bool:
    """Whether a token parameter looks at strings only: "then the search is not case sensitive"."""
    return bool(found) and all(route.type == "string" for route in found)


def is_media_type(route: Route) -> bool:
    """Whether codes are media types, which may have parameters behind them."""
    binding = route.element.binding if route.element and route.type == "code" else None
    return binding is not None and binding.value_set.startswith("http://hl7.org/fhir/ValueSet/mimetypes")


class _NotRoutes(Exception):
    """The expression does more than a route can."""


def _follow(node: Node, origin: str) -> list[Route]:
    match node:
        case This():
            return [Route((), origin)]
        case Union(branches=branches):
            return [route for branch in branches for route in _follow(branch, origin)]
        case Member(target=This(), name=name, first=True) if _is_name_of(name, origin):
            return [Route((), origin)]
        case Member(target=target, name=name):
            return [found for route in _follow(target, origin) for found in _down(route, name)]
        case TypeTest(operator="as", operand=operand, type=wanted):
            return _of_type(_follow(operand, origin), wanted)
        case Call(target=target, name="as" | "ofType", arguments=(Member(target=This(), name=wanted),)):
            return _of_type(_follow(target, origin), wanted)
        case Call(target=target, name="where", arguments=(condition,)):
            return [_filtered(route, _filter(condition)) for route in _follow(target, origin)]
        case Index(target=target, index=Literal(value=0)):
            return [_first(route) for route in _follow(target, origin)]
    raise _NotRoutes


def _is_name_of(name: str, origin: str) -> bool:
    """Whether an expression's leading identifier names the type it starts from: ``Patient``, ``Resource``."""
    return name[:1].isupper() and definitions().is_a(origin, name)


def _down(route: Route, name: str) -> list[Route]:
    definition = definitions().type(route.type)
    elements = definition.by_name.get(name, ()) if definition else ()
    return [Route((*route.steps, Step(e.json_name)), e.type, e) for e in elements]


def _of_type(found: list[Route], wanted: str) -> list[Route]:
    wanted = wanted.removeprefix("FHIR.")
    wanted = wanted[0].lower() + wanted[1:] if wanted == "DateTime" else wanted
    return [route for route in found if route.type == wanted]


def _filter(condition: Node) -> Filter:
    match condition:
        case TypeTest(operator="is", operand=Call(name="resolve", target=This()), type=wanted):
            return "", wanted
        case Binary(
            operator="=", left=Member(target=This(), name=member), right=Literal(value=str() as text)
        ):
            return member, text
    raise _NotRoutes


def _filtered(route: Route, keep: Filter) -> Route:
    last = route.steps[-1]
    if last.keep is not None or last.first:
        raise _NotRoutes
    return Route((*route.steps[:-1], Step(last.name, keep)), route.type, route.element)


def _first(route: Route) -> Route:
    last = route.steps[-1]
    if last.keep is not None:
        raise _NotRoutes
    return Route((*route.steps[:-1], Step(last.name, None, True)), route.type, route.element)


def passes(keep: Filter) -> Callable[[Any, JsonObject], bool]:
    """The test of one item, of a resource, for a filter."""
    member, wanted = keep
    if member:
        return lambda item, resource: isinstance(item, dict) and item.get(member) == wanted
    inside = f"{wanted}/"

    def refers(item: Any, resource: JsonObject) -> bool:
        if not isinstance(item, dict):
            return False
        text = item.get("reference")
        if isinstance(text, str):
            if text.startswith("#"):
                return _contains(resource, text[1:], wanted)
            return text.startswith(inside) or f"/{inside}" in text or item.get("type") == wanted
        return bool(item.get("type") == wanted)

    return refers


def _contains(resource: JsonObject, id: str, type_name: str) -> bool:
    """Whether a resource contains one of that id and type."""
    contained = resource.get("contained")
    return isinstance(contained, list) and any(
        isinstance(one, dict) and one.get("id") == id and one.get("resourceType") == type_name
        for one in contained
    )
